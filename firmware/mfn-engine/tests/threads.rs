//! The number of threads changes no bit of what a network gives.

mod common;

use common::mobilefacenet::{mobilefacenet, uniform};
use common::models_dir;
use common::rounded::{Rounding, rounded};
use mfn_engine::{AnyNetwork, Floats, Operators};
use std::num::NonZero;
use std::path::Path;

fn outputs(path: &Path, size: Option<[usize; 2]>, threads: usize, floats: Floats) -> Vec<u32> {
    let operators = Operators::Own { threads: NonZero::new(threads).unwrap(), floats };
    let mut network = AnyNetwork::load(path, size, operators).unwrap();
    let mut seed = 3;
    let input: Vec<f32> = (0..network.input_len()).map(|_| 2.0 * uniform(&mut seed) - 1.0).collect();
    // Twice: the second run finds the memory of the first.
    network.run(&input, |_| ()).unwrap();
    network.run(&input, |outputs| outputs.concat().iter().map(|value| value.to_bits()).collect()).unwrap()
}

fn check(path: &Path, size: Option<[usize; 2]>, floats: Floats) {
    let one = outputs(path, size, 1, floats);
    for threads in [2, 3, 5] {
        assert_eq!(one, outputs(path, size, threads, floats), "{} on {threads} threads", path.display());
    }
}

fn check_bytes(model: &[u8], floats: Floats) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.onnx");
    std::fs::write(&path, model).unwrap();
    check(&path, None, floats);
}

#[test]
fn the_papers_network() {
    for floats in [Floats::F32, Floats::F16] {
        check_bytes(&mobilefacenet(5), floats);
    }
}

#[test]
fn the_papers_network_in_bytes() {
    for sums in [false, true] {
        let rounding = Rounding { sums, unsigned: false, weights: true };
        check_bytes(&rounded(&mobilefacenet(6), rounding, usize::MAX, &[1, 512]), Floats::F32);
    }
}

#[test]
fn the_detector_in_16_bits() {
    let Some(dir) = models_dir() else { return };
    check(&dir.join("detector-yunet-n.onnx"), Some([32, 96]), Floats::F16);
}

#[test]
fn the_detector() {
    let Some(dir) = models_dir() else { return };
    // Widths whose maps in bytes or floats end in the middle of a cache line are among the strides' sizes.
    for size in [[256, 320], [32, 96]] {
        check(&dir.join("detector-yunet-n.onnx"), Some(size), Floats::F32);
    }
}
