//! What outlives a process: the line's record after a SIGKILL, and the datagrams that a service manager gets.
//! The tests run themselves as children, told apart by an environment variable.

mod common;

use std::{
    env, fs,
    io::ErrorKind,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::Starter;
use embedded_hal::digital::PinState;
use mfn_board::{ActiveLevel, DoorLine, NoWatchdog, SimulatedPin, SystemdWatchdog, Watchdog};

const CHILD: &str = "MFN_BOARD_TEST_CHILD";

/// Starts this test once more as a child; `None` where this machine cannot.
fn child(test: &str, variables: &[(&str, &str)]) -> Option<Child> {
    let mut command = Starter::find()?.command();
    command.args(["--exact", test, "--nocapture"]).envs(variables.iter().copied()).stdout(Stdio::null());
    Some(command.spawn().unwrap())
}

#[test]
fn after_a_kill_the_record_shows_the_level_that_was_left() {
    if let Some(record) = env::var_os(CHILD).map(PathBuf::from) {
        let pin = SimulatedPin::output(Some(&record), PinState::Low).unwrap();
        let mut line = DoorLine::new(pin, ActiveLevel::High).unwrap();
        line.set(true).unwrap();
        thread::sleep(Duration::from_secs(30));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("line");
    let name = "after_a_kill_the_record_shows_the_level_that_was_left";
    let Some(mut killed) = child(name, &[(CHILD, record.to_str().unwrap())]) else { return };
    let energised = || fs::read_to_string(&record).is_ok_and(|text| text.ends_with(" 1\n"));
    let start = Instant::now();
    while !energised() {
        assert!(start.elapsed() < Duration::from_secs(10), "the child did not energise the line");
        thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(energised(), "nobody closes the line of a killed process");
    drop(SimulatedPin::output(Some(&record), PinState::Low).unwrap());
    assert!(!energised(), "whoever takes it next does");
}

#[test]
fn the_service_manager_is_told() {
    if env::var_os(CHILD).is_some() {
        let mut watchdog = SystemdWatchdog::from_environment().unwrap().expect("NOTIFY_SOCKET is set");
        assert_eq!(watchdog.interval(), Some(Duration::from_secs(2)), "half of WATCHDOG_USEC");
        watchdog.ready().unwrap();
        watchdog.alive().unwrap();
        watchdog.stopping().unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let variables = [(CHILD, "1"), ("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "4000000")];
    let Some(mut service) = child("the_service_manager_is_told", &variables) else { return };
    assert!(service.wait().unwrap().success());
    assert_eq!(received(&manager), ["READY=1\n", "WATCHDOG=1\n", "STOPPING=1\n"]);
}

/// All datagrams that wait at the socket.
fn received(manager: &UnixDatagram) -> Vec<String> {
    manager.set_nonblocking(true).unwrap();
    let mut texts = Vec::new();
    let mut buffer = [0; 256];
    while let Ok(len) = manager.recv(&mut buffer) {
        texts.push(String::from_utf8(buffer[..len].to_vec()).unwrap());
    }
    texts
}

#[test]
fn a_manager_that_does_not_answer_stops_nothing() {
    let name = format!("mfn-board-test-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let mut watchdog = SystemdWatchdog::new(format!("@{name}").as_ref(), None).unwrap();
    assert_eq!(watchdog.interval(), None);
    watchdog.alive().unwrap();
    assert_eq!(received(&manager), ["WATCHDOG=1\n"]);
    // Nobody reads: the queue fills up, and the call fails instead of waiting.
    let full = (0..100_000).find_map(|_| watchdog.alive().err()).expect("the queue has an end");
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    drop(manager);
    assert!(watchdog.alive().is_err());
    assert!(SystemdWatchdog::new("/".repeat(200).as_ref(), None).is_err(), "no socket has such a long name");
    assert!(NoWatchdog.ready().is_ok() && NoWatchdog.alive().is_ok() && NoWatchdog.interval().is_none());
}
