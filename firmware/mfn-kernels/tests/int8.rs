//! One set of properties for the int8 kernels of every instruction set: against plain loops, over shapes with odd
//! sizes and tails, from data off its alignment. Sums are exact, so only the epilogue's rounding may differ.

#[macro_use]
mod common;
#[path = "common/numbers.rs"]
mod numbers;

use mfn_kernels::conv::int8::{Fused, Grid, Outputs, Residual, image_len};
use mfn_kernels::conv::{Kind, Shape, reference};
use mfn_kernels::{Kernels, Level};
use numbers::Numbers;
use proptest::prelude::*;

/// Few under an emulator, which is 30 to 60 times slower.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 24 } else { 128 };

impl Numbers {
    fn grid(&mut self) -> Grid {
        Grid { step: 0.02 * (1.1 + self.next()), zero: (self.next() * 128.0) as i8 }
    }
    /// All of -127 to 127, the ends often.
    fn weights(&mut self, n: usize) -> Vec<i8> {
        (0..n).map(|_| (self.next() * 140.0).clamp(-127.0, 127.0) as i8).collect()
    }
}

/// The grid's number nearest to a value, and the value of that.
fn round(grid: Grid, value: f32) -> f32 {
    let zero = f32::from(grid.zero);
    (((value * grid.step.recip()).round_ties_even() + zero).clamp(-128.0, 127.0) - zero) * grid.step
}

fn shapes() -> impl Strategy<Value = Shape> {
    let side = || 1usize..19;
    let of = |kind, inputs: usize, outputs: usize, size| Shape { kind, inputs, outputs, size };
    let fans = proptest::sample::select(vec![1usize, 2, 4]);
    prop_oneof![
        3 => (1usize..5, 1usize..6, side(), side())
            .prop_map(move |(i, o, h, w)| of(Kind::Pointwise, 16 * i, 16 * o, [h, w])),
        2 => (1usize..4, 1usize..3, side(), side())
            .prop_map(move |(c, stride, h, w)| of(Kind::Planes { stride, fan: 1 }, 16 * c, 16 * c, [h, w])),
        1 => (1usize..3, fans, side(), side())
            .prop_map(move |(c, fan, h, w)| of(Kind::Planes { stride: 1, fan }, 16 * c, 16 * c, [h, w])),
        1 => (1usize..4, side(), side()).prop_map(move |(o, h, w)| of(Kind::Stem, 3, 16 * o, [h, w])),
        1 => (1usize..4, 1usize..8).prop_map(move |(c, side)| of(Kind::Global, 16 * c, 16 * c, [side, side])),
    ]
}

/// What an epilogue is made of.
#[derive(Clone, Copy, Debug)]
struct Parts {
    activation: bool,
    rounded: bool,
    /// 0: none, 1: floats, 2: bytes.
    residual: u8,
    /// 0: both, 1: floats, 2: bytes.
    outputs: u8,
}

fn parts() -> impl Strategy<Value = Parts> {
    (any::<bool>(), any::<bool>(), 0u8..3, 0u8..3)
        .prop_map(|(activation, rounded, residual, outputs)| Parts { activation, rounded, residual, outputs })
}

/// The bytes of plain values, as the layer reads them, off their alignment by one.
fn input_bytes(k: Kernels, shape: &Shape, plain: &[f32], grid: Grid) -> Vec<u8> {
    if shape.kind == Kind::Stem {
        let mut bytes = vec![0; image_len(shape.size) + 1];
        k.image_int8(plain, shape.size, grid, &mut bytes[1..]);
        return bytes;
    }
    let mut bytes = vec![0; plain.len() + 1];
    k.quantise_int8(&reference::block(plain, shape.inputs), grid, &mut bytes[1..]);
    bytes
}

fn layer_matches(k: Kernels) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(shape in shapes(), seed: u32, parts in parts())| {
        one_layer(k, &shape, &mut Numbers(seed), parts);
    });
}

/// Every end of a tile or strip, and every number of rounds of an inner loop up to a few.
fn tails_match(k: Kernels) {
    let (numbers, parts) = (&mut Numbers(5), |i: usize| Parts {
        activation: i.is_multiple_of(2),
        rounded: i.is_multiple_of(3),
        residual: (i % 3) as u8,
        outputs: 0,
    });
    for (blocks, pixels) in (1..=5).flat_map(|blocks| (1..=9).map(move |pixels| (blocks, pixels))) {
        let shape = Shape { kind: Kind::Pointwise, inputs: 16 * blocks, outputs: 32, size: [1, pixels] };
        one_layer(k, &shape, numbers, parts(pixels));
    }
    for (height, width) in (1..=6).flat_map(|height| (1..=11).map(move |width| (height, width))) {
        let kind = Kind::Planes { stride: 1, fan: 1 };
        one_layer(k, &Shape { kind, inputs: 32, outputs: 32, size: [height, width] }, numbers, parts(width));
    }
}

fn one_layer(k: Kernels, shape: &Shape, numbers: &mut Numbers, parts: Parts) {
    let (in_grid, out_grid, middle, other) = (numbers.grid(), numbers.grid(), numbers.grid(), numbers.grid());
    let plain: Vec<f32> = numbers.many(shape.input_len()).iter().map(|x| round(in_grid, x * 3.0)).collect();
    let weight = numbers.weights(shape.weight_len());
    let (bias, bend) = (numbers.many(shape.outputs), numbers.many(shape.outputs));
    let fan_in = (weight.len() / shape.outputs) as f32;
    let scale: Vec<f32> =
        numbers.many(shape.outputs).iter().map(|s| s * 0.01 * in_grid.step / fan_in.sqrt()).collect();
    let residual: Vec<f32> = numbers.many(shape.output_len()).iter().map(|&x| round(other, x)).collect();

    // Whole numbers of steps: exact in floats.
    let steps: Vec<f32> = plain.iter().map(|x| (x / in_grid.step).round()).collect();
    let whole: Vec<f32> = weight.iter().map(|&w| f32::from(w)).collect();
    let pixels = shape.output_len() / shape.outputs;
    let mut expected = reference::convolve(shape, &steps, &whole);
    for (at, value) in expected.iter_mut().enumerate() {
        let c = at / pixels;
        let mut y = *value * scale[c] + bias[c];
        y = if parts.activation { y.min(0.0) * bend[c] + y } else { y };
        y = if parts.rounded { round(middle, y) } else { y };
        *value = if parts.residual > 0 { y + residual[at] } else { y };
    }

    let packed = k.pack_int8(shape, &weight, in_grid.zero);
    let residual = reference::block(&residual, shape.outputs);
    let mut residual_bytes = vec![0; residual.len()];
    k.quantise_int8(&residual, other, &mut residual_bytes);
    let fused = Fused {
        scale: &scale,
        bias: &bias,
        bend: if parts.activation { &bend } else { &[] },
        rounded: parts.rounded.then_some(middle),
        residual: match parts.residual {
            0 => Residual::Nothing,
            1 => Residual::Floats(&residual),
            _ => Residual::Bytes(&residual_bytes, other),
        },
    };
    let length = |wanted: bool| if wanted { shape.output_len() } else { 0 };
    let mut floats = vec![f32::NAN; length(parts.outputs != 2)];
    let mut bytes = vec![0; length(parts.outputs != 1)];
    let outputs = Outputs { floats: &mut floats, bytes: &mut bytes, grid: out_grid };
    let input = input_bytes(k, shape, &plain, in_grid);
    k.conv_int8(&packed, &input[1..], in_grid.zero, fused, outputs, &mut Vec::new());

    let expected = reference::block(&expected, shape.outputs);
    let jump = if parts.rounded { middle.step } else { 0.0 };
    close("floats", &floats, &expected, jump);
    let mut back = vec![f32::NAN; bytes.len()];
    k.dequantise_int8(&bytes, out_grid, &mut back);
    let rounded: Vec<f32> = expected.iter().map(|&y| round(out_grid, y)).collect();
    close("bytes", &back, &rounded, jump + out_grid.step);
}

/// Equal up to rounding errors, but for one in a hundred (and one more) where a tie fell the other way.
#[track_caller]
fn close(what: &str, got: &[f32], expected: &[f32], jump: f32) {
    let mut jumped = 0;
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        let off = (a - b).abs();
        let tolerance = 1e-5 * b.abs().max(1.0);
        assert!(off <= 1.01 * jump + tolerance, "{what}[{i}]: {a} for {b}");
        jumped += usize::from(off > tolerance);
    }
    assert!(jumped <= 1 + got.len() / 100, "{what}: {jumped} of {} on another step", got.len());
}

/// The largest sums: every byte and weight at its end.
fn ends_do_not_overflow(k: Kernels) {
    let grid = Grid { step: 1.0, zero: 0 };
    for (kind, side) in [(Kind::Pointwise, 3), (Kind::Planes { stride: 1, fan: 1 }, 5), (Kind::Global, 7)] {
        for (x, w) in [(-128i8, -127i8), (-128, 127), (127, -127), (127, 127)] {
            let shape = Shape { kind, inputs: 64, outputs: 64, size: [side, side] };
            let plain = vec![f32::from(x); shape.input_len()];
            let expected = reference::convolve(&shape, &plain, &vec![f32::from(w); shape.weight_len()]);
            let packed = k.pack_int8(&shape, &vec![w; shape.weight_len()], 0);
            let mut floats = vec![f32::NAN; shape.output_len()];
            let (scale, bias) = (vec![1.0; 64], vec![0.0; 64]);
            let fused =
                Fused { scale: &scale, bias: &bias, bend: &[], rounded: None, residual: Residual::Nothing };
            let outputs = Outputs { floats: &mut floats, bytes: &mut [], grid };
            let input = input_bytes(k, &shape, &plain, grid);
            k.conv_int8(&packed, &input[1..], 0, fused, outputs, &mut Vec::new());
            assert_eq!(floats, reference::block(&expected, 64), "{kind:?} {x} {w}");
        }
    }
}

/// Ties go to the even step; what lies beyond the grid goes to its ends.
fn rounding(k: Kernels) {
    let grid = Grid { step: 0.5, zero: 3 };
    let values =
        [0.25, 0.75, -0.25, -0.75, 1.25, 0.0, 1e6, -1e6, 62.0, 62.3, -65.5, -65.8, 0.1, 0.4, 7.0, -7.0];
    let wanted: Vec<f32> = values.iter().map(|&x| round(grid, x)).collect();
    let (mut bytes, mut back) = (vec![0; 16], vec![f32::NAN; 16]);
    k.quantise_int8(&values, grid, &mut bytes);
    k.dequantise_int8(&bytes, grid, &mut back);
    assert_eq!(back, wanted);
    assert_eq!(back[..4], [0.0, 1.0, 0.0, -1.0]);
}

variants! {
    {
        layers: layer_matches;
        tails: tails_match;
        ends: ends_do_not_overflow;
        rounds: rounding;
    }
    scalar: Level::Scalar;
    avx2: Level::Avx2;
    avx512: Level::Avx512;
    avx512vnni: Level::Avx512Vnni;
    neon: Level::Neon;
    neon_dotprod: Level::NeonDotProd;
}

#[test]
#[should_panic(expected = "symmetric")]
fn a_weight_of_minus_128_is_refused() {
    let shape = Shape { kind: Kind::Pointwise, inputs: 16, outputs: 16, size: [1, 1] };
    let _ = Kernels::detect().pack_int8(&shape, &[i8::MIN; 256], 0);
}
