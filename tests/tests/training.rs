//! From a folder of faces to a signed model folder that the kiosk runs, by the commands that a user types.

use std::{fs, path::Path};

use mfn_tests::{Exporter, Finished, Kiosk, fixture, models, reference_models};
use mfn_vision::RgbImage;

const PEOPLE: usize = 6;
const PICTURES: usize = 12;

/// A generated face: stripes whose direction, width and colour are the person's; their place and the noise are
/// the picture's.
fn face(person: usize, number: usize) -> RgbImage {
    let mut image = RgbImage::new(112, 112);
    let turn = person as f32 * std::f32::consts::PI / PEOPLE as f32;
    let width = 3.0 + person as f32;
    let mut noise = (person * 31 + number * 17 + 1) as u32;
    for (i, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = ((i % 112) as f32 + number as f32, (i / 112) as f32);
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = ((x * turn.cos() + y * turn.sin()) / width).sin();
        let value = (128.0 + 90.0 * wave + (noise >> 24) as f32 / 12.0 - 10.0) as u8;
        pixel.copy_from_slice(&[value, 255 - value, (40 * person) as u8]);
    }
    image
}

fn png(path: &Path, image: &RgbImage) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mfn_vision::photo::save_png(image, path).unwrap();
}

const RECIPE: &str = r#"
network = "mobilefacenet"
[data]
root = "faces"
sources = [{ path = "", labelled = true }]
held_out = { one_in = 0, identities = ["p1", "p4"], pairs = 50 }
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
images = 336
evaluate_every = 336
"#;

/// Puts the shipped detector beside the model, in a folder `models`.
fn with_detector(to: &Path) {
    fs::create_dir_all(to.join("detector")).unwrap();
    for entry in fs::read_dir(models().join("detector")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join("detector").join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn self_test(kiosk: &Kiosk, config: &Path, more: &[&str]) -> Finished {
    let photo = format!("photo:{}", fixture("president-1.jpg"));
    let config = config.display().to_string();
    kiosk.run(&[&["self-test", "--config", &config, "--source", &photo], more].concat())
}

#[track_caller]
fn refused(end: Finished, word: &str) {
    let end = end.expect(4);
    assert!(end.out.contains(word) || end.err.contains(word), "no {word:?}: {end:?}");
}

#[test]
fn generated_faces_to_a_signed_model_that_the_kiosk_runs() {
    let Some(exporter) = Exporter::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for person in 0..PEOPLE {
        for number in 0..PICTURES {
            png(&at(&format!("faces/p{person}/{number}.png")), &face(person, number));
        }
    }
    for (file, person, number) in [("a-1", 0, 20), ("a-2", 0, 30), ("b-1", 3, 20)] {
        png(&at(&format!("golden/{file}.png")), &face(person, number));
    }
    fs::write(at("recipe.toml"), RECIPE).unwrap();
    let run = |line: &str| exporter.run(folder.path(), &line.split(' ').collect::<Vec<_>>()).expect(0);
    run("train recipe.toml --out run");
    learned(&fs::read_to_string(at("run/metrics.jsonl")).unwrap());
    run("export run --out models/own --golden golden --licence CC0-1.0");
    let told = run("quantise models/own --calibrate faces --faces 16 --compare 16 --json").json();
    let (cost, refusal) = (&told[0]["cost"], told[0]["self_test"].as_str());
    assert!(cost["cosine_mean"].as_f64().unwrap() > 0.98, "{cost}");
    let told = run("card models/own run/recipe.toml --json").json();
    let threshold = |name: &str| told[0]["thresholds"][name].as_f64().unwrap();
    assert!(threshold("fmr_1e-3") <= threshold("fmr_1e-4") && threshold("fmr_1e-4") <= threshold("fmr_1e-5"));
    let figures = fs::read_to_string(at("models/own/figures.md")).unwrap();
    assert!(figures.contains("| 1e-4 | ") && figures.contains("## int8 against fp32"), "{figures}");
    assert!(fs::read_to_string(at("models/own/det.svg")).unwrap().contains("<polyline"));
    run("keygen release --no-password");
    run("bundle models/own --key release.key");
    run("verify models/own --key release.pub");

    with_detector(&at("models"));
    let kiosk = Kiosk::within(folder.path());
    let key = format!("[models]\nfolder = {:?}\npublic_key = {:?}\n", at("models"), at("release.pub"));
    fs::write(at("kiosk.toml"), key).unwrap();
    self_test(&kiosk, &at("kiosk.toml"), &[]).expect(0);
    // The int8 network of a training this short need not be within 0.995 of fp32: the kiosk loads it, tries its golden
    // crops, and decides by it or not as `quantise` said.
    let config = at("kiosk.toml").display().to_string();
    let photo = fixture("president-1.jpg");
    let end = kiosk.run(&["verify", &photo, &photo, "--config", &config, "--precision", "int8"]);
    match refusal {
        Some(_) => refused(end, "self-test"),
        None => {
            end.expect(0);
        }
    }

    fs::write(at("no-key.toml"), format!("[models]\nfolder = {:?}\n", at("models"))).unwrap();
    refused(self_test(&kiosk, &at("no-key.toml"), &[]), "not trusted");
    let by_name = format!("[models]\nfolder = {:?}\nunsigned = [\"own\"]\n", at("models"));
    fs::write(at("by-name.toml"), by_name).unwrap();
    self_test(&kiosk, &at("by-name.toml"), &[]).expect(0);
    let manifest = fs::read_to_string(at("models/own/manifest.toml")).unwrap();
    fs::write(at("models/own/manifest.toml"), manifest.replace("CC0-1.0", "MIT")).unwrap();
    refused(self_test(&kiosk, &at("kiosk.toml"), &[]), "not of this manifest");
    fs::remove_file(at("models/own/manifest.toml.minisig")).unwrap();
    refused(self_test(&kiosk, &at("kiosk.toml"), &[]), "no signature");
}

/// The loss fell, and the people who were not trained on are told apart without a mistake.
fn learned(metrics: &str) {
    let lines: Vec<serde_json::Value> = metrics.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let losses: Vec<f64> = lines.iter().filter_map(|l| l["loss"].as_f64()).collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(last < 0.75 * first, "the loss went from {first} to {last}: {metrics}");
    let error = lines.iter().rev().find_map(|l| l["held_out"]["error"].as_f64()).expect(metrics);
    assert_eq!(error, 0.0, "{metrics}");
}

#[test]
fn real_portraits_and_an_imported_teacher() {
    let (Some(reference), Some(exporter)) = (reference_models(), Exporter::find()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (person, photos) in [
        ("president", &["president-1.jpg", "president-2.jpg", "president-3.jpg"][..]),
        ("vice-president", &["vice-president-1.jpg"]),
        ("astronaut", &["astronaut-1.jpg"]),
    ] {
        fs::create_dir_all(at("photos").join(person)).unwrap();
        for photo in photos {
            fs::copy(fixture(photo), at("photos").join(person).join(photo)).unwrap();
        }
    }
    let run = |line: &str| exporter.run(folder.path(), &line.split(' ').collect::<Vec<_>>()).expect(0);
    run(&format!("prepare photos --out crops --largest --models {}", models().display()));
    let teacher = reference.join("teacher-edgeface-xs-512d.onnx");
    let told = run(&format!(
        "import {} --faces crops --out models/teacher --licence BSD-3-Clause --name teacher --json",
        teacher.display()
    ));
    let told = &told.json()[0];
    assert_eq!(told["input"]["channels"], "rgb", "{told}");
    assert_eq!(told["trials"].as_array().unwrap().len(), 12);
    run("keygen release --no-password");
    run("bundle models/teacher --key release.key");

    with_detector(&at("models"));
    let kiosk = Kiosk::within(folder.path());
    let key = format!("[models]\nfolder = {:?}\npublic_key = {:?}\n", at("models"), at("release.pub"));
    fs::write(at("kiosk.toml"), key).unwrap();
    self_test(&kiosk, &at("kiosk.toml"), &[]).expect(0);
    let config = at("kiosk.toml").display().to_string();
    let verify = |a: &str, b: &str| kiosk.run(&["verify", &fixture(a), &fixture(b), "--config", &config]);
    verify("president-1.jpg", "president-2.jpg").expect(0);
    verify("president-1.jpg", "vice-president-1.jpg").expect(3);
}
