//! Commands that reach a kiosk which runs: through its socket, within a second, whatever else is connected.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use mfn_tests::{Kiosk, fixture, walk_up};
use serde_json::Value;
use tempfile::TempDir;

const START: Duration = Duration::from_secs(20);
/// Reaching the kiosk takes at most a second; the vote of three frames at ten a second comes on top.
const SOON: Duration = Duration::from_millis(1500);

/// A kiosk that runs, before whose camera one person walks up again and again.
struct World {
    folder: TempDir,
    kiosk: Kiosk,
    process: Child,
    record: Receiver<Value>,
}

impl World {
    /// Returns when the kiosk is ready.
    fn new(settings: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let kiosk = Kiosk::within(folder.path());
        let frames = folder.path().join("frames");
        walk_up(&frames, &["president-2.jpg"], 12);
        let config = folder.path().join("kiosk.toml");
        let text = format!(
            "[camera]\nsource = \"folder:{}\"\npace = \"10\"\nrepeat = true\n\
             [decision]\nhold_off_s = 0.5\ndenial_hold_off_s = 0.2\n{settings}",
            frames.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = kiosk.command(&["run", "--json", "--config", config.to_str().unwrap()]);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the kiosk starts");
        let record = listen(process.stdout.take().unwrap());
        let world = World { folder, kiosk, process, record };
        world.wait_for(START, |event| event["event"] == "ready");
        world
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("kiosk.toml")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("gallery.sock")
    }

    /// The first event from now on that is wanted, and how long it took.
    #[track_caller]
    fn wait_for(&self, limit: Duration, wanted: impl Fn(&Value) -> bool) -> (Value, Duration) {
        let start = Instant::now();
        let mut seen = Vec::new();
        while let Ok(event) = self.record.recv_timeout(limit.saturating_sub(start.elapsed())) {
            if wanted(&event) {
                return (event, start.elapsed());
            }
            seen.push(event);
        }
        panic!("nothing within {limit:?} but {seen:#?}");
    }

    /// Runs a command with the kiosk's configuration; what was recorded before it is forgotten.
    fn command(&self, arguments: &[&str]) -> mfn_tests::Finished {
        let mut all = arguments.to_vec();
        let config = self.config();
        all.extend(["--config", config.to_str().unwrap()]);
        let end = self.kiosk.run(&all);
        while self.record.try_recv().is_ok() {}
        end
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn listen(out: impl Read + Send + 'static) -> Receiver<Value> {
    let (events, record) = channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = events.send(serde_json::from_str(&line).expect("JSON"));
        }
    });
    record
}

fn grant(event: &Value) -> bool {
    event["decision"] == "grant"
}

fn unknown(event: &Value) -> bool {
    event["reason"] == "unknown person"
}

#[test]
fn changes_reach_the_door_within_a_second() {
    let world = World::new("");
    world.wait_for(SOON, unknown);
    let enrolled =
        world.command(&["enrol", "Ada", "--photo", &fixture("president-1.jpg"), "--json"]).expect(0);
    assert_eq!(enrolled.json()[0]["id"], 1);
    let (granted, took) = world.wait_for(SOON, grant);
    assert_eq!(granted["person"], 1);
    println!("enrolment to grant: {took:?}");

    world.command(&["rename", "Ada", "Bea"]).expect(0);
    world.command(&["disable", "Bea"]).expect(0);
    world.wait_for(2 * SOON, unknown);
    let listed = world.command(&["list", "--json"]).expect(0).json();
    assert_eq!((&listed[0][0]["name"], &listed[0][0]["enabled"]), (&"Bea".into(), &false.into()));
    world.command(&["enable", "#1"]).expect(0);
    world.wait_for(SOON, grant);

    world.command(&["edit", "Bea", "--valid-until", "2020-01-01"]).expect(0);
    world.wait_for(2 * SOON, unknown);
    world.command(&["edit", "Bea", "--valid-until", "none", "--group", "staff", "--note", "a\nb"]).expect(0);
    world.wait_for(SOON, grant);
    world.command(&["remove", "Bea"]).expect(0);
    world.wait_for(2 * SOON, unknown);

    let status = world.command(&["status", "--json"]).expect(0).json();
    assert_eq!(status[0]["people"], 0);
    assert!(status[0]["frames_seen"].as_u64() > Some(10), "{status:?}");
}

/// The kiosk's own checks: names, look-alikes, people who are not there; each with its exit code.
#[test]
fn the_kiosk_refuses_with_the_same_codes_as_the_command_alone() {
    let world = World::new("");
    world.command(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(0);
    let again = world.command(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(5);
    assert!(again.err.contains("--add"), "{again:?}");
    let alike = world.command(&["enrol", "Bob", "--photo", &fixture("president-2.jpg")]).expect(8);
    assert!(alike.err.contains("look-alike of #1"), "{alike:?}");
    world.command(&["enrol", "Ada", "--add", "--photo", &fixture("president-2.jpg")]).expect(0);
    world.command(&["remove", "Eve"]).expect(5);
    world.command(&["rename", "Ada", "a/b"]).expect(2);
}

#[test]
fn the_kiosk_lends_its_camera() {
    let world = World::new("");
    let end = world.command(&["enrol", "Ada", "--camera", "--good-frames", "3", "--json"]).expect(0);
    assert_eq!(end.json()[0]["added"], 3);
    assert!(end.err.contains("1 of 3 good"), "progress: {end:?}");
    world.wait_for(SOON, grant);
    // The same person under another name.
    let alike = world.command(&["enrol", "Eve", "--camera", "--good-frames", "1"]).expect(8);
    assert!(alike.err.contains("look-alike"), "{alike:?}");
}

#[test]
fn a_second_kiosk_on_the_gallery_is_refused_by_name() {
    let world = World::new("");
    let second = world.command(&["run"]).expect(5);
    assert!(second.err.contains(&format!("process {}", world.process.id())), "{second:?}");
    world.command(&["status"]).expect(0);
}

/// Silent peers, half a message, a message of another program: the door goes on and others are served.
#[test]
fn peers_that_say_nothing_or_nonsense_hold_nobody_up() {
    let world = World::new("");
    assert_eq!(world.socket().metadata().unwrap().permissions().mode() & 0o777, 0o660);
    world.command(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(0);
    let connect = || UnixStream::connect(world.socket()).unwrap();
    let silent: Vec<UnixStream> = (0..3).map(|_| connect()).collect();
    let mut half = connect();
    half.write_all(b"MFN\x01\xff").unwrap();
    world.wait_for(SOON, grant);
    // All four places are taken: the next is told so, and served when they have timed out.
    let busy = world.command(&["status"]).expect(9);
    assert!(busy.err.contains("busy"), "{busy:?}");
    thread::sleep(Duration::from_secs(4));
    world.command(&["status"]).expect(0);
    drop((silent, half));

    for (bytes, word) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "no message of mfn-kiosk"),
        (b"MFN\x07\x02\0\0\0{}", "version 7"),
        (b"MFN\x01\xff\xff\xff\xff", "4294967295"),
        (b"MFN\x01\x02\0\0\0{}", "understood"),
        (b"MFN\x01\x07\0\0\0\"reboot", "understood"),
    ] {
        let mut peer = connect();
        peer.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // What it has not read makes the end a reset, after the answer.
        let _ = peer.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.contains(word) && answer.contains("refused"), "{answer}");
    }
    world.wait_for(SOON, grant);
}

/// A killed kiosk leaves its socket; commands then work alone, and the next kiosk takes it over.
#[test]
fn a_socket_that_nobody_serves_is_in_nobodys_way() {
    let mut world = World::new("");
    world.process.kill().unwrap();
    world.process.wait().unwrap();
    assert!(world.socket().exists());
    world.command(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(0);
    world.command(&["status"]).expect(3);
    world.command(&["run", "--frames", "5"]).expect(0);
    assert!(!world.socket().exists(), "an orderly end takes the socket away");
}

/// People past their erasure date are removed by the kiosk itself.
#[test]
fn erasure_dates_are_kept() {
    let world = World::new("");
    world
        .command(&["enrol", "Ada", "--photo", &fixture("president-1.jpg"), "--erase-after", "2026-01-01"])
        .expect(0);
    let listed = world.command(&["list", "--json"]).expect(0).json();
    assert_eq!(listed[0][0]["name"], "Ada", "removed at the next look, once a minute");
    // The first look is at the start.
    let config = world.config();
    drop(world.command(&["status"]));
    let folder = world.folder.path().to_owned();
    let mut world = world;
    world.process.kill().unwrap();
    world.process.wait().unwrap();
    let run =
        world.kiosk.run(&["run", "--json", "--frames", "25", "--config", config.to_str().unwrap()]).expect(0);
    assert!(run.out.contains("past their erasure date and removed: #1"), "{run:?}");
    let listed = world.kiosk.run(&["list", "--json", "--config", config.to_str().unwrap()]).expect(0).json();
    assert_eq!(listed[0].as_array().unwrap().len(), 0, "{}", folder.display());
}

/// Schedules decide after the vote.
#[test]
fn who_is_outside_the_schedule_is_recognised_and_not_let_in() {
    let world = World::new("schedules = [\"nobody: always\"]\n");
    world.command(&["enrol", "Ada", "--photo", &fixture("president-1.jpg"), "--group", "staff"]).expect(0);
    world.wait_for(SOON, |event| event["reason"] == "#1 is in no rule");
    world.command(&["edit", "Ada", "--group", "nobody"]).expect(0);
    world.wait_for(SOON, grant);
}
