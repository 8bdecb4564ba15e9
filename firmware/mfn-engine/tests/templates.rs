//! Our operators give the templates that tract's give, on the paper's network.

mod common;

use common::mobilefacenet::{mobilefacenet, uniform};
use common::{NO_GOLDEN, RECOGNISER, guard, write_folder};
use mfn_engine::{ModelFolder, Recogniser};
use mfn_template::Template;
use mfn_vision::{AlignedFace, RgbImage};
use prost::Message;
use tract_onnx::prelude::*;

fn noise(seed: u64) -> AlignedFace {
    let mut seed = seed;
    let data = (0..112 * 112 * 3).map(|_| (256.0 * uniform(&mut seed)) as u8).collect();
    AlignedFace::from_rgb(&RgbImage::from_raw(112, 112, data).unwrap()).unwrap()
}

fn plain_tract(onnx: &[u8], face: &AlignedFace) -> Template {
    let plan = tract_onnx::onnx()
        .model_for_read(&mut &*onnx)
        .and_then(|model| model.into_optimized()?.into_runnable())
        .unwrap();
    let plane = 112 * 112;
    let input: Vec<f32> = (0..3 * plane)
        .map(|i| (f32::from(face.data()[3 * (i % plane) + i / plane]) - 127.5) / 127.5)
        .collect();
    let output = plan.run(tvec!(Tensor::from_shape(&[1, 3, 112, 112], &input).unwrap().into())).unwrap();
    Template::normalise(output[0].try_as_plain_ram().unwrap().as_slice().unwrap()).unwrap()
}

#[test]
fn the_network_is_the_papers() {
    let model = tract_onnx::pb::ModelProto::decode(mobilefacenet(1).as_slice()).unwrap();
    let graph = model.graph.unwrap();
    let values: i64 = graph.initializer.iter().map(|t| t.dims.iter().product::<i64>()).sum();
    // The paper's network with batch norms folded, at scale 1.
    assert_eq!(values, 1_190_336);
}

#[test]
fn templates_are_those_of_plain_tract() {
    let onnx = mobilefacenet(42);
    let dir = tempfile::tempdir().unwrap();
    write_folder(dir.path(), RECOGNISER, &[("net.onnx", &onnx), ("golden.json", NO_GOLDEN)]);
    let mut recogniser = Recogniser::load(&ModelFolder::open(dir.path()).unwrap(), &guard()).unwrap();
    for seed in 0..2 {
        let face = noise(seed);
        let (ours, plain) = (recogniser.embed(&face).unwrap(), plain_tract(&onnx, &face));
        let differences = ours.values().iter().zip(plain.values()).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f32::max);
        println!("largest difference {largest:e}");
        assert!(largest < 1e-5, "{largest}");
    }
}
