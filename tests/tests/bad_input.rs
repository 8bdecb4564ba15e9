//! What a user can type or plug in wrongly: one clear line, a code that is not zero, nothing lost.

use std::{fs, os::unix::fs::PermissionsExt};

use mfn_gallery::GalleryKey;
use mfn_tests::{Finished, Kiosk, fixture, models};
use tempfile::TempDir;

/// A kiosk whose gallery's key is there already: making one is said in a line of its own.
fn kiosk() -> (TempDir, Kiosk) {
    let folder = tempfile::tempdir().unwrap();
    let kiosk = Kiosk::within(folder.path());
    GalleryKey::load_or_create(&GalleryKey::path_for(kiosk.gallery(), None)).unwrap();
    (folder, kiosk)
}

/// One line on standard error that holds each of the words.
#[track_caller]
fn one_line(end: &Finished, words: &[&str]) {
    let lines: Vec<_> = end.err.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "{end:?}");
    for word in words {
        assert!(lines[0].contains(word), "no {word:?} in {:?}", lines[0]);
    }
}

#[test]
fn photographs_that_are_none() {
    let Some(_) = models() else { return };
    let (folder, kiosk) = kiosk();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let whole = fs::read(fixture("astronaut-1.jpg")).unwrap();
    // A PNG header that claims 2^31 x 2^31 pixels.
    let mut vast = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0".to_vec();
    vast.extend([0x5c, 0x0e, 0xd3, 0x6c]);
    let cases = [
        (file("text.jpg", b"this is a text file"), "text.jpg"),
        (file("empty.jpg", b""), "empty.jpg"),
        (file("cut.jpg", &whole[..300]), "cut.jpg"),
        (file("vast.png", &vast), "vast.png"),
        (folder.path().join("absent.jpg").display().to_string(), "absent.jpg"),
        (folder.path().display().to_string(), folder.path().to_str().unwrap()),
    ];
    for (path, named) in cases {
        one_line(&kiosk.run(&["detect", &path]).expect(8), &[named]);
        one_line(&kiosk.run(&["enrol", "somebody", "--photo", &path]).expect(8), &[named]);
    }
}

#[test]
fn names_that_cannot_be() {
    let Some(_) = models() else { return };
    let (_folder, kiosk) = kiosk();
    let long = "x".repeat(10_000);
    for name in ["a/b", "line\nbreak", "", " ", "bell\u{7}", &long] {
        let end = kiosk.run(&["enrol", name, "--photo", &fixture("president-1.jpg")]).expect(2);
        assert!(end.err.len() < 1000, "a name is not repeated endlessly: {} bytes", end.err.len());
    }
}

#[test]
fn configurations() {
    let (folder, kiosk) = kiosk();
    let path = folder.path().join("kiosk.toml");
    for (text, words) in [
        ("[decision]\nvotse = 3\n", ["votse", "votes"]),
        ("[detektor]\nwidth = 320\n", ["detektor", "detector"]),
        ("[detector]\nwidth = 321\n", ["detector.width", "32"]),
        ("[decision]\nthreshold = 7.5\n", ["threshold", "7.5"]),
        ("[camera\n", ["kiosk.toml", "1"]),
        ("[camera]\nsource = \"webcam\"\n", ["webcam", "v4l2:"]),
    ] {
        fs::write(&path, text).unwrap();
        one_line(&kiosk.run(&["list", "--config", path.to_str().unwrap()]).expect(2), &words);
    }
    one_line(&kiosk.run(&["list", "--config", "no-such-file.toml"]).expect(2), &["no-such-file.toml"]);
}

#[test]
fn the_printed_configuration_is_taken_back() {
    let (folder, kiosk) = kiosk();
    let printed = kiosk.run(&["config"]).expect(0).out;
    let path = folder.path().join("kiosk.toml");
    fs::write(&path, &printed).unwrap();
    assert_eq!(kiosk.run(&["config", "--config", path.to_str().unwrap()]).expect(0).out, printed);
}

#[test]
fn model_folders() {
    let Some(real) = models() else { return };
    let (folder, kiosk) = kiosk();
    let dir = folder.path().join("models");
    let text = dir.to_str().unwrap();
    one_line(&kiosk.run(&["verify", "--models", text, "a", "b"]).expect(4), &[text]);
    fs::create_dir(&dir).unwrap();
    one_line(&kiosk.run(&["verify", "--models", text, "a", "b"]).expect(4), &[text]);

    // Altered, cut and foreign files under the names that are known.
    fs::create_dir(dir.join("golden")).unwrap();
    for entry in fs::read_dir(real.join("golden")).unwrap().flatten() {
        fs::write(dir.join("golden").join(entry.file_name()), fs::read(entry.path()).unwrap()).unwrap();
    }
    let (detector, teacher) = ("detector-yunet-n.onnx", "teacher-edgeface-xs-512d.onnx");
    fs::write(dir.join(teacher), fs::read(real.join(teacher)).unwrap()).unwrap();
    let mut altered = fs::read(real.join(detector)).unwrap();
    altered[5000] ^= 1;
    for bytes in [&altered[..], &altered[..1000], b"not a graph", b""] {
        fs::write(dir.join(detector), bytes).unwrap();
        one_line(
            &kiosk.run(&["detect", "--models", text, &fixture("astronaut-1.jpg")]).expect(4),
            &[detector],
        );
    }
}

#[test]
fn cameras_that_are_not_there() {
    let Some(_) = models() else { return };
    let (_folder, kiosk) = kiosk();
    for source in
        ["v4l2:/dev/video99", "folder:/no/such/folder", "video:/no/such/file.y4m", "photo:/no/such.jpg"]
    {
        let path = source.split_once(':').unwrap().1;
        let end = kiosk.run(&["run", "--source", source, "--frames", "3"]).expect(6);
        assert!(end.err.contains(path), "{end:?}");
    }
}

/// As root, permissions stop nobody, so a file in the folder's place stands for them.
#[test]
fn galleries_that_cannot_be_written() {
    let Some(_) = models() else { return };
    let (folder, kiosk) = kiosk();
    let one = fixture("president-1.jpg");
    kiosk.run(&["enrol", "Ada", "--photo", &one]).expect(0);
    if !rustix::process::geteuid().is_root() {
        fs::set_permissions(kiosk.gallery(), fs::Permissions::from_mode(0o500)).unwrap();
        kiosk.run(&["enrol", "Bob", "--photo", &fixture("astronaut-1.jpg")]).expect(5);
        kiosk.run(&["identify", &one]).expect(0);
        fs::set_permissions(kiosk.gallery(), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let inside = blocked.join("gallery");
    let end = kiosk.run(&["enrol", "Bob", "--photo", &one, "--gallery", inside.to_str().unwrap()]).expect(5);
    one_line(&end, &["file"]);
    assert_eq!(kiosk.run(&["list", "--json"]).expect(0).json()[0].as_array().unwrap().len(), 1);
}

#[test]
fn people_who_are_not_there() {
    let Some(_) = models() else { return };
    let (_folder, kiosk) = kiosk();
    one_line(&kiosk.run(&["remove", "nobody"]).expect(5), &["nobody"]);
    one_line(&kiosk.run(&["rename", "#7", "somebody"]).expect(5), &["7"]);
}
