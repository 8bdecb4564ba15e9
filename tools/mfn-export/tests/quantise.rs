//! Quantising: the file is what the engine and onnxruntime read, near to fp32, and nothing is lost on the way.

mod common;

use common::{onnxruntime_agrees, trained};
use image::RgbImage;
use mfn_export::arch::Architecture;
use mfn_export::bundle::{Password, generate, secret_key, sign, verify};
use mfn_export::export::{Description, GoldenCrop, fold, templates, to_onnx, write};
use mfn_export::faces::Crop;
use mfn_export::manifest::Manifest;
use mfn_export::onnx::Writer;
use mfn_export::quantise::{Choice, Cost, Network, Pictures, Rule, cost, quantise, with_int8};
use mfn_vision::AlignedFace;
use prost::Message;
use std::path::{Path, PathBuf};
use tract_onnx::pb::{ModelProto, NodeProto};

/// Blobs of colour with noise.
fn picture(number: u64) -> RgbImage {
    let mut rng = fastrand::Rng::with_seed(number);
    let places: Vec<[f32; 3]> =
        (0..6).map(|_| [112.0 * rng.f32(), 112.0 * rng.f32(), 4.0 + 20.0 * rng.f32()]).collect();
    RgbImage::from_fn(112, 112, |x, y| {
        let blob = |[a, b, r]: [f32; 3]| 200.0 * (-((x as f32 - a).hypot(y as f32 - b) / r).powi(2)).exp();
        image::Rgb(
            [0, 2, 4].map(|i| (blob(places[i]) + blob(places[i + 1]) + 30.0 * rng.f32()).min(255.0) as u8),
        )
    })
}

fn crops(count: u64) -> Vec<Crop> {
    let aligned = |n| {
        let rgb = mfn_vision::RgbImage::from_raw(112, 112, picture(n).into_raw()).unwrap();
        Crop { face: AlignedFace::from_rgb(&rgb).unwrap(), person: Some((n / 2) as usize) }
    };
    (0..count).map(aligned).collect()
}

fn exported(architecture: Architecture, folder: &Path) -> PathBuf {
    let set = trained(architecture, 4);
    let golden: Vec<GoldenCrop> = ["a-1.png", "a-2.png", "b-1.png"]
        .iter()
        .enumerate()
        .map(|(i, file)| GoldenCrop { file: file.to_string(), picture: picture(100 + i as u64) })
        .collect();
    let onnx = to_onnx(architecture.name(), &fold(architecture, &set).unwrap());
    let out = folder.join(architecture.name());
    let description = Description::trained(architecture.name().into(), "MIT".into());
    write(&out, &description, &onnx, &golden, &templates(architecture, &set, &golden).unwrap()).unwrap();
    out
}

fn int8(folder: &Path, choice: Choice) -> (Vec<u8>, Cost) {
    let manifest = Manifest::read(folder).unwrap();
    let network = Network::parse(&std::fs::read(folder.join(&manifest.networks["fp32"])).unwrap()).unwrap();
    let crops = crops(20);
    let inputs: Vec<Vec<f32>> = crops[..12]
        .iter()
        .map(|crop| {
            let mut input = vec![0.0; 3 * 112 * 112];
            manifest.input.normalise(crop.face.data(), &mut input);
            input
        })
        .collect();
    let pictures = Pictures { size: [112, 112], values: &inputs, threads: 2, done: &|| () };
    let bytes = quantise(&network, pictures, choice).unwrap();
    let cost = with_int8(folder, &bytes, |trial| cost(trial, &crops[12..], 2)).unwrap();
    (bytes, cost)
}

#[test]
fn both_networks_stay_near_to_fp32_at_a_third_of_the_size() {
    let at = tempfile::tempdir().unwrap();
    for architecture in Architecture::ALL {
        let folder = exported(architecture, at.path());
        let (bytes, cost) = int8(&folder, Choice { rule: Rule::Mse, weights_only: false });
        println!("{}: {cost:?}", architecture.name());
        assert!(cost.cosine_mean > 0.998 && cost.faces == 8, "{cost:?}");
        assert!(cost.pairs.is_some_and(|p| p.mated == 4 && p.non_mated == 24));
        let share = bytes.len() as f64
            / std::fs::metadata(folder.join(format!("{}.onnx", architecture.name()))).unwrap().len() as f64;
        assert!(share < 0.345, "{share}");
        onnxruntime_agrees("onnxruntime_agrees.py", &["int8"], &folder);
    }
}

/// What MANIFEST.md says of an int8 network.
#[test]
fn convolutions_read_integers_and_sums_floats() {
    let at = tempfile::tempdir().unwrap();
    let folder = exported(Architecture::MobileFaceNet, at.path());
    let (bytes, _) = int8(&folder, Choice { rule: Rule::Mse, weights_only: false });
    let graph = ModelProto::decode(&bytes[..]).unwrap().graph.unwrap();
    let of = |operator: &'static str| graph.node.iter().filter(move |node| node.op_type == operator);
    let made = |name: &str| graph.node.iter().find(|n| n.output[0] == name).map(|n| n.op_type.as_str());
    let reads_integers = |node: &&NodeProto| made(&node.input[0]) == Some("DequantizeLinear");
    let floats: Vec<&str> = of("Conv").filter(|n| !reads_integers(n)).map(|n| n.input[1].as_str()).collect();
    assert_eq!(floats, ["stem.0.weight", "stem.1.weight", "head.weight", "gdc.weight"]);
    assert_eq!(of("Conv").filter(reads_integers).count(), 45);
    assert!(of("Conv").filter(reads_integers).all(|n| made(&n.input[1]) == Some("DequantizeLinear")));
    assert!(of("Add").all(|n| n.input.iter().all(|x| matches!(made(x), Some("Conv" | "Add")))));
    assert!(of("Gemm").all(|n| made(&n.input[0]) == Some("Flatten") && made(&n.input[1]).is_some()));
}

#[test]
fn weights_alone_cost_less_and_the_old_signature_goes() {
    let at = tempfile::tempdir().unwrap();
    let folder = exported(Architecture::MobileFaceNet, at.path());
    let key = generate(&at.path().join("key"), Password::None).unwrap();
    sign(&folder, &secret_key(&key.secret, || unreachable!()).unwrap(), "test").unwrap();
    let (_, whole) = int8(&folder, Choice { rule: Rule::Percentile, weights_only: false });
    assert!(!folder.join("manifest.toml.minisig").exists());
    verify(&folder, None).unwrap();
    let (_, weights) = int8(&folder, Choice { rule: Rule::Mse, weights_only: true });
    assert!(weights.cosine_mean > whole.cosine_mean && weights.cosine_mean > 0.999, "{weights:?} {whole:?}");
    verify(&folder, None).unwrap();
}

#[test]
fn a_check_that_fails_leaves_the_folder_as_it_was() {
    let at = tempfile::tempdir().unwrap();
    let folder = exported(Architecture::MobileFaceNet, at.path());
    let before = std::fs::read(folder.join("manifest.toml")).unwrap();
    let failed: anyhow::Result<()> = with_int8(&folder, b"x", |_| anyhow::bail!("no"));
    assert!(failed.is_err());
    assert_eq!(std::fs::read(folder.join("manifest.toml")).unwrap(), before);
    verify(&folder, None).unwrap();
    assert_eq!(std::fs::read_dir(at.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn operators_that_cannot_be_quantised_are_named() {
    let mut writer = Writer::new("x");
    writer.node("Softmax", "odd".into(), vec!["x".into()], vec![]);
    let file = writer.finish(("x", &[1, 3, 112, 112]), ("odd", &[1, 8]));
    let error = format!("{:#}", Network::parse(&file).unwrap_err());
    assert!(error.contains("Softmax") && error.contains("odd") && !error.contains('\n'), "{error}");
    assert!(Network::parse(b"nonsense").unwrap_err().to_string().contains("no ONNX"));
}
