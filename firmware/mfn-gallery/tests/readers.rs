//! Readers beside a writer who enrols, removes and compacts, at once and in pieces: whatever the moment,
//! they see a whole gallery.

mod common;

use common::*;
use mfn_gallery::{Access, Gallery};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// Changes that the writer makes; few where an emulator does.
const CHANGES: u64 = if cfg!(target_arch = "aarch64") { 40 } else { 400 };

/// Every fourth change removes whoever is first, the others enrol person number `generation`.
fn people_after(generation: u64) -> BTreeSet<u64> {
    let mut people = BTreeSet::new();
    for change in 1..=generation {
        if change.is_multiple_of(4) {
            people.pop_first();
        } else {
            people.insert(change);
        }
    }
    people
}

fn write(dir: &Path, acknowledged: &AtomicU64) {
    let mut gallery = open(dir, Access::Write).unwrap();
    for change in 1..=CHANGES {
        if change.is_multiple_of(4) {
            let first = gallery.people()[0].id;
            gallery.remove(first).unwrap();
        } else {
            let references = vec![reference([1.0, change as f32, -1.0, 0.5]); change as usize % 3 + 1];
            gallery.enrol(&name(&format!("p{change}")), &references).unwrap();
        }
        acknowledged.store(change, SeqCst);
        if change.is_multiple_of(90) {
            gallery.compact().unwrap();
        } else if change % 50 > 25 {
            gallery.compact_some().unwrap();
        }
    }
}

fn read(dir: &Path, acknowledged: &AtomicU64, done: &AtomicBool) -> u64 {
    let mut gallery = open(dir, Access::Read).unwrap();
    let mut looks = 0;
    loop {
        let (last, before) = (done.load(SeqCst), acknowledged.load(SeqCst));
        gallery.reload().unwrap();
        looks += 1;
        assert!(!gallery.findings().iter().any(mfn_gallery::Finding::is_damage), "{:?}", gallery.findings());
        let generation = gallery.generation();
        assert!(generation >= before, "what was acknowledged is seen");
        let seen: BTreeSet<u64> =
            gallery.people().iter().map(|p| p.name.as_str()[1..].parse().unwrap()).collect();
        // Whoever is being removed may be gone a moment before their removal is seen.
        let (now, soon) = (people_after(generation), people_after(generation + CHANGES));
        assert!(seen.is_subset(&now), "{generation}");
        assert!(now.difference(&seen).all(|gone| !soon.contains(gone)), "{generation}");
        assert_eq!(gallery.search(&template([1.0; 4]), 1_000).0.len(), seen.len());
        if last {
            assert_eq!((generation, seen), (CHANGES, now));
            return looks;
        }
    }
}

#[test]
fn readers_see_whole_galleries_while_one_writes_and_compacts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    drop(open(&path, Access::Write).unwrap());
    let (acknowledged, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(|| read(&path, &acknowledged, &done)));
        write(&path, &acknowledged);
        done.store(true, SeqCst);
        let looks: Vec<u64> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        println!("{CHANGES} changes, {looks:?} looks");
    });
}
