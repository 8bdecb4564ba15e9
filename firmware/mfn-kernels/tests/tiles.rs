//! Register tiles stay in registers: whether they do is up to the compiler's units and inlining, and networks take
//! twice the time when they do not. Only as it ships: `cargo test --release -p mfn-kernels --test tiles`.
#![cfg(all(target_arch = "x86_64", not(debug_assertions)))]

use mfn_kernels::Kernels;
use mfn_kernels::conv::{Buffer, Fused, Input, Kind, Shape, Weights};
use std::time::{Duration, Instant};

/// Multiply-accumulates a second, the best of many runs, of a layer of 64 channels; as in training, or as on a board.
fn rate(kind: Kind, outputs: usize, training: bool) -> f64 {
    let shape = Shape { kind, inputs: 64, outputs, size: [28, 28] };
    let filled = |length| {
        let mut buffer = Buffer::new(length);
        buffer.fill(0.01);
        buffer
    };
    let (weights, bias, mut sums) = (filled(shape.packed_len()), filled(outputs), filled(2 * outputs));
    let (input, mut out, mut scratch) = (filled(shape.input_len()), filled(shape.output_len()), Vec::new());
    let mut best = Duration::MAX;
    for _ in 0..500 {
        let start = Instant::now();
        if training {
            let input = Input { data: &input, norm: None };
            Kernels::detect().conv_train(
                &shape,
                input,
                Weights::Single(&weights),
                &mut out,
                &mut sums,
                &mut scratch,
            );
        } else {
            let fused = Fused { bias: &bias, bend: &bias, residual: &[] };
            Kernels::detect().conv_infer(&shape, &input, &weights, fused, &mut out, &mut scratch);
        }
        best = best.min(start.elapsed());
    }
    (shape.weight_len() * 28 * 28) as f64 / best.as_secs_f64()
}

/// Both keep their sums in registers: 1x1 convolutions were at 1.1 of the rate of 3x3 convolutions of planes, and at
/// 0.5 when their sums lived on the stack.
#[test]
fn products_are_about_as_fast_as_planes() {
    let planes = rate(Kind::Planes { stride: 1, fan: 1 }, 64, false);
    for (outputs, training) in [(16, false), (64, false), (64, true)] {
        let products = rate(Kind::Pointwise, outputs, training);
        println!(
            "{outputs} outputs, training {training}: {:.1} G a second, planes {:.1}",
            products / 1e9,
            planes / 1e9
        );
        assert!(
            products > 0.8 * planes,
            "1x1 convolutions have {:.2} of the rate of planes",
            products / planes
        );
    }
}
