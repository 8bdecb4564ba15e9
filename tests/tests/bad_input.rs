//! What a user can type or plug in wrongly: one clear line, a code that is not zero, nothing lost.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use mfn_gallery::GalleryKey;
use mfn_tests::{Finished, Kiosk, fixture, reference_models};
use sha2::{Digest, Sha256};
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
    let Some(real) = reference_models() else { return };
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

/// A folder of models with a stranger's recogniser, taken without a signature.
fn stranger(folder: &Path, real: &Path, network: &[u8], change: (&str, &str)) {
    let known = include_str!("../../firmware/mfn-engine/known/teacher-edgeface-xs-512d.toml");
    let name = "teacher-edgeface-xs-512d.onnx";
    let own = folder.join("models/stranger");
    fs::create_dir_all(own.join("golden")).unwrap();
    for from in fs::read_dir(real.join("golden")).unwrap().map(|entry| entry.unwrap().path()) {
        fs::create_dir_all(folder.join("models/golden")).unwrap();
        fs::copy(&from, folder.join("models/golden").join(from.file_name().unwrap())).unwrap();
        fs::copy(&from, own.join("golden").join(from.file_name().unwrap())).unwrap();
    }
    let detector = "detector-yunet-n.onnx";
    fs::copy(real.join(detector), folder.join("models").join(detector)).unwrap();
    fs::write(own.join(name), network).unwrap();
    let hash = Sha256::digest(network).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let line = |line: &str| {
        if line.contains(&format!("\"{name}\" = \"")) {
            format!("\"{name}\" = \"{hash}\"")
        } else {
            line.to_owned()
        }
    };
    let manifest: Vec<String> =
        if change.0.is_empty() { known.to_owned() } else { known.replace(change.0, change.1) }
            .lines()
            .map(line)
            .collect();
    fs::write(own.join("manifest.toml"), manifest.join("\n")).unwrap();
}

#[test]
fn networks_of_strangers_and_manifests_that_lie() {
    let Some(real) = reference_models() else { return };
    let (folder, kiosk) = kiosk();
    let whole = fs::read(real.join("teacher-edgeface-xs-512d.onnx")).unwrap();
    let mut nan = whole.clone();
    let middle = nan.len() / 2;
    nan[middle..middle + 65_536].fill(0xff);
    let config = folder.path().join("kiosk.toml");
    fs::write(&config, "[models]\nunsigned = [\"stranger\"]\n").unwrap();
    let (dir, photo) = (folder.path().join("models"), fixture("president-1.jpg"));
    let verify =
        ["verify", "--config", config.to_str().unwrap(), "--models", dir.to_str().unwrap(), &photo, &photo];
    for (network, change, words) in [
        (&whole[..middle], ("", ""), "cut short"),
        (b"not a graph", ("", ""), "not an ONNX file"),
        (b"", ("", ""), "net"),
        (&nan, ("", ""), "NaN"),
        (&whole, ("dimension = 512", "dimension = 256"), "512 values"),
        (&whole, ("\"rgb\"", "\"bgr\""), "channel order"),
        (&whole, ("mean = [127.5, 127.5, 127.5]", "mean = [0.0, 0.0, 0.0]"), "self-test"),
        (&whole, ("licence", "license"), "licen"),
    ] {
        stranger(folder.path(), &real, network, change);
        one_line(&kiosk.run(&verify).expect(4), &[words]);
    }
    stranger(folder.path(), &real, &whole, ("", ""));
    kiosk.run(&verify).expect(0);
}

#[test]
fn cameras_that_are_not_there() {
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
    let (_folder, kiosk) = kiosk();
    one_line(&kiosk.run(&["remove", "nobody"]).expect(5), &["nobody"]);
    one_line(&kiosk.run(&["rename", "#7", "somebody"]).expect(5), &["7"]);
}
