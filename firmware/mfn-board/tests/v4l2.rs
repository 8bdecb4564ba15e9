//! The V4L2 camera against a simulated device below v4l's system calls (`tests/v4l2-sim`, in C).
//!
//! Each test runs itself once more as a child with the simulator preloaded; the child holds the assertions.
//! Where the simulator cannot be compiled (no C compiler), one line says that it was skipped.

mod common;

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use common::Starter;
use mfn_board::{CameraError, CameraOptions, CameraSource, Captured, Size, open_camera};
use mfn_vision::{Frame, PixelFormat, RgbImage, photo, to_rgb};

/// What the simulator's README says of picture `n`.
fn expected(letter: u8, n: usize, len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 7 + n * 13 + usize::from(letter)) % 251) as u8).collect()
}

/// Runs `body` in a process that sees the simulated device; it is given the simulation's folder.
fn simulated(test: &str, body: fn(&Path)) {
    if let Some(folder) = env::var_os("V4L2_SIM_DIR") {
        return body(Path::new(&folder));
    }
    let Some(starter) = Starter::find() else { return };
    let Some(library) = simulator(starter) else { return println!("skipped: no C compiler for the camera") };
    let folder = tempfile::tempdir().unwrap();
    let run = starter
        .command()
        .args(["--exact", test, "--nocapture"])
        .env("V4L2_SIM_DIR", folder.path())
        .env("LD_PRELOAD", library)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && text.contains("1 passed"), "{text}");
}

/// The compiled simulator, made once for all tests of this process.
fn simulator(starter: &Starter) -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(|| compile(starter.compiler)).as_deref()
}

fn compile(compiler: &str) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/v4l2-sim/sim.c");
    let library =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libv4l2-sim-{}.so", env::consts::ARCH));
    let partial = library.with_extension(std::process::id().to_string());
    Command::new(compiler).arg("--version").output().ok().filter(|run| run.status.success())?;
    let arguments = ["-O1", "-shared", "-fPIC", "-o"];
    let made = Command::new(compiler).args(arguments).arg(&partial).arg(source).arg("-ldl").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::rename(partial, &library).unwrap();
    Some(library)
}

fn plug(folder: &Path, modes: &str) -> CameraSource {
    fs::write(folder.join("modes"), modes).unwrap();
    fs::write(folder.join("video0"), "").unwrap();
    CameraSource::V4l2(folder.join("video0"))
}

/// 64x48, no picture passed over, a stall after 300 ms.
fn options() -> CameraOptions {
    CameraOptions {
        size: Size { width: 64, height: 48 },
        settle_frames: 0,
        stall_after: Duration::from_millis(300),
        ..CameraOptions::new(Instant::now())
    }
}

/// Asserts that `run` fails and gives its error.
fn error_of<T>(run: Result<T, CameraError>) -> CameraError {
    run.err().expect("it should have failed")
}

#[test]
fn every_format_is_delivered_byte_for_byte() {
    simulated("every_format_is_delivered_byte_for_byte", |folder| {
        let cases = [
            ("YUYV 64 48 30 0", PixelFormat::Yuyv, 128, 128 * 48),
            ("YUYV 64 48 30 32", PixelFormat::Yuyv, 160, 160 * 48),
            ("NV12 64 48 30 0", PixelFormat::Nv12, 64, 64 * 72),
            ("NV12 64 48 30 16", PixelFormat::Nv12, 80, 80 * 72),
            ("GREY 64 48 30 0", PixelFormat::Grey, 64, 64 * 48),
            ("MJPG 64 48 30 0", PixelFormat::Mjpeg, 0, 0),
        ];
        for (modes, format, stride, len) in cases {
            let mut camera = open_camera(&plug(folder, modes), &options()).unwrap();
            let mut frame = Frame::empty();
            // More pictures than buffers, so that each buffer is used again.
            for n in 0..10 {
                assert_eq!(camera.capture(&mut frame).unwrap(), Captured::Picture);
                assert_eq!((frame.format, frame.width, frame.height, frame.stride), (format, 64, 48, stride));
                let len = if format == PixelFormat::Mjpeg { 64 * 48 / 2 + n } else { len };
                assert!(frame.data == expected(modes.as_bytes()[0], n, len), "{modes}, picture {n}");
                assert_eq!(frame.sequence, n as u64);
            }
        }
    });
}

#[test]
fn the_best_mode_is_picked() {
    simulated("the_best_mode_is_picked", |folder| {
        let modes = "MJPG 128 96 30 0\nYUYV 128 96 5 0\nYUYV 64 48 30 0\nGREY 64 48 30 0\nXYZW 64 48 30 0\n";
        let source = plug(folder, modes);
        let camera = open_camera(&source, &options()).unwrap();
        assert!(camera.describe().ends_with("Yuyv 64x48"), "{}", camera.describe());
        drop(camera);
        let large = CameraOptions { size: Size { width: 128, height: 96 }, ..options() };
        let camera = open_camera(&source, &large).unwrap();
        assert!(camera.describe().ends_with("Mjpeg 128x96"), "{}", camera.describe());
        drop(camera);
        fs::write(folder.join("no-enumeration"), "").unwrap();
        let patient = CameraOptions { stall_after: Duration::MAX, ..options() };
        let mut camera = open_camera(&source, &patient).unwrap();
        camera.capture(&mut Frame::empty()).unwrap();
        assert!(camera.describe().ends_with("Yuyv 64x48"), "{}", camera.describe());
    });
}

#[test]
fn dark_and_damaged_pictures_are_passed_over() {
    simulated("dark_and_damaged_pictures_are_passed_over", |folder| {
        fs::write(folder.join("dark"), "4").unwrap();
        let source = plug(folder, "YUYV 64 48 30 0");
        let mut frame = Frame::empty();
        let settle = CameraOptions { settle_frames: 15, ..options() };
        let mut camera = open_camera(&source, &settle).unwrap();
        camera.capture(&mut frame).unwrap();
        assert_eq!(frame.sequence, 5, "0 to 3 are dark, 4 showed that the exposure has settled");
        fs::write(folder.join("damaged"), "").unwrap();
        for n in [6, 9, 12] {
            camera.capture(&mut frame).unwrap();
            assert_eq!((frame.sequence, frame.data.len()), (n, 128 * 48));
        }
        drop(camera);
        fs::write(folder.join("dark"), "1000").unwrap();
        fs::remove_file(folder.join("damaged")).unwrap();
        let mut night = open_camera(&source, &settle).unwrap();
        night.capture(&mut frame).unwrap();
        assert_eq!(frame.sequence, 15, "a dark night is shown too, after all dark pictures were passed");
    });
}

#[test]
fn a_jpeg_picture_tells_whether_the_exposure_has_settled() {
    simulated("a_jpeg_picture_tells_whether_the_exposure_has_settled", |folder| {
        let source = plug(folder, "MJPG 64 48 30 0");
        let settle = CameraOptions { settle_frames: 15, ..options() };
        for (grey, first) in [(120, 1), (5, 15)] {
            let jpeg = folder.join("picture.jpg");
            let picture = RgbImage::from_raw(64, 48, vec![grey; 64 * 48 * 3]).unwrap();
            photo::save_jpeg(&picture, &jpeg).unwrap();
            fs::rename(&jpeg, folder.join("picture")).unwrap();
            let mut camera = open_camera(&source, &settle).unwrap();
            let mut frame = Frame::empty();
            camera.capture(&mut frame).unwrap();
            assert_eq!(frame.sequence, first);
            let mut shown = RgbImage::default();
            to_rgb(&frame, &mut shown).unwrap();
            assert!(shown.data().iter().all(|&byte| byte.abs_diff(grey) <= 2));
        }
    });
}

#[test]
fn a_stall_is_reported_in_time_and_ends_with_the_next_picture() {
    simulated("a_stall_is_reported_in_time_and_ends_with_the_next_picture", |folder| {
        let mut camera = open_camera(&plug(folder, "NV12 64 48 30 0"), &options()).unwrap();
        let mut frame = Frame::empty();
        camera.capture(&mut frame).unwrap();
        fs::write(folder.join("stall"), "").unwrap();
        for _ in 0..2 {
            let start = Instant::now();
            let error = error_of(camera.capture(&mut frame));
            assert!(matches!(error, CameraError::Stalled { .. }) && error.is_passing(), "{error}");
            assert!(
                start.elapsed() >= Duration::from_millis(290) && start.elapsed() < Duration::from_secs(5)
            );
        }
        fs::remove_file(folder.join("stall")).unwrap();
        camera.capture(&mut frame).unwrap();
        assert_eq!(frame.sequence, 1, "numbers go on");
        assert!(frame.data == expected(b'N', 0, 64 * 72), "the device was started anew");
    });
}

#[test]
fn a_pulled_camera_is_found_under_another_number() {
    simulated("a_pulled_camera_is_found_under_another_number", |folder| {
        plug(folder, "YUYV 64 48 30 0");
        let by_id = folder.join("usb-Camera-video-index0");
        symlink("video0", &by_id).unwrap();
        let source = CameraSource::V4l2(by_id.clone());
        let mut camera = open_camera(&source, &options()).unwrap();
        let mut frame = Frame::empty();
        camera.capture(&mut frame).unwrap();

        fs::remove_file(folder.join("video0")).unwrap();
        for _ in 0..3 {
            let error = error_of(camera.capture(&mut frame));
            assert!(matches!(error, CameraError::Gone { .. }) && error.is_passing(), "{error}");
        }
        // udev: the node first, not yet permitted; then its link and its group.
        fs::write(folder.join("deny"), "").unwrap();
        fs::write(folder.join("video1"), "").unwrap();
        fs::remove_file(&by_id).unwrap();
        symlink("video1", &by_id).unwrap();
        let allowed = folder.join("deny");
        let returned = Instant::now();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(400));
            fs::remove_file(allowed).unwrap();
        });
        while camera.capture(&mut frame).is_err() {
            assert!(returned.elapsed() < Duration::from_secs(5), "not back within 5 s");
        }
        assert_eq!(frame.sequence, 1);
        println!("back {} ms after its return", returned.elapsed().as_millis());
    });
}

#[test]
fn a_driver_that_cannot_stop_is_left_alone() {
    // v4l itself panics here.
    simulated("a_driver_that_cannot_stop_is_left_alone", |folder| {
        let mut camera = open_camera(&plug(folder, "GREY 64 48 30 0"), &options()).unwrap();
        camera.capture(&mut Frame::empty()).unwrap();
        fs::write(folder.join("stuck"), "").unwrap();
        drop(camera);
    });
}

#[test]
fn what_cannot_be_opened_says_why() {
    simulated("what_cannot_be_opened_says_why", |folder| {
        let open = |source: &CameraSource| error_of(open_camera(source, &options()));
        let missing = open(&CameraSource::V4l2(folder.join("video7")));
        assert!(matches!(missing, CameraError::Absent { .. }) && !missing.is_passing(), "{missing}");
        assert!(missing.to_string().contains("video7"));
        let not_a_device = folder.join("text");
        fs::write(&not_a_device, "hello").unwrap();
        let error = open(&CameraSource::V4l2(not_a_device));
        assert!(matches!(error, CameraError::Unsupported { .. }), "{error}");
        let foreign = open(&plug(folder, "H264 64 48 30 0"));
        assert!(matches!(foreign, CameraError::Unsupported { .. }), "{foreign}");
        let source = plug(folder, "GREY 64 48 30 0");
        fs::write(folder.join("busy"), "").unwrap();
        let busy = open(&source);
        assert!(matches!(busy, CameraError::Busy { .. }), "{busy}");
        fs::write(folder.join("deny"), "").unwrap();
        let denied = open(&source);
        assert!(matches!(denied, CameraError::Permission { .. }), "{denied}");
        assert!(denied.to_string().contains("group `video`") && denied.to_string().contains("video0"));
    });
}
