//! Networks in floats of 16 bits give what they give in 32 but for rounding; on CPUs without FP16 by the simulation that
//! gives the same bits.

mod common;

use std::num::NonZero;
use std::path::Path;

use common::mobilefacenet::{mobilefacenet_scaled, uniform};
use common::models_dir;
use mfn_engine::{AnyNetwork, Floats, Operators};

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

fn cosine([a, b]: &[Vec<f32>; 2]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn the_papers_network_at_both_scales() {
    let dir = tempfile::tempdir().unwrap();
    for scale in [1, 2] {
        let path = dir.path().join("net.onnx");
        std::fs::write(&path, mobilefacenet_scaled(5, scale)).unwrap();
        let found = outputs(&path, None);
        assert_ne!(found[0], found[1], "nothing was computed in 16 bits");
        let cosine = cosine(&found);
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
        println!("{size:?}: largest difference {off}, cosine {}", cosine(&found));
        assert!(off < 0.1 && cosine(&found) > 0.9999, "{size:?}: {off}");
    }
}
