//! Register tiles stay in registers: whether they do is up to the compiler's units and inlining, and networks take
//! twice the time when they do not. Only as it ships: `cargo test --release -p mfn-kernels --test tiles`.
#![cfg(not(debug_assertions))]

use mfn_kernels::Kernels;
use mfn_kernels::conv::{Buffer, Fused, Kind, Shape};
use std::time::{Duration, Instant};

/// Multiply-accumulates a second, the best of many runs, of a 1x1 convolution of 64 channels.
fn rate(outputs: usize) -> f64 {
    let shape = Shape { kind: Kind::Pointwise, inputs: 64, outputs, size: [28, 28] };
    let filled = |length| {
        let mut buffer = Buffer::new(length);
        buffer.fill(0.01);
        buffer
    };
    let (weights, bias) = (filled(shape.packed_len()), filled(outputs));
    let (input, mut out, mut scratch) = (filled(shape.input_len()), filled(shape.output_len()), Vec::new());
    let mut best = Duration::MAX;
    for _ in 0..500 {
        let start = Instant::now();
        let fused = Fused { bias: &bias, slope: &bias, residual: &[] };
        Kernels::detect().conv_infer(&shape, &input, &weights, fused, &mut out, &mut scratch);
        best = best.min(start.elapsed());
    }
    (shape.weight_len() * 28 * 28) as f64 / best.as_secs_f64()
}

/// A tile of one block of outputs is a plain loop that every compiler keeps in registers. Tiles of several blocks
/// load less; they were at 1.0 of its rate, and at 0.4 when their sums lived on the stack.
#[test]
fn large_tiles_are_not_slower_than_small_ones() {
    let (small, large) = (rate(16), rate(64));
    println!("G multiply-accumulates a second: {:.1} and {:.1}", small / 1e9, large / 1e9);
    assert!(large > 0.75 * small, "tiles of several blocks have {:.2} of the rate", large / small);
}
