//! An exported network against the training graph, onnxruntime and the device's engine; signing it.

mod common;

use common::{onnxruntime_agrees, trained};
use image::RgbImage;
use mfn_engine::{ModelFolder, Precision};
use mfn_export::arch::{Architecture, INPUT_SIDE};
use mfn_export::bundle::{Password, generate, public_key, secret_key, sign, verify};
use mfn_export::export::{Description, GoldenCrop, fold, templates, to_onnx, write};
use mfn_export::graph;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tract_onnx::prelude::*;

fn crops() -> Vec<GoldenCrop> {
    let mut rng = fastrand::Rng::with_seed(9);
    let mut crop = |file: &str| {
        let picture =
            RgbImage::from_fn(112, 112, |x, y| image::Rgb([(x * 2) as u8, (y * 2) as u8, rng.u8(..)]));
        GoldenCrop { file: file.into(), picture }
    };
    ["a-1.png", "a-2.png", "b-1.png"].map(&mut crop).into()
}

fn by_tract(onnx: &[u8], crop: &GoldenCrop) -> Vec<f32> {
    let model = tract_onnx::onnx().model_for_read(&mut &onnx[..]).unwrap();
    let plan = model.into_optimized().unwrap().into_runnable().unwrap();
    let mut input = vec![0.0; 3 * INPUT_SIDE * INPUT_SIDE];
    mfn_export::data::normalise(crop.picture.as_raw(), &mut input);
    let input = Tensor::from_shape(&[1, 3, INPUT_SIDE, INPUT_SIDE], &input).unwrap();
    let output = plan.run(tvec!(input.into())).unwrap();
    output[0].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
}

fn export(architecture: Architecture, folder: &Path) -> PathBuf {
    let set = trained(architecture, 3);
    let onnx = to_onnx(architecture.name(), &fold(architecture, &set).unwrap());
    let golden = templates(architecture, &set, &crops()).unwrap();
    let out = folder.join(architecture.name());
    let description = Description::trained(architecture.name().into(), "MIT".into());
    let written = write(&out, &description, &onnx, &crops(), &golden).unwrap();
    assert!(written.lowest_cosine > 0.999_999, "{written:?}");
    out
}

#[test]
fn the_exported_network_equals_the_training_graph() {
    for architecture in Architecture::ALL {
        let set = trained(architecture, 5);
        let onnx = to_onnx(architecture.name(), &fold(architecture, &set).unwrap());
        for (crop, expected) in crops().iter().zip(templates(architecture, &set, &crops()).unwrap()) {
            let found = by_tract(&onnx, crop);
            let scale = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("{}: {:.1e} relative", architecture.name(), worst / scale);
            assert!(scale > 0.0 && worst <= 1e-5 * scale, "{}: {worst} of {scale}", architecture.name());
        }
    }
}

#[test]
fn the_folder_is_one_of_the_engine_and_onnxruntime_agrees() {
    let at = tempfile::tempdir().unwrap();
    for architecture in Architecture::ALL {
        let out = export(architecture, at.path());
        let folder = ModelFolder::open(&out).unwrap();
        assert_eq!((folder.name(), folder.precision()), (architecture.name(), Precision::Fp32));
        assert!(folder.space().unwrap().as_str().starts_with(architecture.name()));
        let report = graph::inspect(&graph::network_file(&out).unwrap()).unwrap();
        assert_eq!(report.counts, architecture.counts());
        onnxruntime_agrees("onnxruntime_agrees.py", &["fp32"], &out);
    }
}

#[test]
fn nothing_is_overwritten_or_left_half_written() {
    let at = tempfile::tempdir().unwrap();
    let out = export(Architecture::MobileFaceNet, at.path());
    let set = trained(Architecture::MobileFaceNet, 3);
    let onnx = to_onnx("x", &fold(Architecture::MobileFaceNet, &set).unwrap());
    let description = Description::trained("x".into(), "MIT".into());
    let error = write(&out, &description, &onnx, &crops(), &[]).unwrap_err().to_string();
    assert!(error.contains("is there already"), "{error}");
    // Golden templates of other weights: the engine disagrees, and nothing stays.
    let other =
        templates(Architecture::MobileFaceNet, &trained(Architecture::MobileFaceNet, 4), &crops()).unwrap();
    let error = write(&at.path().join("x"), &description, &onnx, &crops(), &other).unwrap_err().to_string();
    assert!(error.contains("cosine"), "{error}");
    assert_eq!(std::fs::read_dir(at.path()).unwrap().count(), 1);
}

#[test]
fn signatures_fail_for_whatever_is_altered() {
    let at = tempfile::tempdir().unwrap();
    let model = export(Architecture::MobileFaceNet, at.path());
    let keys = generate(&at.path().join("release"), Password::None).unwrap();
    let other = generate(&at.path().join("other"), Password::Given("opensesame".into())).unwrap();
    let key = public_key(&keys.public).unwrap();
    let no_password = || anyhow::bail!("no password is needed");
    assert!(generate(&at.path().join("release"), Password::None).is_err(), "keys are never overwritten");
    assert!(public_key(&keys.secret).is_err() && secret_key(&keys.public, no_password).is_err());
    let unsigned = verify(&model, Some(&key)).unwrap_err().to_string();
    assert!(unsigned.contains("not signed"), "{unsigned}");
    let signed = sign(&model, &secret_key(&keys.secret, no_password).unwrap(), "version 1").unwrap();
    assert_eq!(signed, verify(&model, Some(&key)).unwrap());
    assert_eq!(signed.comment.as_deref(), Some("version 1"));
    let error = verify(&model, Some(&public_key(&other.public).unwrap())).unwrap_err().to_string();
    assert!(error.contains("refused") && !error.contains('\n'), "{error}");
    let wrong = secret_key(&other.secret, || Ok(Password::Given("wrong".into()))).unwrap_err().to_string();
    assert!(wrong.contains("password"), "{wrong}");
    alterations(&model, |model| format!("{:#}", verify(model, Some(&key)).unwrap_err()));
    assert!(verify(&model, Some(&key)).is_ok());
    // Cards and the training's record are for people, and may change after the signature.
    std::fs::create_dir(model.join("training")).unwrap();
    for card in ["README.md", "det.svg", "training/metrics.jsonl"] {
        std::fs::write(model.join(card), "read me").unwrap();
    }
    assert_eq!(signed, verify(&model, Some(&key)).unwrap());
}

/// Alters the folder in one way after another, asks for the error each time, and puts it right again.
fn alterations(model: &Path, error: impl Fn(&Path) -> String) {
    let manifest = model.join("manifest.toml");
    for (file, reason) in [
        ("manifest.toml", "refused"),
        ("mobilefacenet.onnx", "lists"),
        ("a-1.png", "lists"),
        ("golden.json", "lists"),
    ] {
        let bytes = std::fs::read(model.join(file)).unwrap();
        let mut altered = bytes.clone();
        *altered.last_mut().unwrap() ^= 1;
        std::fs::write(model.join(file), altered).unwrap();
        let said = error(model);
        assert!(said.contains(reason) && said.contains(file), "{file}: {said}");
        std::fs::write(model.join(file), bytes).unwrap();
    }
    std::fs::write(model.join("extra.bin"), "x").unwrap();
    assert!(error(model).contains("extra.bin"));
    std::fs::remove_file(model.join("extra.bin")).unwrap();
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"a-1.png\"", "\"../a-1.png\"")).unwrap();
    assert!(verify(model, None).unwrap_err().to_string().contains("leads out"));
    std::fs::write(&manifest, text).unwrap();
}

#[test]
fn the_command_line_answers_in_one_line() {
    let at = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_mfn-export")).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let model = export(Architecture::MMobileFaceNet, at.path());
    let (code, out, _) = run(&["inspect", model.to_str().unwrap(), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, report["thop"].as_u64()), (Some(0), Some(456_892_928)));
    let missing = at.path().join("nothing");
    // A reader that has gone, as `head` does, is no failure and no panic.
    let mut head = Command::new(env!("CARGO_BIN_EXE_mfn-export"))
        .args(["inspect", "mobilefacenet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(head.stdout.take());
    let gone = head.wait_with_output().unwrap();
    assert!(gone.status.success() && gone.stderr.is_empty(), "{gone:?}");
    for arguments in [
        vec!["verify", missing.to_str().unwrap()],
        vec!["evaluate", missing.to_str().unwrap(), "--benchmark", "lfw=nowhere"],
        vec!["export", missing.to_str().unwrap(), "--out", "x", "--golden", "y", "--licence", "MIT"],
        vec!["prepare", missing.to_str().unwrap(), "--out", "x"],
        vec!["subset", missing.to_str().unwrap(), "--out", "x"],
    ] {
        let (code, _, error) = run(&arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
    }
    let (code, _, error) = run(&["evaluate", "x", "--benchmark", "megaface=y"]);
    assert_eq!(code, Some(2), "{error}");
}
