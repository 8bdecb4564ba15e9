//! The door line of a running kiosk, seen from outside: when it is on, and that every end leaves it closed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use mfn_tests::{Kiosk, fixture, walk_up};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A kiosk before whose camera an enrolled person walks up again and again.
struct World {
    folder: TempDir,
    kiosk: Kiosk,
}

impl World {
    /// `settings` is added to the configuration.
    fn new(settings: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let kiosk = Kiosk::within(folder.path());
        walk_up(&folder.path().join("frames"), &["president-2.jpg"], 12);
        kiosk.run(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(0);
        let world = World { folder, kiosk };
        let (record, frames) = (world.record(), world.folder.path().join("frames"));
        let config = format!(
            "[camera]\nsource = \"folder:{}\"\npace = \"10\"\nrepeat = true\n\
             [door]\nline = \"simulated:{}\"\nrex = \"simulated:{}\"\nrex_active = \"high\"\npulse_s = 3.0\n{settings}",
            frames.display(),
            record.display(),
            world.button().display()
        );
        fs::write(world.config(), config).unwrap();
        world
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("kiosk.toml")
    }

    fn record(&self) -> PathBuf {
        self.folder.path().join("line")
    }

    fn button(&self) -> PathBuf {
        self.folder.path().join("button")
    }

    fn run(&self) -> Running {
        let mut command = self.kiosk.command(&["run", "--config", self.config().to_str().unwrap()]);
        Running(command.stdout(Stdio::null()).spawn().expect("the kiosk starts"))
    }

    /// Levels of the line in order; high is on.
    fn levels(&self) -> Vec<(u128, bool)> {
        let text = fs::read_to_string(self.record()).unwrap_or_default();
        let line = |line: &str| {
            let (time, level) = line.split_once(' ')?;
            Some((time.parse().ok()?, level == "1"))
        };
        text.lines().filter_map(line).collect()
    }

    fn is_on(&self) -> bool {
        self.levels().last().is_some_and(|&(_, on)| on)
    }

    /// Waits until the line is on or off; says how long that took.
    #[track_caller]
    fn wait_for(&self, on: bool, limit: Duration) -> Duration {
        let start = Instant::now();
        while self.is_on() != on {
            assert!(
                start.elapsed() < limit,
                "the line did not become {on} within {limit:?}: {:?}",
                self.levels()
            );
            thread::sleep(Duration::from_millis(5));
        }
        start.elapsed()
    }
}

/// Killed when the test ends, whichever way.
struct Running(Child);

impl Running {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The door keeper: the kiosk's only child.
    fn keeper(&self) -> Pid {
        let out =
            Command::new("ps").args(["-o", "pid=", "--ppid", &self.0.id().to_string()]).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        Pid::from_raw(text.split_whitespace().next().expect("a keeper").parse().unwrap()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SECOND: Duration = Duration::from_secs(1);
const START: Duration = Duration::from_secs(20);

#[test]
fn the_line_is_closed_first_pulses_once_and_a_kill_in_mid_pulse_closes_it() {
    let world = World::new("");
    let kiosk = world.run();
    world.wait_for(true, START);
    assert!(!world.levels()[0].1, "closed first");
    thread::sleep(Duration::from_millis(300));
    assert!(world.is_on(), "the pulse is longer than that");
    kiosk.signal(Signal::KILL);
    world.wait_for(false, SECOND);
    thread::sleep(SECOND);
    assert!(!world.is_on());
}

#[test]
fn terminated_in_mid_pulse_it_closes_and_ends_within_a_second() {
    let world = World::new("");
    for signal in [Signal::TERM, Signal::INT] {
        let mut kiosk = world.run();
        world.wait_for(true, START);
        let start = Instant::now();
        kiosk.signal(signal);
        let status = kiosk.0.wait().unwrap();
        assert!(start.elapsed() < SECOND, "{signal:?}: {:?}", start.elapsed());
        assert!(status.success() && !world.is_on(), "{signal:?}: {status}");
    }
}

#[test]
fn a_pulse_is_not_longer_than_it_may_be_and_hold_off_keeps_the_door_closed() {
    let world = World::new("[decision]\nhold_off_s = 4.0\n");
    let _kiosk = world.run();
    world.wait_for(true, START);
    world.wait_for(false, Duration::from_secs(4));
    let levels = world.levels();
    let [.., (on, true), (off, false)] = levels[..] else { panic!("{levels:?}") };
    let pulse = Duration::from_nanos((off - on) as u64);
    assert!(pulse > Duration::from_millis(2900) && pulse < Duration::from_millis(3200), "{pulse:?}");
}

#[test]
fn a_killed_keeper_leaves_the_line_closed() {
    let world = World::new("");
    let kiosk = world.run();
    world.wait_for(true, START);
    kill_process(kiosk.keeper(), Signal::KILL).unwrap();
    world.wait_for(false, SECOND);
}

/// The button is served while the recogniser's process is stopped altogether.
#[test]
fn request_to_exit_needs_no_recogniser() {
    let world = World::new("[decision]\nthreshold = 0.95\n");
    let kiosk = world.run();
    wait_for_file(&world.record());
    kiosk.signal(Signal::STOP);
    fs::write(world.button(), "1").unwrap();
    world.wait_for(true, SECOND);
    fs::write(world.button(), "0").unwrap();
    // door.exit_pulse_s is 5 by default.
    world.wait_for(false, Duration::from_secs(7));
    kiosk.signal(Signal::CONT);
}

fn wait_for_file(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < START, "no {}", path.display());
        thread::sleep(Duration::from_millis(5));
    }
}
