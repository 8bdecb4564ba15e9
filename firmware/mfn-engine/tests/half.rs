//! Networks in floats of 16 bits give what they give in 32 but for rounding; on CPUs without FP16 by the simulation that
//! gives the same bits.

mod common;

use std::num::NonZero;
use std::path::Path;

use common::mobilefacenet::{mobilefacenet, mobilefacenet_scaled, uniform};
use common::{NO_GOLDEN, RECOGNISER, cosine, models_dir, write_folder};
use mfn_engine::{AnyNetwork, Floats, Guard, ModelFolder, Operators, Precision, Recogniser};
use mfn_vision::AlignedFace;
use mfn_vision::photo::{self, PhotoLimits};

/// What a network gives for the same numbers from -1 to 1, all outputs one behind the other, in 32 and in 16 bits.
fn outputs(path: &Path, size: Option<[usize; 2]>) -> [Vec<f32>; 2] {
    [Floats::F32, Floats::F16].map(|floats| {
        let operators = Operators::Own { threads: NonZero::<usize>::MIN, floats };
        let mut network = AnyNetwork::load(path, size, operators).unwrap();
        let mut seed = 3;
        let input: Vec<f32> = (0..network.input_len()).map(|_| 2.0 * uniform(&mut seed) - 1.0).collect();
        network.run(&input, |outputs| outputs.concat()).unwrap()
    })
}

#[test]
fn the_papers_network_at_both_scales() {
    let dir = tempfile::tempdir().unwrap();
    for scale in [1, 2] {
        let path = dir.path().join("net.onnx");
        std::fs::write(&path, mobilefacenet_scaled(5, scale)).unwrap();
        let found = outputs(&path, None);
        assert_ne!(found[0], found[1], "nothing was computed in 16 bits");
        let cosine = cosine(&found[0], &found[1]);
        println!("scale {scale}: {cosine:.6}");
        assert!(cosine > 0.9999, "scale {scale}: {cosine}");
    }
}

/// Its sums, poolings and doublings have no form of 16 bits: maps go back and forth.
#[test]
fn a_network_with_other_steps_between() {
    let Some(dir) = models_dir() else { return };
    for size in [[32, 32], [160, 96]] {
        let found = outputs(&dir.join("detector-yunet-n.onnx"), Some(size));
        assert_ne!(found[0], found[1], "nothing was computed in 16 bits");
        let off = found[0].iter().zip(&found[1]).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        let cosine = cosine(&found[0], &found[1]);
        println!("{size:?}: largest difference {off}, cosine {cosine}");
        assert!(off < 0.1 && cosine > 0.9999, "{size:?}: {off}");
    }
}

/// As a door does it: in 16 bits where the CPU can, held to the templates of 32.
#[test]
fn a_folder_in_fp16_passes_its_golden_vectors() {
    let Some(models) = models_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let network = mobilefacenet(5);
    write_folder(dir.path(), RECOGNISER, &[("net.onnx", &network), ("golden.json", NO_GOLDEN)]);
    let mut recogniser =
        Recogniser::load(&ModelFolder::open(dir.path()).unwrap(), &Guard::trusted()).unwrap();
    let (mut templates, mut files) = (serde_json::Map::new(), vec![("net.onnx", network)]);
    for (name, crop) in [("a-1.png", "president-1"), ("a-2.png", "president-1"), ("b-1.png", "astronaut-1")] {
        let path = models.join(format!("golden/{crop}-crop.png"));
        let face = AlignedFace::from_rgb(&photo::load(&path, &PhotoLimits::default()).unwrap()).unwrap();
        let template = recogniser.embed(&face).unwrap();
        templates.insert(name.into(), template.values().into());
        files.push((name, std::fs::read(path).unwrap()));
    }
    let golden = serde_json::json!({"input": "", "output": "", "runtime": "fp32", "templates": templates});
    files.push(("golden.json", golden.to_string().into_bytes()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    write_folder(dir.path(), RECOGNISER, &files);

    let folder = ModelFolder::open(dir.path()).unwrap().select(Precision::Fp16).unwrap();
    let wanted = if Floats::has_f16() { Precision::Fp16 } else { Precision::Fp32 };
    assert_eq!(folder.precision(), wanted);
    let test = Recogniser::load(&folder, &Guard::trusted()).unwrap().self_test(&folder).unwrap();
    println!("{wanted:?}: {test:?}");
    assert_eq!(test.crops, 3);
}
