//! The running kiosk with a V4L2 camera that is simulated below v4l's calls: it sees, stalls, is pulled and
//! comes back under another number.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use mfn_tests::{Kiosk, fixture, walk_up};
use rustix::process::{Pid, Signal, kill_process};

/// The simulator as a library to preload; `None` without a C compiler.
fn simulator(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("libv4l2-sim.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("v4l2-sim/sim.c");
    let made = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status();
    if made.is_err() {
        eprintln!("skipped: no C compiler for the camera");
    }
    assert!(made.ok()?.success(), "the simulator does not compile");
    Some(library)
}

/// The kiosk and the events that it prints.
struct Running {
    child: Child,
    events: Receiver<serde_json::Value>,
}

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the kiosk starts");
        let (send, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("events are JSON");
                if send.send(event).is_err() {
                    return;
                }
            }
        });
        Running { child, events }
    }

    /// Waits for an event of this kind for which `wanted` holds; says how long that took.
    #[track_caller]
    fn wait_for(&self, kind: &str, limit: Duration, wanted: impl Fn(&serde_json::Value) -> bool) -> Duration {
        let start = Instant::now();
        loop {
            let left =
                limit.checked_sub(start.elapsed()).unwrap_or_else(|| panic!("no {kind} within {limit:?}"));
            let event =
                self.events.recv_timeout(left).unwrap_or_else(|e| panic!("no {kind} within {limit:?}: {e}"));
            if event["event"] == kind && wanted(&event) {
                return start.elapsed();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_camera_sees_stalls_is_pulled_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = simulator(folder.path()) else { return };
    let kiosk = Kiosk::within(folder.path());
    kiosk.run(&["enrol", "Ada", "--photo", &fixture("president-1.jpg")]).expect(0);

    let device = folder.path().join("dev");
    walk_up(&device, &["president-2.jpg"], 1);
    fs::rename(device.join("00000.jpg"), device.join("picture")).unwrap();
    fs::write(device.join("modes"), "MJPG 640 480 30 0\n").unwrap();
    fs::write(device.join("video0"), "").unwrap();
    symlink("video0", device.join("usb-camera-index0")).unwrap();
    let source = format!("v4l2:{}", device.join("usb-camera-index0").display());
    let mut command = kiosk.command(&["run", "--json", "--source", &source]);
    command.env("LD_PRELOAD", library).env("V4L2_SIM_DIR", &device);
    let mut run = Running::start(command);
    let any = |_: &serde_json::Value| true;

    run.wait_for("camera", Duration::from_secs(20), any);
    run.wait_for("decision", Duration::from_secs(20), |event| event["decision"] == "grant");
    fs::write(device.join("stall"), "").unwrap();
    run.wait_for("camera-trouble", Duration::from_secs(10), any);
    fs::remove_file(device.join("stall")).unwrap();
    run.wait_for("camera", Duration::from_secs(5), any);

    fs::remove_file(device.join("video0")).unwrap();
    fs::remove_file(device.join("usb-camera-index0")).unwrap();
    run.wait_for("camera-trouble", Duration::from_secs(10), any);
    fs::write(device.join("video3"), "").unwrap();
    symlink("video3", device.join("usb-camera-index0")).unwrap();
    let back = run.wait_for("camera", Duration::from_secs(5), any);
    println!("the camera was used again {back:?} after its return");

    kill_process(Pid::from_child(&run.child), Signal::TERM).unwrap();
    run.wait_for("summary", Duration::from_secs(2), any);
    assert!(run.child.wait().unwrap().success());
}

/// Inference is slower than a camera of 200 pictures a second: the newest is taken, the others are counted.
#[test]
fn capture_does_not_wait_for_inference() {
    let folder = tempfile::tempdir().unwrap();
    let frames = folder.path().join("frames");
    walk_up(&frames, &["president-2.jpg"], 10);
    let config = folder.path().join("kiosk.toml");
    let settings =
        format!("[camera]\nsource = \"folder:{}\"\npace = \"200\"\nrepeat = true\n", frames.display());
    fs::write(&config, settings).unwrap();
    let arguments = ["run", "--json", "--frames", "20", "--config", config.to_str().unwrap()];
    let lines = Kiosk::within(folder.path()).run(&arguments).expect(0).json();
    let summary = lines.iter().find(|line| line["event"] == "summary").unwrap();
    let count = |field: &str| summary[field].as_u64().unwrap();
    assert!(count("frames_dropped") > 0, "{summary}");
    assert!(count("frames_seen") >= count("frames_processed") + count("frames_dropped"), "{summary}");
}
