//! Small runs on generated faces: they learn, and go on after a stop as if there had been none.

use image::{Rgb, RgbImage};
use mfn_export::recipe::Recipe;
use mfn_export::train::{Options, resume, start};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

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
    Options { models: PathBuf::new(), threads: 2 }
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
