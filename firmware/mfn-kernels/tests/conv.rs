//! One set of properties for the convolution kernels of every instruction set: against plain loops, over shapes with
//! odd sizes and tails, from data off its alignment.

#[macro_use]
mod common;
#[path = "common/numbers.rs"]
mod numbers;

use mfn_kernels::conv::{Backward, Fused, Input, Kind, Layer, Norm, Shape, Weights, reference};
use mfn_kernels::{Kernels, Level};
use numbers::Numbers;
use proptest::prelude::*;

/// Few under an emulator, which is 30 to 60 times slower.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 12 } else { 96 };

/// A layer's norm with its own storage, in plain channel order.
struct OwnNorm {
    inverse: Vec<f32>,
    offset: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    slope: Vec<f32>,
}

impl OwnNorm {
    fn new(channels: usize, activation: bool, numbers: &mut Numbers) -> Self {
        Self {
            inverse: numbers.many(channels).iter().map(|x| x.abs() + 0.5).collect(),
            offset: numbers.many(channels),
            gamma: numbers.many(channels),
            beta: numbers.many(channels),
            slope: if activation { numbers.many(channels) } else { Vec::new() },
        }
    }
    fn view(&self) -> Norm<'_> {
        Norm {
            inverse: &self.inverse,
            offset: &self.offset,
            gamma: &self.gamma,
            beta: &self.beta,
            slope: &self.slope,
        }
    }
    fn slope(&self, c: usize) -> f32 {
        self.slope.get(c).copied().unwrap_or(1.0)
    }
    /// `n` and `u` of a raw value.
    fn normal(&self, c: usize, z: f32) -> (f32, f32) {
        let n = z * self.inverse[c] + self.offset[c];
        (n, n * self.gamma[c] + self.beta[c])
    }
    fn forward(&self, plain: &[f32]) -> Vec<f32> {
        let pixels = plain.len() / self.gamma.len();
        let one = |(at, &z): (usize, &f32)| {
            let (c, u) = (at / pixels, self.normal(at / pixels, z).1);
            u.max(0.0) + self.slope(c) * u.min(0.0)
        };
        plain.iter().enumerate().map(one).collect()
    }
    /// The three sums, and with `means` the raw output's gradient.
    fn backward(&self, plain: &[f32], dy: &[f32], means: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let channels = self.gamma.len();
        let pixels = plain.len() / channels;
        let (mut sums, mut dz) = (vec![0.0; 3 * channels], Vec::new());
        for (at, (&z, &dy)) in plain.iter().zip(dy).enumerate() {
            let c = at / pixels;
            let (n, u) = self.normal(c, z);
            let du = if u > 0.0 { dy } else { dy * self.slope(c) };
            sums[c] += du;
            sums[channels + c] += du * n;
            sums[2 * channels + c] += dy * u.min(0.0);
            dz.push(self.gamma[c] * self.inverse[c] * (du - means[c] - n * means[channels + c]));
        }
        (sums, dz)
    }
}

/// The slice, moved off its alignment by one value.
fn misaligned(values: &[f32]) -> Vec<f32> {
    [&[0.0], values].concat()
}

#[track_caller]
fn close(what: &str, got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 2e-5 * scale, "{what}[{i}]: {a} for {b}, scale {scale}");
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let side = || 1usize..19;
    let of = |kind, inputs: usize, outputs: usize, size| Shape { kind, inputs, outputs, size };
    let fans = proptest::sample::select(vec![1usize, 2, 4, 8, 16]);
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

/// Blocked form of a layer's input.
fn input_form(shape: &Shape, plain: &[f32]) -> Vec<f32> {
    if shape.kind == Kind::Stem { plain.to_vec() } else { reference::block(plain, shape.inputs) }
}

fn training_matches(k: Kernels) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(shape in shapes(), seed: u32, lazy: bool, activation: bool, residual: bool)| {
        let lazy = lazy && shape.kind != Kind::Stem;
        train_one(k, &shape, &mut Numbers(seed), lazy, activation, residual);
    });
}

/// The convolution and the sums of its outputs and their squares.
fn forward_matches(k: Kernels, shape: &Shape, input: Input<'_>, weight: &[f32], raw: &[f32]) {
    let mut packed = vec![0.0; shape.packed_len()];
    shape.pack(weight, &mut packed);
    let (mut out, mut sums) = (vec![f32::NAN; shape.output_len() + 1], vec![0.0; 2 * shape.outputs]);
    k.conv_train(
        shape,
        input,
        Weights::Single(&packed),
        &mut out[1..],
        &mut sums,
        &mut vec![f32::NAN; 100_000],
    );
    close("raw", &out[1..], &reference::block(raw, shape.outputs));
    let pixels = raw.len() / shape.outputs;
    let of = |f: fn(&f32) -> f32| raw.chunks(pixels).map(|c| c.iter().map(f).sum()).collect::<Vec<f32>>();
    close("sums", &sums, &[of(|x| *x), of(|x| x * x)].concat());
}

fn train_one(k: Kernels, shape: &Shape, numbers: &mut Numbers, lazy: bool, activation: bool, residual: bool) {
    let before = OwnNorm::new(shape.inputs, activation, numbers);
    let plain = numbers.many(shape.input_len());
    let weight = numbers.many(shape.weight_len());
    let x = if lazy { before.forward(&plain) } else { plain.clone() };
    let raw = reference::convolve(shape, &x, &weight);

    let stored = misaligned(&input_form(shape, &plain));
    let input = Input { data: &stored[1..], norm: lazy.then(|| before.view()) };
    forward_matches(k, shape, input, &weight, &raw);

    let norm = OwnNorm::new(shape.outputs, activation, numbers);
    let dy = numbers.many(shape.output_len());
    let means = numbers.many(2 * shape.outputs);
    let (own_sums, dz) = norm.backward(&raw, &dy, &means);
    let mut got = vec![0.0; 3 * shape.outputs];
    let (raw, gradient) = (reference::block(&raw, shape.outputs), reference::block(&dy, shape.outputs));
    k.conv_reduce(&raw, &norm.view(), &gradient, &mut got);
    close("norm's sums", &got, &own_sums);

    let wants = shape.kind != Kind::Stem;
    let residual = (residual && wants).then(|| numbers.many(shape.input_len()));
    let mut dx = wants.then(|| vec![f32::NAN; shape.input_len()]);
    let residual_form = residual.as_ref().map(|r| input_form(shape, r));
    let (mut weight_sums, mut input_sums) = (vec![0.0; shape.packed_len()], vec![0.0; 3 * shape.inputs]);
    let (mut packed, mut scratch) = (vec![0.0; shape.packed_len()], vec![f32::NAN; 100_000]);
    shape.pack_transposed(&weight, &mut packed);
    k.conv_backward(
        Backward {
            shape,
            input,
            raw: &raw,
            norm: norm.view(),
            means: &means,
            gradient: &gradient,
            weights: Weights::Single(&packed),
            weight_sums: &mut weight_sums,
            input_gradient: dx.as_deref_mut(),
            residual: residual_form.as_deref(),
            input_sums: &mut input_sums,
        },
        &mut scratch,
    );
    let mut dw = vec![0.0; shape.weight_len()];
    shape.unpack(&weight_sums, &mut dw);
    close("weight gradient", &dw, &reference::weight_gradient(shape, &x, &dz));
    let Some(dx) = dx else { return };
    let mut expected = reference::input_gradient(shape, &dz, &weight);
    for (e, r) in expected.iter_mut().zip(residual.iter().flatten()) {
        *e += r;
    }
    close("input gradient", &dx, &input_form(shape, &expected));
    if lazy {
        let means = vec![0.0; 2 * shape.inputs];
        close("sums before", &input_sums, &before.backward(&plain, &expected, &means).0);
    }
}

fn inference_matches(k: Kernels) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(shape in shapes(), seed: u32, activation: bool, residual: bool)| {
        infer_one(k, &shape, &mut Numbers(seed), activation, residual);
    });
}

/// Every end of a tile or row, and every number of rounds of an inner loop up to a few.
fn tails_match(k: Kernels) {
    let numbers = &mut Numbers(5);
    for (blocks, pixels) in (1..=5).flat_map(|blocks| (1..=9).map(move |pixels| (blocks, pixels))) {
        let shape = Shape { kind: Kind::Pointwise, inputs: 16 * blocks, outputs: 32, size: [1, pixels] };
        infer_one(k, &shape, numbers, pixels % 2 == 0, pixels % 3 == 0);
    }
    for (stride, height, width) in (2..=7).flat_map(|i| (1..=13).map(move |width| (i % 2 + 1, i / 2, width)))
    {
        let shape =
            Shape { kind: Kind::Planes { stride, fan: 1 }, inputs: 32, outputs: 32, size: [height, width] };
        infer_one(k, &shape, numbers, true, false);
    }
}

fn infer_one(k: Kernels, shape: &Shape, numbers: &mut Numbers, activation: bool, residual: bool) {
    let (x, weight) = (numbers.many(shape.input_len()), numbers.many(shape.weight_len()));
    let (bias, bend) = (numbers.many(shape.outputs), numbers.many(shape.outputs));
    let residual = if residual { numbers.many(shape.output_len()) } else { Vec::new() };
    let pixels = shape.output_len() / shape.outputs;
    let mut expected = reference::convolve(shape, &x, &weight);
    for (at, value) in expected.iter_mut().enumerate() {
        let (c, z) = (at / pixels, *value + bias[at / pixels]);
        let y = if activation { z + bend[c] * z.min(0.0) } else { z };
        *value = y + residual.get(at).copied().unwrap_or(0.0);
    }
    let mut packed = vec![0.0; shape.packed_len()];
    shape.pack(&weight, &mut packed);
    let residual = reference::block(&residual, shape.outputs);
    let fused = Fused { bias: &bias, bend: if activation { &bend } else { &[] }, residual: &residual };
    let mut out = vec![f32::NAN; shape.output_len()];
    k.conv_infer(shape, &input_form(shape, &x), &packed, fused, &mut out, &mut Vec::new());
    close("output", &out, &reference::block(&expected, shape.outputs));
}

/// A 1x1 convolution and planes: up to 16 blocks and 64 columns between, which is one row of output a band.
fn pairs() -> impl Strategy<Value = [Shape; 2]> {
    let planes = prop_oneof![Just((2, 1)), Just((1, 1)), Just((1, 2)), Just((1, 4))];
    (1..=3usize, 1..=16usize, 1..=9usize, 1..=64usize, planes).prop_map(
        |(inputs, blocks, height, width, (stride, fan))| {
            let (size, outputs) = ([height, width], 16 * blocks);
            let first = Shape { kind: Kind::Pointwise, inputs: 16 * inputs, outputs, size };
            [first, Shape { kind: Kind::Planes { stride, fan }, inputs: outputs, outputs, size }]
        },
    )
}

fn pairs_match(k: Kernels) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(shapes in pairs(), seed: u32, residual: bool)| {
        pair_one(k, &shapes, &mut Numbers(seed), residual);
    });
}

/// Against the two layers one after the other.
fn pair_one(k: Kernels, [first, second]: &[Shape; 2], numbers: &mut Numbers, residual: bool) {
    let x = numbers.many(first.input_len());
    let mut make =
        |shape: &Shape| [shape.packed_len(), shape.outputs, shape.outputs].map(|length| numbers.many(length));
    let (one, two) = (make(first), make(second));
    let residual = if residual { numbers.many(second.output_len()) } else { Vec::new() };
    let layers = [
        Layer {
            shape: first,
            weights: &one[0],
            fused: Fused { bias: &one[1], bend: &one[2], residual: &[] },
        },
        Layer {
            shape: second,
            weights: &two[0],
            fused: Fused { bias: &two[1], bend: &two[2], residual: &residual },
        },
    ];
    let mut scratch = Vec::new();
    let [mut between, mut expected, mut out] =
        [first.output_len(), second.output_len(), second.output_len()].map(|length| vec![f32::NAN; length]);
    k.conv_infer(first, &x, layers[0].weights, layers[0].fused, &mut between, &mut scratch);
    k.conv_infer(second, &between, layers[1].weights, layers[1].fused, &mut expected, &mut scratch);
    k.conv_pair(layers, &x, &mut out, &mut scratch);
    assert!(out == expected, "{first:?} and {second:?}");
}

fn normalise_matches(k: Kernels) {
    let mut numbers = Numbers(7);
    for (channels, pixels) in [(16, 1), (48, 5), (64, 49)] {
        let norm = OwnNorm::new(channels, pixels != 5, &mut numbers);
        let raw = numbers.many(channels * pixels);
        let residual = if pixels == 1 { Vec::new() } else { numbers.many(channels * pixels) };
        let mut expected = norm.forward(&raw);
        for (e, r) in expected.iter_mut().zip(&residual) {
            *e += r;
        }
        let mut out = vec![f32::NAN; raw.len()];
        let residual = reference::block(&residual, channels);
        k.conv_normalise(&reference::block(&raw, channels), &norm.view(), &residual, &mut out);
        close("normalised", &out, &reference::block(&expected, channels));
    }
}

variants! {
    {
        tails: tails_match;
        training: training_matches;
        inference: inference_matches;
        pairs: pairs_match;
        normalise: normalise_matches;
    }
    scalar: Level::Scalar;
    avx2: Level::Avx2;
    avx512: Level::Avx512;
    neon: Level::Neon;
}
