//! A detector from drawn faces to a model folder: training, resuming, export, measurement.

mod common;

use image::{Rgb, RgbImage};
use mfn_engine::{Guard, ModelFolder, ModelKind};
use mfn_export::detect::{self, Examination, Frames, export, fresh, resume, start, to_onnx};
use mfn_export::net::{Bound, ParameterSet, floats};
use mfn_export::recipe::DetectorRecipe;
use mfn_export::train::checkpoint;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Frames drawn; every fifth is kept out.
const FRAMES: usize = 60;
const SIDE: u32 = 96;

/// A light oval with dark eyes, nose and mouth corners on a noisy ground, and its label.
fn frame(number: usize) -> (RgbImage, serde_json::Value) {
    let mut rng = fastrand::Rng::with_seed(number as u64);
    let size = 26.0 + 26.0 * rng.f32();
    let (x, y) = (4.0 + rng.f32() * (86.0 - size), 4.0 + rng.f32() * (86.0 - size));
    let at = |u: f32, v: f32| [x + u * size, y + v * size];
    let points = [at(0.3, 0.35), at(0.7, 0.35), at(0.5, 0.55), at(0.35, 0.75), at(0.65, 0.75)];
    let picture = RgbImage::from_fn(SIDE, SIDE, |px, py| {
        let (px, py) = (px as f32, py as f32);
        let (u, v) = ((px - x) / size - 0.5, (py - y) / size - 0.5);
        let spot = points.iter().any(|p| (px - p[0]).hypot(py - p[1]) < 0.08 * size);
        let light = if spot {
            40
        } else if u * u + v * v < 0.25 {
            200
        } else {
            90
        };
        let noise = rng.u8(0..30);
        Rgb([light + noise, light, light + noise / 2])
    });
    let faces = json!([{ "score": 0.9, "box": [x, y, size, size], "points": points }]);
    (picture, json!({ "frame": format!("{number:03}.png"), "faces": faces }))
}

fn frames(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let mut labels = String::new();
    for number in 0..FRAMES {
        let (picture, label) = frame(number);
        picture.save(folder.join(format!("{number:03}.png"))).unwrap();
        labels += &format!("{label}\n");
    }
    std::fs::write(folder.join("labels.jsonl"), labels).unwrap();
}

fn recipe(root: &Path, changes: &[&str]) -> DetectorRecipe {
    let text = r#"
        network = "detector"
        [data]
        sources = [{ path = "frames" }]
        kept_out = { block = 1, one_in = 5, which = 2 }
        [augment]
        side = 96
        mosaic = 0.0
        face = [24.0, 52.0]
        dark = 0.0
        [optimiser]
        kind = "adamw"
        learning_rate = 0.004
        clip = 10.0
        average = 0.95
        [schedule]
        kind = "cosine"
        warm_up = 80
        [train]
        images = 2400
        batch = 8
    "#;
    let mut all = vec![format!("data.root={}", root.display())];
    all.extend(changes.iter().map(|c| c.to_string()));
    DetectorRecipe::parse(text, &all).unwrap()
}

#[test]
fn it_learns_to_find_drawn_faces_and_the_device_finds_them_too() {
    let at = tempfile::tempdir().unwrap();
    frames(&at.path().join("frames"));
    let recipe = recipe(at.path(), &[]);
    let run = at.path().join("run");
    start(&recipe, &run, 2).unwrap();
    let set = checkpoint::shipped(
        &run.join("v1.safetensors"),
        detect::NAME,
        fresh(&mut fastrand::Rng::with_seed(0)),
    );
    let out = at.path().join("model");
    let written = export(&out, ("drawn", "MIT"), &set.unwrap(), &at.path().join("frames")).unwrap();
    println!("{written:?}");
    assert!(written.test.faces >= FRAMES / 2, "{written:?}");
    let folder = ModelFolder::open(&out).unwrap();
    assert_eq!((folder.kind(), folder.name()), (ModelKind::Detector, "drawn"));
    let examination = Examination::required(&Frames::open(&recipe.data).unwrap(), &recipe).unwrap();
    let figures = examination.by_engine(&folder, &Guard::trusted()).unwrap();
    println!("{}", figures.text());
    assert_eq!(figures.chosen.recall.trials, FRAMES as u64 / 5);
    assert!(figures.chosen.recall.share() > 0.9 && figures.chosen.point_error < 0.1, "{figures:?}");
    common::onnxruntime_agrees("detector_agrees.py", &[], &out);
    let error = export(&out, ("drawn", "MIT"), &fresh(&mut fastrand::Rng::with_seed(0)), &out).unwrap_err();
    assert!(error.to_string().contains("no face is found"), "{error}");
    in_bytes_it_finds_them_as_well(&out, &recipe, &at.path().join("recipe.toml"));
}

fn in_bytes_it_finds_them_as_well(model: &Path, recipe: &DetectorRecipe, path: &Path) {
    std::fs::write(path, recipe.to_toml()).unwrap();
    let json = |command: &str, more: &[&str]| -> serde_json::Value {
        let mut program = Command::new(env!("CARGO_BIN_EXE_mfn-export"));
        let output = program.arg(command).args([model, path]).args(more).arg("--json").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let told = json("quantise-detector", &["--frames", "16", "--threads", "2"]);
    println!("{told}");
    let recall = |figures: &serde_json::Value| figures["chosen"]["recall"]["count"].as_u64().unwrap();
    assert!(recall(&told["int8"]) + 1 >= recall(&told["fp32"]) && recall(&told["fp32"]) > 0, "{told}");
    let bytes = |which: &str| told[which].as_u64().unwrap();
    assert!(2 * bytes("bytes_int8") < bytes("bytes_fp32"), "{told}");
    for (which, more) in [("fp32", &[][..]), ("int8", &["--int8"])] {
        let (again, told) = (&json("evaluate-detector", more)["figures"]["chosen"], &told[which]["chosen"]);
        assert_eq!(
            (&again["recall"], &again["point_error"]),
            (&told["recall"], &told["point_error"]),
            "{which}"
        );
    }
    assert_ne!(told["int8"]["chosen"]["point_error"], told["fp32"]["chosen"]["point_error"]);
    // The drawings' labels are exact, and a look that were led back wrongly would lie an eyes' distance off.
    let marked = json("evaluate-detector", &["--marks-by", model.to_str().unwrap()]);
    let error = |of: &serde_json::Value| of["chosen"]["point_error"].as_f64().unwrap();
    assert!(error(&marked["labels"]) < 0.1, "{marked}");
    assert_ne!(error(&marked["figures"]), error(&told["fp32"]));
}

#[test]
fn a_stopped_run_goes_on_as_if_unbroken() {
    let at = tempfile::tempdir().unwrap();
    frames(&at.path().join("frames"));
    let (whole, broken) = (at.path().join("whole"), at.path().join("broken"));
    let constant = ["schedule.kind=constant", "augment.mosaic=0.5", "augment.dark=0.5"];
    let with = |images: &str| recipe(at.path(), &[&constant[..], &[images]].concat());
    start(&with("train.images=160"), &whole, 2).unwrap();
    start(&with("train.images=96"), &broken, 1).unwrap();
    resume(&broken, &["train.images=160".into()], 2).unwrap();
    let load = |run: &Path| {
        let empty = fresh(&mut fastrand::Rng::with_seed(0));
        checkpoint::shipped(&run.join("checkpoint.safetensors"), detect::NAME, empty).unwrap()
    };
    for (a, b) in load(&whole).list.iter().zip(&load(&broken).list) {
        let scale = a.values.iter().fold(1e-2_f32, |m, x| m.max(x.abs()));
        let worst = a.values.iter().zip(&b.values).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-3 * scale, "{}: {worst} of {scale}", a.name);
    }
}

/// Weights, batch norms, statistics and slopes that are all different, as after training.
fn trained() -> ParameterSet {
    let mut rng = fastrand::Rng::with_seed(3);
    let mut set = fresh(&mut rng);
    common::vary(&mut set, [0.3, 0.2], &mut rng);
    set
}

/// Every output at a size that is not square, in tract against the training graph.
#[test]
fn the_exported_network_equals_the_training_graph() {
    let (width, height) = (96, 160);
    let set = trained();
    let mut rng = fastrand::Rng::with_seed(4);
    let input: Vec<f32> = (0..3 * width * height).map(|_| 2.0 * rng.f32() - 1.0).collect();
    let rows = by_graph(&set, &input, [height, width]);
    let outputs = by_tract(&to_onnx("x", &set).unwrap(), &input, [height, width]);
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let mut first = 0;
    for (level, stride) in detect::STRIDES.into_iter().enumerate() {
        let cells = (width / stride) * (height / stride);
        for (kind, numbers) in [(0, 0..1), (1, 1..2), (2, 2..6), (3, 6..16)] {
            let found = &outputs[3 * kind + level];
            assert_eq!(found.len(), cells * numbers.len());
            let expected: Vec<f32> =
                rows[first..first + cells].iter().flat_map(|row| row[numbers.clone()].to_vec()).collect();
            for (found, expected) in found.iter().zip(expected) {
                let expected = if kind < 2 { sigmoid(expected) } else { expected };
                assert!((found - expected).abs() < 1e-4, "stride {stride}, kind {kind}: {found} {expected}");
            }
        }
        first += cells;
    }
}

fn by_graph(set: &ParameterSet, input: &[f32], [height, width]: [usize; 2]) -> Vec<Vec<f32>> {
    use burn::tensor::{Device, Tensor, TensorData};
    let device = Device::default();
    let images = Tensor::<4>::from_data(TensorData::new(input.to_vec(), [1, 3, height, width]), &device);
    let network = detect::DetectorNetwork::new(set).unwrap();
    let outputs = floats(network.evaluate(&Bound::new(set, &device, false), images)).unwrap();
    outputs.chunks_exact(detect::OUTPUTS).map(<[f32]>::to_vec).collect()
}

fn by_tract(file: &[u8], input: &[f32], [height, width]: [usize; 2]) -> Vec<Vec<f32>> {
    use tract_onnx::prelude::*;
    let shape = [1, 3, height, width];
    let mut reader = tract_onnx::onnx();
    reader.ignore_value_info = true;
    let model = reader.model_for_read(&mut &file[..]).unwrap();
    let model = model.with_input_fact(0, f32::fact(shape).into()).unwrap();
    let plan = model.into_optimized().unwrap().into_runnable().unwrap();
    let outputs = plan.run(tvec!(Tensor::from_shape(&shape, input).unwrap().into())).unwrap();
    outputs.iter().map(|o| o.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()).collect()
}
