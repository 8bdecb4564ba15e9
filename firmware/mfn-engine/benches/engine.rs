//! Milliseconds of each step from a frame to a template, with the models of `MFN_REFERENCE_MODELS`; and the paper's
//! network with random weights, once as this crate runs it and once in tract as it comes.

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::mobilefacenet::mobilefacenet;
use common::{NO_GOLDEN, RECOGNISER, models, models_dir, write_folder};
use criterion::{Criterion, criterion_group, criterion_main};
use mfn_engine::{Detector, DetectorOptions, Guard, ModelFolder, Quality, Recogniser};
use mfn_vision::photo::{self, PhotoLimits};
use mfn_vision::{AlignedFace, RgbImage, align, resize};
use tract_onnx::prelude::*;

fn frame() -> RgbImage {
    let path = models_dir().expect("models").join("golden/president-1-320x256.png");
    let mut frame = RgbImage::new(640, 480);
    resize(&photo::load(&path, &PhotoLimits::default()).expect("picture"), &mut frame);
    frame
}

fn steps(c: &mut Criterion) {
    let Some(models) = models() else { return };
    let folder = models.detector().expect("detector");
    let (frame, mut found, mut face) = (frame(), Vec::new(), AlignedFace::default());
    for (width, height) in [(320, 256), (640, 480)] {
        let options = DetectorOptions { width, height, ..DetectorOptions::default() };
        let mut detector = Detector::load(folder, options, &Guard::trusted()).expect("detector");
        c.bench_function(&format!("detect/{width}x{height}"), |b| {
            b.iter(|| detector.detect(black_box(&frame), &mut found).expect("runs"));
        });
    }
    let detection = found[0];
    c.bench_function("align", |b| {
        b.iter(|| align(black_box(&frame), &detection.landmarks, &mut face).expect("a face"));
    });
    c.bench_function("quality", |b| b.iter(|| Quality::assess(&detection, black_box(&face))));
    let folder = models.recogniser(None).expect("recogniser");
    let mut recogniser = Recogniser::load(folder, &Guard::trusted()).expect("recogniser");
    c.bench_function("embed/teacher", |b| b.iter(|| recogniser.embed(black_box(&face)).expect("runs")));
}

fn papers_network(c: &mut Criterion) {
    let onnx = mobilefacenet(1);
    let dir = tempfile::tempdir().expect("folder");
    write_folder(dir.path(), RECOGNISER, &[("net.onnx", &onnx), ("golden.json", NO_GOLDEN)]);
    let folder = ModelFolder::open(dir.path()).expect("folder");
    let mut recogniser = Recogniser::load(&folder, &Guard::trusted()).expect("recogniser");
    let face = AlignedFace::default();
    c.bench_function("mobilefacenet/one PReLU operator", |b| {
        b.iter(|| recogniser.embed(black_box(&face)).expect("runs"));
    });
    let model = tract_onnx::onnx().model_for_read(&mut onnx.as_slice()).expect("ONNX");
    let plan = model.into_optimized().and_then(|model| model.into_runnable()).expect("plan");
    let mut state = plan.spawn().expect("state");
    let input = Arc::new(Tensor::zero::<f32>(&[1, 3, 112, 112]).expect("tensor"));
    c.bench_function("mobilefacenet/tract as it comes", |b| {
        b.iter(|| state.run(tvec!(TValue::from_const(Arc::clone(&input)))).expect("runs"));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = steps, papers_network
}
criterion_main!(benches);
