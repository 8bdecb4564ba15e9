//! Small runs on generated faces: they learn, and go on after a stop as if there had been none.

use image::{Rgb, RgbImage};
use mfn_export::arch::Architecture;
use mfn_export::device::Place;
use mfn_export::net::ParameterSet;
use mfn_export::recipe::Recipe;
use mfn_export::train::{Options, checkpoint, resume, start};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};
use std::process::Command;

const PEOPLE: u32 = 4;
const PICTURES: u32 = 6;

/// A person is a pattern of stripes; each picture shifts it and adds noise.
fn picture(person: u32, number: u32) -> RgbImage {
    let mut rng = fastrand::Rng::with_seed(u64::from(100 * person + number));
    let shift = rng.f32() * 6.0;
    RgbImage::from_fn(112, 112, |x, y| {
        let (x, y) = (x as f32 + shift, y as f32);
        let wave = match person {
            0 => (x / 6.0).sin(),
            1 => (y / 6.0).sin(),
            2 => ((x + y) / 9.0).sin(),
            _ => ((x - 56.0).hypot(y - 56.0) / 5.0).sin(),
        };
        let value = (127.0 + 90.0 * wave + 20.0 * (rng.f32() - 0.5)) as u8;
        Rgb([value, 255 - value, 128])
    })
}

fn faces(root: &Path) {
    for person in 0..PEOPLE {
        let folder = root.join(format!("person-{person}"));
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..PICTURES {
            picture(person, number).save(folder.join(format!("{number}.png"))).unwrap();
        }
    }
}

const RECIPE: &str = r#"
    network = "mobilefacenet"
    [data]
    sources = [{ path = "", labelled = true }]
    held_out = { one_in = 0 }
    [augment]
    erase = 0.0
    [margin]
    kind = "cosface"
    scale = 16.0
    margin = 0.1
    [optimiser]
    kind = "adamw"
    learning_rate = 0.002
    average = 0.9
    [train]
    batch = 8
    images = 48
"#;

fn recipe(root: &Path, changes: &[&str]) -> Recipe {
    let mut all = vec![format!("data.root={}", root.display())];
    all.extend(changes.iter().map(|c| c.to_string()));
    Recipe::parse(RECIPE, &all).unwrap()
}

fn options() -> Options {
    Options { models: PathBuf::new(), threads: 2, device: Place::Cpu }
}

fn numbers(run: &Path) -> Vec<(String, Vec<f32>)> {
    let bytes = std::fs::read(run.join("checkpoint.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let float = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
    let mut all: Vec<_> = tensors
        .iter()
        .map(|(name, t)| (name.to_string(), t.data().chunks_exact(4).map(float).collect()))
        .collect();
    all.sort_by(|a: &(String, Vec<f32>), b| a.0.cmp(&b.0));
    all
}

#[test]
fn a_stopped_run_goes_on_as_if_unbroken() {
    let at = tempfile::tempdir().unwrap();
    let data = at.path().join("faces");
    faces(&data);
    let (whole, broken) = (at.path().join("whole"), at.path().join("broken"));
    start(&recipe(&data, &[]), &whole, &options()).unwrap();
    start(&recipe(&data, &["train.images=24"]), &broken, &options()).unwrap();
    resume(&broken, &["train.images=48".into()], &options()).unwrap();
    for ((name, a), (_, b)) in numbers(&whole).iter().zip(&numbers(&broken)) {
        let scale = a.iter().fold(1e-3_f32, |m, x| m.max(x.abs()));
        let worst = a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-4 * scale, "{name}: {worst} of {scale}");
    }
    let error = start(&recipe(&data, &[]), &whole, &options()).unwrap_err().to_string();
    assert!(error.contains("mfn-export train --resume"), "{error}");
    let size = std::fs::metadata(whole.join("checkpoint.safetensors")).unwrap().len();
    assert!(size < 30_000_000, "{size} bytes");
}

#[test]
fn sam_runs_and_another_network_is_refused() {
    let at = tempfile::tempdir().unwrap();
    let data = at.path().join("faces");
    faces(&data);
    let run = at.path().join("run");
    let sam = ["optimiser.sam_rho=0.02", "train.images=8", "margin.centres=0.5"];
    start(&recipe(&data, &sam), &run, &options()).unwrap();
    let error = resume(&run, &["network=mmobilefacenet".into()], &options()).unwrap_err().to_string();
    assert!(error.contains("mobilefacenet") && !error.contains('\n'), "{error}");
    let kept = std::fs::read_to_string(run.join("recipe.toml")).unwrap();
    assert!(kept.contains(r#"network = "mobilefacenet""#), "a refused change is not kept");
}

#[test]
fn a_run_that_diverges_stops_with_step_and_cause() {
    let at = tempfile::tempdir().unwrap();
    let data = at.path().join("faces");
    faces(&data);
    let wild = ["optimiser.kind=sgd", "optimiser.learning_rate=1e30", "train.images=80"];
    let error =
        format!("{:#}", start(&recipe(&data, &wild), &at.path().join("run"), &options()).unwrap_err());
    assert!(error.contains("step") && error.contains("loss"), "{error}");
}

/// Where a file may not grow beyond a megabyte, as on a disk that is full in the middle of a checkpoint.
#[test]
fn a_full_disk_leaves_the_checkpoint_before() {
    let at = tempfile::tempdir().unwrap();
    let data = at.path().join("faces");
    faces(&data);
    let run = at.path().join("run");
    start(&recipe(&data, &["train.images=8"]), &run, &options()).unwrap();
    let checkpoint = run.join("checkpoint.safetensors");
    let before = std::fs::read(&checkpoint).unwrap();
    // `ulimit -f` counts blocks of 512 bytes; without the trap the kernel's signal would end the process.
    let limited = "trap '' XFSZ; ulimit -f 2000; exec \"$0\" train --resume \"$1\" --set train.images=16";
    let program = env!("CARGO_BIN_EXE_mfn-export");
    let output = Command::new("sh").args(["-c", limited, program]).arg(&run).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let line = errors.lines().last().unwrap_or_default();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        line.contains("not written; the one before is untouched") && line.contains("too large"),
        "{errors}"
    );
    assert_eq!(std::fs::read(&checkpoint).unwrap(), before);
    assert!(!checkpoint.with_extension("part").exists());
    resume(&run, &["train.images=16".into()], &options()).unwrap();
    assert_ne!(std::fs::read(&checkpoint).unwrap(), before);
}

#[test]
fn checkpoints_of_another_version_are_neither_gone_on_with_nor_exported() {
    let at = tempfile::tempdir().unwrap();
    let data = at.path().join("faces");
    faces(&data);
    let run = at.path().join("run");
    start(&recipe(&data, &["train.images=8"]), &run, &options()).unwrap();
    let path = run.join("checkpoint.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let version = br#""version":"1""#;
    let at = bytes.windows(version.len()).position(|w| w == version).unwrap();
    let newer = [&bytes[..at], br#""version":"9""#, &bytes[at + version.len()..]].concat();
    std::fs::write(&path, newer).unwrap();
    let fresh = ParameterSet::network(Architecture::MobileFaceNet, &mut fastrand::Rng::with_seed(0));
    for error in [
        resume(&run, &[], &options()).map(drop).unwrap_err(),
        checkpoint::network_of(&path).map(drop).unwrap_err(),
        checkpoint::shipped(&path, "mobilefacenet", fresh).map(drop).unwrap_err(),
    ] {
        assert!(format!("{error:#}").contains("it is of version 9"), "{error:#}");
    }
}

/// As `pickle.dump((crops, mated), file, protocol=3)` of InsightFace's packing: BINBYTES in a list, and a list of bools.
fn packed(crops: &[Vec<u8>], mated: &[bool]) -> Vec<u8> {
    let mut out = b"\x80\x03]q\0(".to_vec();
    for crop in crops {
        out.push(b'B');
        out.extend((crop.len() as u32).to_le_bytes());
        out.extend(crop);
    }
    out.extend(b"e]q\x01(");
    out.extend(mated.iter().map(|mated| if *mated { 0x88 } else { 0x89 }));
    out.extend(b"e\x86q\x02.");
    out
}

#[test]
fn checkpoints_are_chosen_by_benchmarks_in_insightfaces_packing() {
    let at = tempfile::tempdir().unwrap();
    let data = at.path().join("faces");
    faces(&data);
    let encoded = |person, number| {
        let mut jpeg = std::io::Cursor::new(Vec::new());
        picture(person, number).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
        jpeg.into_inner()
    };
    // Pictures that are not trained with: each person with itself and with the next one.
    let pairs = (0..PEOPLE).flat_map(|p| [(p, p, true), (p, (p + 1) % PEOPLE, false)]);
    let crops: Vec<_> = pairs.clone().flat_map(|(a, b, _)| [encoded(a, 90), encoded(b, 91)]).collect();
    let mated: Vec<_> = pairs.map(|(_, _, mated)| mated).collect();
    let file = at.path().join("lfw.bin");
    std::fs::write(&file, packed(&crops, &mated)).unwrap();
    let by = format!("data.choose_by=[\"{}\"]", file.display());
    let run = at.path().join("run");
    start(&recipe(&data, &[&by, "train.evaluate_every=24"]), &run, &options()).unwrap();
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let examined: Vec<_> = metrics.lines().filter(|line| line.contains("held_out")).collect();
    assert!(examined.len() >= 2 && examined.iter().all(|line| line.contains(r#""mated":4"#)), "{metrics}");
    assert!(run.join("v1.safetensors").exists() && run.join("v2.safetensors").exists());
    // A broken crop is found before the first step.
    std::fs::write(&file, packed(&[crops[0].clone(), b"no picture".to_vec()], &[true])).unwrap();
    let late = at.path().join("late");
    let error = format!("{:#}", start(&recipe(&data, &[&by]), &late, &options()).unwrap_err());
    assert!(error.contains("lfw.bin") && !error.contains('\n'), "{error}");
}

#[test]
fn a_card_refuses_hints_before_anything_is_read() {
    let at = tempfile::tempdir().unwrap();
    let hint = "teacher.hint=[{ tensor = \"t\", stage = \"body1\", weight = 0.5 }]";
    let recipe = recipe(at.path(), &["teacher.onnx=teacher.onnx", hint]);
    let options = Options { device: Place::Cuda, ..options() };
    let error = start(&recipe, &at.path().join("run"), &options).unwrap_err().to_string();
    assert!(error.starts_with("--device cuda: it computes no hints;"), "{error}");
    assert!(!at.path().join("run").exists());
}
