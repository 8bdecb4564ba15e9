//! Rounded networks give with our operators what they give with tract's, but for numbers so near the middle between
//! two steps that another order of summing rounds them the other way.
//!
//! Each such number is one step off, and in a deep network of random weights one step of one input pixel already turns
//! the output by as much as all rounding does (cosine 0.99 to 0.998). So networks of a few layers are held tightly, and
//! the whole one only so far that a wrong operator would show.

mod common;

use common::mobilefacenet::{mobilefacenet, uniform};
use common::rounded::{Rounding, rounded};
use mfn_engine::{AnyNetwork, Operators};

/// The cosine of our output to tract's.
fn cosine(model: &[u8]) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.onnx");
    std::fs::write(&path, model).unwrap();
    let mut seed = 3;
    let outputs = [Operators::default(), Operators::Tract].map(|operators| {
        let mut network = AnyNetwork::load(&path, None, operators).unwrap();
        seed = 3;
        let input: Vec<f32> = (0..network.input_len()).map(|_| 2.0 * uniform(&mut seed) - 1.0).collect();
        // Twice: the second run finds the memory of the first.
        network.run(&input, |_| ()).unwrap();
        network.run(&input, |outputs| outputs[0].to_vec()).unwrap()
    });
    common::cosine(&outputs[0], &outputs[1])
}

fn all() -> impl Iterator<Item = Rounding> {
    let bits = |i: usize| [i & 1 > 0, i & 2 > 0, i & 4 > 0];
    (0..8).map(bits).map(|[sums, unsigned, weights]| Rounding { sums, unsigned, weights })
}

#[test]
fn stem_and_planes() {
    for rounding in all() {
        // Stem, PReLU, depthwise, PReLU.
        let found = cosine(&rounded(&mobilefacenet(5), rounding, 4, &[1, 64, 56, 56]));
        assert!(found > 0.999_999, "{rounding:?}: {found}");
    }
}

#[test]
fn blocks_with_and_without_a_rounded_residual() {
    for rounding in all() {
        // Four more nodes for the block that halves, six more for each residual one.
        let found = cosine(&rounded(&mobilefacenet(6), rounding, 4 + 5 + 6 + 6, &[1, 64, 28, 28]));
        assert!(found > 0.999_9, "{rounding:?}: {found}");
    }
}

#[test]
fn the_whole_network() {
    for rounding in all() {
        let model = mobilefacenet(7);
        let found = cosine(&rounded(&model, rounding, usize::MAX, &[1, 512]));
        assert!(found > 0.95, "{rounding:?}: {found}");
    }
}
