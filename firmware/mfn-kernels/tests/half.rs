//! Properties of the kernels of 16 bits: the CPU's own and those in plain Rust give the same bits, and both what plain
//! loops over wide floats give but for rounding; over shapes with odd sizes and tails, from data off its alignment.

#[path = "common/numbers.rs"]
mod numbers;

use mfn_kernels::conv::half::{Halves, Layer, from_half, supports, to_half};
use mfn_kernels::conv::{Kind, Shape, reference};
use numbers::Numbers;
use proptest::prelude::*;

/// Few under an emulator, which is 30 to 60 times slower.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 48 } else { 128 };

fn shapes() -> impl Strategy<Value = Shape> {
    let side = || 1usize..19;
    let of = |kind, inputs: usize, outputs: usize, size| Shape { kind, inputs, outputs, size };
    let planes = proptest::sample::select(vec![(1usize, 1usize), (2, 1), (1, 2)]);
    prop_oneof![
        (1usize..12, 1usize..6, side(), side()).prop_map(move |(i, o, h, w)| of(
            Kind::Pointwise,
            16 * i,
            16 * o,
            [h, w]
        )),
        (1usize..4, planes, side(), side()).prop_map(move |(c, (stride, fan), h, w)| of(
            Kind::Planes { stride, fan },
            16 * c,
            16 * c,
            [h, w]
        )),
    ]
}

/// The bits of numbers, behind one that is not used.
fn bits(values: &[f32]) -> Vec<u16> {
    std::iter::once(0).chain(values.iter().map(|&x| to_half(x))).collect()
}

/// Numbers that 16 bits hold.
fn rounded(numbers: &mut Numbers, count: usize, size: f32) -> Vec<f32> {
    numbers.many(count).iter().map(|x| from_half(to_half(x * size))).collect()
}

/// A layer with what it reads and adds, in blocks.
struct Case {
    shape: Shape,
    layer: Layer,
    input: Vec<f32>,
    residual: Vec<f32>,
    expected: Vec<f32>,
    /// The sum of sizes that each output is made of.
    sizes: Vec<f32>,
}

fn case(shape: Shape, numbers: &mut Numbers, [activation, adds]: [bool; 2]) -> Case {
    let spread = (shape.weight_len() as f32 / shape.outputs as f32).sqrt().recip();
    let weight = rounded(numbers, shape.weight_len(), spread);
    let input = rounded(numbers, shape.input_len(), 3.0);
    let bias = rounded(numbers, shape.outputs, 1.0);
    let bend = rounded(numbers, if activation { shape.outputs } else { 0 }, 1.0);
    let residual = rounded(numbers, if adds { shape.output_len() } else { 0 }, 1.0);
    let pixels = shape.output_len() / shape.outputs;
    let size = |values: &[f32]| values.iter().map(|x| x.abs()).collect::<Vec<f32>>();
    let mut expected = reference::convolve(&shape, &input, &weight);
    let mut sizes = reference::convolve(&shape, &size(&input), &size(&weight));
    for (at, (y, size)) in expected.iter_mut().zip(&mut sizes).enumerate() {
        *y += bias[at / pixels];
        *y += bend.get(at / pixels).map_or(0.0, |bend| bend * y.min(0.0));
        *y += residual.get(at).copied().unwrap_or(0.0);
        *size = 2.0 * (*size + bias[at / pixels].abs()) + residual.get(at).copied().unwrap_or(0.0).abs();
    }
    let mut packed = vec![0.0; shape.packed_len()];
    shape.pack(&weight, &mut packed);
    let layer = Layer::new(shape, &packed, &bias, &bend).unwrap();
    let block = |values: &[f32]| reference::block(values, shape.outputs);
    let residual = if adds { block(&residual) } else { residual };
    let input = reference::block(&input, shape.inputs);
    Case { shape, layer, input, residual, expected: block(&expected), sizes: block(&sizes) }
}

fn run(halves: Halves, case: &Case) -> Vec<u16> {
    let mut out = vec![0xffff; case.shape.output_len() + 1];
    let residual = bits(&case.residual);
    halves.infer(&case.layer, &bits(&case.input)[1..], &residual[1..], &mut out[1..]);
    assert_eq!(out.remove(0), 0xffff, "in front of the output");
    out
}

#[test]
fn layers_are_their_sums_but_for_rounding() {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(shape in shapes(), seed: u32, parts: [bool; 2])| {
        let case = case(shape, &mut Numbers(seed), parts);
        let plain = run(Halves::plain(), &case);
        // Each of 128 products, of the sums of those, and of the steps behind them is rounded by half of 2^-10.
        for (i, (&got, (expected, size))) in plain.iter().zip(case.expected.iter().zip(&case.sizes)).enumerate() {
            let off = (from_half(got) - expected).abs();
            prop_assert!(off <= 0.01 * size + 1e-6, "{i} of {shape:?}: {} for {expected}", from_half(got));
        }
        let Some(native) = Halves::native() else { return Ok(()) };
        prop_assert_eq!(run(native, &case), plain);
    });
}

#[test]
fn the_cpus_own_instructions() {
    if Halves::native().is_none() {
        println!("skipped: this CPU lacks FP16; only plain Rust was tested");
    }
}

/// Both ways, everything: every number of 16 bits, and floats of every size.
#[test]
fn maps_change_their_form() {
    for halves in [Some(Halves::plain()), Halves::native()].into_iter().flatten() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        let mut floats = vec![0.0; all.len()];
        halves.widen(&all, &mut floats);
        assert!(all.iter().zip(&floats).all(|(&bits, value)| same(from_half(bits), *value)));
        let mut back = vec![0; all.len()];
        halves.narrow(&floats, &mut back);
        assert!(all.iter().zip(&back).all(|(&a, &b)| same(from_half(a), from_half(b))));

        let floats: Vec<f32> =
            (0..1 << 16).map(|i: u32| f32::from_bits(i.wrapping_mul(0x0001_0107))).collect();
        halves.narrow(&floats, &mut back);
        for (&value, &bits) in floats.iter().zip(&back) {
            assert!(same(from_half(to_half(value)), from_half(bits)), "{value} to {bits:#x}");
        }
    }
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// What is too large becomes infinite, and NaN and infinity stay what they are.
#[test]
fn what_is_not_finite() {
    let shape = Shape { kind: Kind::Pointwise, inputs: 16, outputs: 16, size: [3, 3] };
    let mut packed = vec![0.0; shape.packed_len()];
    shape.pack(&vec![1.0; shape.weight_len()], &mut packed);
    for halves in [Some(Halves::plain()), Halves::native()].into_iter().flatten() {
        for (value, slope, wanted) in [
            (60_000.0, 0.25, f32::INFINITY),
            (f32::INFINITY, 0.25, f32::INFINITY),
            (f32::NEG_INFINITY, 2.0, f32::NEG_INFINITY),
            (f32::NEG_INFINITY, 0.25, f32::NAN),
            (f32::NAN, 0.25, f32::NAN),
            (-4000.0, 0.25, -16_000.0),
        ] {
            let layer = Layer::new(shape, &packed, &[0.0; 16], &[slope - 1.0; 16]).unwrap();
            let mut out = vec![0; shape.output_len()];
            halves.infer(&layer, &vec![to_half(value); shape.input_len()], &[], &mut out);
            for bits in out {
                assert!(same(from_half(bits), wanted), "{value} gave {}, not {wanted}", from_half(bits));
            }
        }
    }
}

#[test]
fn a_part_has_its_own_outputs() {
    for kind in [Kind::Pointwise, Kind::Planes { stride: 1, fan: 2 }] {
        let shape = Shape { kind, inputs: 64, outputs: 64, size: [5, 9] };
        let case = case(shape, &mut Numbers(5), [true, false]);
        let (whole, blocks) = (run(Halves::plain(), &case), 1..3);
        let own = kind != Kind::Pointwise;
        let part = Shape { outputs: 32, inputs: if own { 32 } else { 64 }, ..shape };
        let input = bits(if own { &case.input[16 * 45..3 * 16 * 45] } else { &case.input });
        let mut out = vec![0; part.output_len()];
        Halves::plain().infer(&case.layer.part(part, &blocks), &input[1..], &[], &mut out);
        assert_eq!(out, whole[16 * 45..3 * 16 * 45]);
    }
}

#[test]
fn what_does_not_fit_gives_no_layer() {
    let shape = Shape { kind: Kind::Pointwise, inputs: 16, outputs: 16, size: [1, 1] };
    let layer = |weight: f32, bias: f32| Layer::new(shape, &[weight; 256], &[bias; 16], &[]);
    assert!(layer(65_504.0, -65_504.0).is_some());
    assert!(layer(70_000.0, 0.0).is_none() && layer(0.0, f32::NAN).is_none());
    let stem = Shape { kind: Kind::Stem, inputs: 3, outputs: 16, size: [4, 4] };
    assert!(!supports(&stem) && Layer::new(stem, &vec![0.0; stem.packed_len()], &[0.0; 16], &[]).is_none());
}
