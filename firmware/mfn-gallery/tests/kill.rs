//! A real process on a real file system, killed at random points: what it has acknowledged is there,
//! and at most the operation in flight beside it.

mod common;

use common::*;
use mfn_gallery::{Access, Gallery, LOCK_FILE};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Tells the child where the gallery is.
const DIR: &str = "MFN_TEST_KILL";

/// Change number `generation`: every fifth removes whoever is first, the others enrol somebody.
fn change(gallery: &mut impl Gallery, generation: u64) {
    let first = gallery.people().first().map(|person| person.id);
    match first.filter(|_| generation.is_multiple_of(5)) {
        Some(first) => gallery.remove(first).unwrap(),
        None => {
            let templates = vec![reference([1.0, generation as f32, 2.0, 3.0]); generation as usize % 3 + 1];
            gallery.enrol(&name(&format!("p{generation}")), &templates).unwrap();
        }
    }
}

/// Who is enrolled after that many changes.
fn people_after(generation: u64) -> BTreeSet<u64> {
    let mut people = BTreeSet::new();
    for generation in 1..=generation {
        if !generation.is_multiple_of(5) || people.pop_first().is_none() {
            people.insert(generation);
        }
    }
    people
}

fn work(dir: &Path) -> ! {
    let mut gallery = open(dir, Access::Write).unwrap();
    loop {
        let generation = gallery.generation() + 1;
        change(&mut gallery, generation);
        println!("ack {generation}");
    }
}

/// Starts a child, kills it some time after its first acknowledgement, returns its last one.
fn kill_after(dir: &Path, delay: Duration) -> u64 {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "killed_processes_lose_nothing", "--nocapture"];
    let command = Command::new(program).args(arguments).env(DIR, dir).stdout(Stdio::piped()).spawn();
    let mut child = command.unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ack = |line: String| line.strip_prefix("ack ").and_then(|number| number.parse().ok());
    let first: u64 = lines.by_ref().map_while(Result::ok).find_map(ack).expect("an acknowledgement");
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    lines.map_while(Result::ok).filter_map(ack).last().unwrap_or(first)
}

fn kill(times: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..times {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let acknowledged = kill_after(dir.path(), Duration::from_micros((random >> 33) % 20_000));
        let gallery = open(dir.path(), Access::Read).unwrap();
        assert!(gallery.findings().iter().all(|finding| !finding.is_damage()));
        let generation = gallery.generation();
        assert!((acknowledged..=acknowledged + 1).contains(&generation), "{generation} of {acknowledged}");
        let names: BTreeSet<String> = gallery.people().iter().map(|p| p.name.to_string()).collect();
        assert_eq!(names, people_after(generation).iter().map(|n| format!("p{n}")).collect());
    }
    assert!(dir.path().join(LOCK_FILE).exists());
}

#[test]
fn killed_processes_lose_nothing() {
    if let Some(dir) = std::env::var_os(DIR) {
        work(Path::new(&dir));
    }
    if cfg!(target_arch = "aarch64") {
        println!("skipped: needs to start itself, which emulators may not know");
        return;
    }
    kill(10);
}

#[test]
#[ignore = "takes minutes: cargo test --release -p mfn-gallery --test kill -- --ignored"]
fn a_thousand_killed_processes_lose_nothing() {
    kill(1_000);
}
