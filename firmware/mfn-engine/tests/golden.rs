//! Detector and recogniser against the golden vectors of another runtime, and manifests that lie.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::{NO_GOLDEN, RECOGNISER, guard, models, models_dir, write_folder};
use mfn_engine::{
    Detector, DetectorOptions, EngineError, Guard, ModelError, ModelFolder, ModelKind, Models, Precision,
    Recogniser,
};
use mfn_template::TemplateSpace;
use mfn_vision::RgbImage;

fn assert_send<T: Send>() {}

#[test]
fn detector_and_recogniser_can_move_to_the_inference_thread() {
    assert_send::<Detector>();
    assert_send::<Recogniser>();
}

#[test]
fn the_detector_finds_the_golden_faces() {
    let Some(models) = models() else { return };
    let folder = models.detector().unwrap();
    let mut detector = Detector::load(folder, DetectorOptions::default(), &Guard::trusted()).unwrap();
    let test = detector.self_test(folder).unwrap();
    assert_eq!(test.faces, 5);
    println!("{test:?}");
    assert!(test.largest_score_difference < 0.001 && test.largest_shift < 0.01, "{test:?}");
    // The self-test leaves the options as they were, and a second run gives the same.
    assert_eq!(detector.options(), &DetectorOptions::default());
    assert_eq!(detector.self_test(folder).unwrap(), test);
}

#[test]
fn the_recogniser_gives_the_golden_templates() {
    let Some(models) = models() else { return };
    let folder = models.recogniser(None).unwrap();
    assert_eq!(folder.kind(), ModelKind::Recogniser);
    let mut recogniser = Recogniser::load(folder, &Guard::trusted()).unwrap();
    assert_eq!(recogniser.dimension(), 512);
    assert_eq!(recogniser.space(), &TemplateSpace::new("edgeface-xs-512d").unwrap());
    let test = recogniser.self_test(folder).unwrap();
    println!("{test:?}");
    assert_eq!(test.crops, 5);
    assert!(test.lowest_cosine > 0.999_99, "{test:?}");
    // data.md: the mated pairs score 0.71 to 0.81, all others at most 0.12.
    assert!((0.70..0.82).contains(&test.lowest_mated) && test.highest_non_mated < 0.125, "{test:?}");
}

#[test]
fn other_sizes_find_the_same_face() {
    let Some(models) = models() else { return };
    let folder = models.detector().unwrap();
    let frame = golden_frame();
    let mut found = Vec::new();
    for (width, height, small_faces) in [(320, 256, false), (640, 480, false), (192, 160, true)] {
        let options = DetectorOptions { width, height, small_faces, ..DetectorOptions::default() };
        let mut detector = Detector::load(folder, options, &Guard::trusted()).unwrap();
        detector.detect(&frame, &mut found).unwrap();
        let [face] = found.as_slice() else { panic!("{width}x{height}: {found:?}") };
        // detector-yunet-n.json, astronaut-1: box and nose at 320x256.
        assert!((face.face.x - 91.1).abs() < 6.0 && (face.face.w - 46.2).abs() < 8.0, "{face:?}");
        assert!((face.landmarks.0[2].x - 112.2).abs() < 3.0, "{width}x{height}: {face:?}");
    }
}

fn golden_frame() -> RgbImage {
    let path = models_dir().unwrap().join("golden/astronaut-1-320x256.png");
    mfn_vision::photo::load(&path, &mfn_vision::photo::PhotoLimits::default()).unwrap()
}

#[test]
fn small_faces_are_found_at_a_second_look() {
    let Some(models) = models() else { return };
    let folder = models.detector().unwrap();
    // The golden frame at a third of its size in a corner of a large one: a face of 15 pixels.
    let mut small = RgbImage::new(107, 85);
    mfn_vision::resize(&golden_frame(), &mut small);
    let mut frame = RgbImage::new(640, 480);
    for y in 0..85 {
        let at = 3 * (640 * (y as usize + 380) + 520);
        frame.data_mut()[at..][..321].copy_from_slice(small.row(y));
    }
    let detect = |options| {
        let mut detector = Detector::load(folder, options, &Guard::trusted()).unwrap();
        let mut found = Vec::new();
        detector.detect(&frame, &mut found).unwrap();
        found
    };
    let once = DetectorOptions::default();
    assert_eq!(detect(once), []);
    let twice = detect(DetectorOptions { small_faces: true, ..once });
    let large = detect(DetectorOptions { width: 640, height: 480, score: 0.3, ..once });
    println!("{twice:?}\n{large:?}");
    assert_eq!(twice.len(), 1);
    // The golden box, a third of the way into the pasted picture.
    let face = twice[0].face;
    let (x, y) = (face.x + face.w / 2.0, face.y + face.h / 2.0);
    assert!((x - 558.1).abs() < 1.5 && (y - 400.0).abs() < 1.5, "{face:?}");
}

#[test]
fn an_empty_frame_has_no_face() {
    let Some(models) = models() else { return };
    let options = DetectorOptions { small_faces: true, ..DetectorOptions::default() };
    let mut detector = Detector::load(models.detector().unwrap(), options, &Guard::trusted()).unwrap();
    let mut found = vec![mfn_vision::Detection::default()];
    for (width, height) in [(0, 0), (0, 100), (1, 1), (33, 1000)] {
        detector.detect(&RgbImage::new(width, height), &mut found).unwrap();
        assert!(found.is_empty(), "{width}x{height}");
    }
}

/// The known recogniser with another manifest: `from` replaced by `to`.
fn altered(dir: &Path, from: &str, to: &str) -> ModelFolder {
    let manifest = include_str!("../known/teacher-edgeface-xs-512d.toml");
    assert!(manifest.contains(from));
    let models = models_dir().unwrap();
    for name in ["teacher-edgeface-xs-512d.onnx", "golden"] {
        symlink(models.canonicalize().unwrap().join(name), dir.join(name)).unwrap();
    }
    fs::write(dir.join("manifest.toml"), manifest.replace(from, to)).unwrap();
    ModelFolder::open(dir).unwrap()
}

#[test]
fn a_wrong_setting_fails_the_self_test() {
    if models().is_none() {
        return;
    }
    for (from, to) in [
        ("channels = \"rgb\"", "channels = \"bgr\""),
        ("scale = [127.5, 127.5, 127.5]", "scale = [255.0, 255.0, 255.0]"),
        ("scale = [127.5, 127.5, 127.5]", "scale = [1.0, 1.0, 1.0]"),
        ("mean = [127.5, 127.5, 127.5]", "mean = [0.0, 0.0, 0.0]"),
        ("scale = [127.5, 127.5, 127.5]", "scale = [-127.5, -127.5, -127.5]"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let folder = altered(dir.path(), from, to);
        let mut recogniser = Recogniser::load(&folder, &Guard::trusted()).unwrap();
        let error = recogniser.self_test(&folder).unwrap_err();
        println!("{to}: {error}");
        assert!(matches!(error, EngineError::SelfTest { .. }), "{to}: {error}");
        assert!(error.to_string().contains("channel order, mean, scale"), "{error}");
    }
}

#[test]
fn what_a_manifest_says_of_its_network_is_checked() {
    if models().is_none() {
        return;
    }
    for (from, to, wanted) in [
        ("dimension = 512", "dimension = 128", "512 values"),
        ("names = [\"embedding\"]", "names = [\"features\"]", "no output \"features\", only: embedding"),
        ("name = \"input\"", "name = \"data\"", "its input is \"input\""),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let folder = altered(dir.path(), from, to);
        for guard in [guard(), Guard::trusted()] {
            let error = Recogniser::load(&folder, &guard).err().unwrap().to_string();
            assert!(error.contains(wanted), "{to}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}

#[test]
fn a_foreign_folder_works_behind_the_guard() {
    if models().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = altered(dir.path(), "name = \"teacher", "name = \"stranger");
    let mut recogniser = Recogniser::load(&folder, &guard()).unwrap();
    assert!(recogniser.self_test(&folder).unwrap().lowest_cosine > 0.9999);
}

#[test]
fn exchanged_and_missing_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    write_folder(dir.path(), RECOGNISER, &[("net.onnx", b"not ONNX"), ("golden.json", NO_GOLDEN)]);
    let folder = ModelFolder::open(dir.path()).unwrap();
    let error = Recogniser::load(&folder, &guard()).err().unwrap();
    assert!(
        matches!(&error, ModelError::Network { reason, .. } if reason.contains("not an ONNX file")),
        "{error}"
    );

    fs::write(dir.path().join("net.onnx"), b"exchanged").unwrap();
    let error = Recogniser::load(&folder, &guard()).err().unwrap();
    assert!(matches!(&error, ModelError::Hash { path, .. } if path.ends_with("net.onnx")), "{error}");

    fs::write(dir.path().join("golden.json"), b"{}").unwrap();
    let error = ModelFolder::open(dir.path()).err().unwrap();
    assert!(matches!(&error, ModelError::Hash { path, .. } if path.ends_with("golden.json")), "{error}");

    fs::remove_file(dir.path().join("net.onnx")).unwrap();
    fs::create_dir(dir.path().join("net.onnx")).unwrap();
    fs::write(dir.path().join("golden.json"), NO_GOLDEN).unwrap();
    let error = ModelFolder::open(dir.path()).err().unwrap();
    assert!(error.to_string().contains("not a regular file"), "{error}");

    fs::remove_dir(dir.path().join("net.onnx")).unwrap();
    let error = ModelFolder::open(dir.path()).err().unwrap();
    assert!(matches!(error, ModelError::Read { .. }), "{error}");
}

#[test]
fn a_file_over_the_limit_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    write_folder(dir.path(), RECOGNISER, &[("net.onnx", b""), ("golden.json", NO_GOLDEN)]);
    // A sparse file: nothing is stored for it.
    fs::File::create(dir.path().join("net.onnx")).unwrap().set_len(1 << 40).unwrap();
    let error = ModelFolder::open(dir.path()).err().unwrap();
    assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
}

#[test]
fn models_are_found_by_folder_and_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let error = Models::find(dir.path()).unwrap().detector().err().unwrap();
    assert!(error.to_string().contains("detector-yunet-n.onnx"), "{error}");

    for name in ["first", "second"] {
        let head = RECOGNISER.replace("test-recogniser", name);
        let folder = dir.path().join(name);
        write_folder(&folder, &head, &[("net.onnx", b""), ("golden.json", NO_GOLDEN)]);
    }
    let models = Models::find(dir.path()).unwrap();
    assert_eq!(models.recogniser(Some("second")).unwrap().name(), "second");
    for name in [None, Some("third")] {
        let error = models.recogniser(name).err().unwrap().to_string();
        assert!(error.contains("first, second"), "{error}");
    }
    let folder = models.recogniser(Some("first")).unwrap().clone();
    let preferred = RECOGNISER.replace("test-recogniser", "mobilefacenet");
    let third = dir.path().join("third");
    write_folder(&third, &preferred, &[("net.onnx", b""), ("golden.json", NO_GOLDEN)]);
    let models = Models::find(dir.path()).unwrap();
    assert_eq!(models.recogniser(None).unwrap().name(), "mobilefacenet", "the one that is shipped");
    assert_eq!(models.recogniser(Some("second")).unwrap().name(), "second");
    let error = folder.clone().select(Precision::Int8).err().unwrap().to_string();
    assert!(error.contains("no int8 network of first"), "{error}");
    assert_eq!(folder.clone().prefer(Precision::Int8).precision(), Precision::Fp32);
    let error = Detector::load(&folder, DetectorOptions::default(), &Guard::trusted()).err().unwrap();
    assert!(error.to_string().contains("describes a recogniser, a detector is needed"), "{error}");

    fs::write(dir.path().join("first/manifest.toml"), "version = 1\nversion = 2").unwrap();
    assert!(matches!(Models::find(dir.path()), Err(ModelError::Manifest { .. })), "never passed over");
    assert!(matches!(Models::find(&dir.path().join("none")), Err(ModelError::Read { .. })));
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let Some(models) = models() else { return };
    let options = DetectorOptions { width: 300, ..DetectorOptions::default() };
    let error = Detector::load(models.detector().unwrap(), options, &Guard::trusted()).err().unwrap();
    assert!(error.to_string().contains("multiples of 32"), "{error}");
}
