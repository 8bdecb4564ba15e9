//! Products in mixed precision: the CPU's own against plain Rust, and both against single precision.

#[path = "common/numbers.rs"]
mod numbers;

use mfn_kernels::conv::mixed::pairs;
use mfn_kernels::conv::{Backward, Input, Kind, Mixed, Norm, Shape, Weights};
use mfn_kernels::{Kernels, Level};
use numbers::Numbers;
use proptest::prelude::*;

/// Few under an emulator, which is 30 to 60 times slower.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 8 } else { 48 };

/// One layer's numbers.
#[derive(Debug)]
struct Case {
    shape: Shape,
    x: Vec<f32>,
    weight: Vec<f32>,
    raw: Vec<f32>,
    gradient: Vec<f32>,
    means: Vec<f32>,
    residual: Vec<f32>,
    /// Norm vectors before and behind: inverse, offset, gamma, beta, slope.
    norms: [Vec<Vec<f32>>; 2],
    lazy: bool,
}

/// What both directions give.
#[derive(Default)]
struct Results {
    out: Vec<f32>,
    sums: Vec<f32>,
    weight_sums: Vec<f32>,
    input_gradient: Vec<f32>,
    input_sums: Vec<f32>,
}

impl Case {
    fn new(blocks: [usize; 2], size: [usize; 2], lazy: bool, numbers: &mut Numbers) -> Self {
        let [inputs, outputs] = blocks.map(|blocks| 16 * blocks);
        let shape = Shape { kind: Kind::Pointwise, inputs, outputs, size };
        let norms = [inputs, outputs].map(|channels| (0..5).map(|_| numbers.many(channels)).collect());
        Self {
            shape,
            x: numbers.many(shape.input_len()),
            weight: numbers.many(shape.weight_len()),
            raw: numbers.many(shape.output_len()),
            gradient: numbers.many(shape.output_len()),
            means: numbers.many(2 * outputs),
            residual: numbers.many(shape.input_len()),
            norms,
            lazy,
        }
    }

    fn norm(&self, at: usize) -> Norm<'_> {
        let [inverse, offset, gamma, beta, slope] = &self.norms[at][..] else { unreachable!() };
        Norm { inverse, offset, gamma, beta, slope }
    }

    fn input(&self) -> Input<'_> {
        Input { data: &self.x, norm: self.lazy.then(|| self.norm(0)) }
    }

    fn packed(&self) -> [Vec<f32>; 2] {
        let mut packed = [(); 2].map(|()| vec![0.0; self.shape.packed_len()]);
        self.shape.pack(&self.weight, &mut packed[0]);
        self.shape.pack_transposed(&self.weight, &mut packed[1]);
        packed
    }

    fn results(&self) -> Results {
        let shape = &self.shape;
        Results {
            out: vec![f32::NAN; shape.output_len()],
            sums: vec![0.0; 2 * shape.outputs],
            weight_sums: vec![0.5; shape.packed_len()],
            input_gradient: vec![f32::NAN; shape.input_len()],
            input_sums: vec![0.0; 3 * shape.inputs],
        }
    }

    fn run(&self, weights: [Weights<'_>; 2]) -> Results {
        let k = Kernels::at(Level::Scalar).expect("plain Rust is everywhere");
        let (mut r, mut scratch) = (self.results(), vec![f32::NAN; 100]);
        let [forward, weights] = weights;
        k.conv_train(&self.shape, self.input(), forward, &mut r.out, &mut r.sums, &mut scratch);
        let job = Backward {
            shape: &self.shape,
            input: self.input(),
            raw: &self.raw,
            norm: self.norm(1),
            means: &self.means,
            gradient: &self.gradient,
            weights,
            weight_sums: &mut r.weight_sums,
            input_gradient: Some(&mut r.input_gradient),
            residual: Some(&self.residual),
            input_sums: &mut r.input_sums,
        };
        k.conv_backward(job, &mut scratch);
        r
    }

    fn mixed(&self, mixed: Mixed) -> Results {
        let weights = self.packed().map(|packed| {
            let mut out = vec![0; packed.len() / 2];
            pairs(&packed, &mut out);
            out
        });
        self.run([0, 1].map(|i| Weights::Mixed(mixed, &weights[i])))
    }

    fn single(&self) -> Results {
        let weights = self.packed();
        self.run([0, 1].map(|i| Weights::Single(&weights[i])))
    }
}

impl Results {
    #[track_caller]
    fn close(&self, other: &Self, tolerance: f32) {
        let all =
            |r: &Self| [&r.out, &r.sums, &r.weight_sums, &r.input_gradient, &r.input_sums].map(Vec::clone);
        let names = ["out", "sums", "weights' gradient", "input's gradient", "sums before"];
        for ((name, got), expected) in names.into_iter().zip(all(self)).zip(all(other)) {
            let scale = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
            for (i, (a, b)) in got.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() <= tolerance * scale, "{name}[{i}]: {a} for {b}, scale {scale}");
            }
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    (1usize..5, 1usize..6, 1usize..19, 1usize..19, any::<bool>(), any::<u32>()).prop_map(
        |(inputs, outputs, height, width, lazy, seed)| {
            Case::new([inputs, outputs], [height, width], lazy, &mut Numbers(seed))
        },
    )
}

impl Case {
    /// All numbers to eighths, of which norms are exact: in either order, with fused products or without, they give the
    /// products the same factors, which still have more bits than a bfloat16.
    fn coarse(mut self) -> Self {
        let Self { x, weight, raw, gradient, means, residual, norms, .. } = &mut self;
        let maps = [x, weight, raw, gradient, means, residual];
        for value in maps.into_iter().chain(norms.iter_mut().flatten()).flatten() {
            *value = (8.0 * *value).round() / 8.0;
        }
        self
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_cpu_multiplies_as_plain_rust(case in cases()) {
        let case = case.coarse();
        match Mixed::native() {
            Some(native) => case.mixed(native).close(&case.mixed(Mixed::plain()), 2e-5),
            None => println!("skipped: this CPU lacks AVX-512 BF16"),
        }
    }

    #[test]
    fn only_rounding_lies_between_mixed_and_single_precision(case in cases()) {
        // Eight bits of each of two factors, 2^-8 together, and sums of many of either sign.
        case.mixed(Mixed::plain()).close(&case.single(), 1.0 / 128.0);
    }

    #[test]
    fn what_needs_no_rounding_is_the_same(case in cases()) {
        let case = Case { lazy: false, ..case.coarse() };
        let (mixed, single) = (case.mixed(Mixed::plain()), case.single());
        for (a, b) in mixed.out.iter().zip(&single.out) {
            prop_assert!((a - b).abs() <= 2e-5 * (1.0 + b.abs()), "{a} for {b}");
        }
    }
}

#[test]
#[should_panic(expected = "only 1x1")]
fn other_convolutions_are_refused() {
    let shape = Shape { kind: Kind::Planes { stride: 1, fan: 1 }, inputs: 16, outputs: 16, size: [2, 2] };
    let (mut out, mut sums) = (vec![0.0; 64], vec![0.0; 32]);
    let input = Input { data: &[0.0; 64], norm: None };
    let weights = Weights::Mixed(Mixed::plain(), &[0; 72]);
    Kernels::detect().conv_train(&shape, input, weights, &mut out, &mut sums, &mut Vec::new());
}
