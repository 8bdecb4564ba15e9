//! The kernels against the composition of burn's own operations, and both against finite differences.

use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, ops::FloatTensorOps, tensor::FloatTensor};
use burn::tensor::{Device, Shape, Tensor, TensorData};
use mfn_train_ops::{ChainOps, ChainSpec, Conv, LayerSpec, composition, from_blocked, to_blocked};

type Train = Autodiff<Flex>;

/// Small numbers without a pattern, the same for the same seed.
fn numbers(seed: u32, n: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn spec(layers: &[(Conv, bool)], residual: bool) -> ChainSpec {
    let layer = |&(conv, activation)| LayerSpec { conv, activation };
    ChainSpec { layers: layers.iter().map(layer).collect(), residual }
}

/// The chains of both networks at a small size, each with the shape of its input.
fn chains() -> Vec<(&'static str, ChainSpec, Vec<usize>)> {
    let conv = |conv: Result<Conv, _>| conv.unwrap();
    let block = |i, e, o, stride| {
        let layers = [
            (conv(Conv::pointwise(i, e)), true),
            (conv(Conv::depthwise(e, stride)), true),
            (conv(Conv::pointwise(e, o)), false),
        ];
        spec(&layers, stride == 1)
    };
    let stem = |c| spec(&[(conv(Conv::stem(c)), true), (conv(Conv::grouped(c, 16)), true)], false);
    let head = [(conv(Conv::pointwise(32, 64)), true), (conv(Conv::global(64)), false)];
    vec![
        ("stem of scale 1", stem(16), vec![3, 3, 14, 18]),
        ("stem of scale 2", stem(32), vec![3, 3, 15, 14]),
        ("block", block(32, 64, 32, 1), vec![3, 2, 9, 7, 16]),
        ("block of stride 2", block(16, 48, 32, 2), vec![3, 1, 14, 15, 16]),
        ("head", spec(&head, false), vec![5, 2, 7, 7, 16]),
    ]
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FloatTensor<Train> {
    Train::float_from_data(TensorData::new(values, shape), &Default::default())
}

fn values<B: Backend>(tensor: FloatTensor<B>) -> Vec<f32> {
    let data = burn::tensor::read_sync(B::float_into_data(tensor)).unwrap();
    data.iter::<f32>().collect()
}

struct Outcome {
    output: Vec<f32>,
    statistics: Vec<f32>,
    input_gradient: Option<Vec<f32>>,
    parameter_gradient: Vec<f32>,
}

type Operation =
    fn(FloatTensor<Train>, FloatTensor<Train>, ChainSpec) -> (FloatTensor<Train>, FloatTensor<Train>);

fn parameters(spec: &ChainSpec) -> Vec<f32> {
    let len = spec.ranges().last().map_or(0, |last| last.slope.end);
    let mut all = numbers(3, len);
    for ranges in spec.ranges() {
        all[ranges.gamma].iter_mut().for_each(|gamma| *gamma = 0.6 + 0.4 * *gamma);
    }
    all
}

/// Runs the chain and the way back from the loss `sum(output * weights)`.
fn run(operation: Operation, spec: &ChainSpec, shape: &[usize], stem: bool) -> Outcome {
    let count = shape.iter().product();
    let input = tensor(numbers(1, count), shape.to_vec());
    let input = if stem { input } else { Train::float_set_require_grad(input, true) };
    let parameters = Train::float_set_require_grad(tensor(parameters(spec), [parameters(spec).len()]), true);
    let (output, statistics) = operation(input.clone(), parameters.clone(), spec.clone());
    let output_values = values::<Train>(output.clone());
    let weights = tensor(numbers(5, output_values.len()), burn::backend::TensorMetadata::shape(&output));
    let grads = Train::backward(Train::float_sum(Train::float_mul(output, weights)));
    Outcome {
        output: output_values,
        statistics: values::<Train>(statistics),
        input_gradient: Train::grad(&input, &grads).map(values::<Flex>),
        parameter_gradient: values::<Flex>(Train::grad(&parameters, &grads).unwrap()),
    }
}

#[track_caller]
fn close(what: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}[{i}]: {a} for {b}, scale {scale}");
    }
}

#[test]
fn kernels_equal_the_composition() {
    for (name, spec, shape) in chains() {
        let stem = shape.len() == 4;
        let own = run(Train::chain, &spec, &shape, stem);
        let reference = run(|x, p, s| composition::chain::<Train>(x, p, &s), &spec, &shape, stem);
        close(&format!("{name}: output"), &own.output, &reference.output, 1e-5);
        close(&format!("{name}: statistics"), &own.statistics, &reference.statistics, 1e-5);
        // Each parameter's gradient against its own kind: they differ in size by powers of ten.
        for (i, ranges) in spec.ranges().into_iter().enumerate() {
            for range in [ranges.weight, ranges.gamma, ranges.beta, ranges.slope] {
                let what = format!("{name}: parameters {range:?} of layer {i}");
                let (own, reference) = (&own.parameter_gradient, &reference.parameter_gradient);
                close(&what, &own[range.clone()], &reference[range], 5e-5);
            }
        }
        assert_eq!(own.input_gradient.is_some(), !stem, "{name}");
        if let (Some(own), Some(reference)) = (own.input_gradient, reference.input_gradient) {
            close(&format!("{name}: input gradient"), &own, &reference, 5e-5);
        }
    }
}

/// The same chain with its 1x1 convolutions in mixed precision.
fn in_mixed_precision(spec: &ChainSpec) -> ChainSpec {
    let mixed = |layer: &LayerSpec| LayerSpec { conv: layer.conv.mixed(), ..*layer };
    ChainSpec { layers: spec.layers.iter().map(mixed).collect(), ..spec.clone() }
}

#[test]
fn evaluation_is_in_single_precision_whatever_training_was_in() {
    for (name, spec, shape) in chains() {
        let count = shape.iter().product();
        let all = parameters(&spec);
        let input = tensor(numbers(1, count), shape);
        let parameters = tensor(all.clone(), [all.len()]);
        let (_, statistics) = Train::chain(input.clone(), parameters.clone(), spec.clone());
        let evaluate = |spec: ChainSpec| {
            let output = Train::evaluate_chain(input.clone(), parameters.clone(), statistics.clone(), spec);
            values::<Train>(output)
        };
        assert!(evaluate(in_mixed_precision(&spec)) == evaluate(spec.clone()), "{name}");
    }
}

#[test]
fn only_rounding_lies_between_mixed_and_single_precision() {
    for (name, spec, shape) in chains() {
        let stem = shape.len() == 4;
        let mixed = run(Train::chain, &in_mixed_precision(&spec), &shape, stem);
        let single = run(Train::chain, &spec, &shape, stem);
        near(&format!("{name}: output"), &mixed.output, &single.output);
        near(&format!("{name}: statistics"), &mixed.statistics, &single.statistics);
        for range in spec.ranges().into_iter().flat_map(|r| [r.weight, r.gamma, r.beta, r.slope]) {
            let what = format!("{name}: parameters {range:?}");
            let (mixed, single) = (&mixed.parameter_gradient, &single.parameter_gradient);
            near(&what, &mixed[range.clone()], &single[range]);
        }
        if let (Some(mixed), Some(single)) = (mixed.input_gradient, single.input_gradient) {
            near(&format!("{name}: input gradient"), &mixed, &single);
        }
    }
}

/// The difference's length against the whole. A factor's rounding is 2^-9 at most, but few numbers a batch norm and bends
/// of random slopes make more of it: as large a change of the weights alone moves these gradients by up to 16 %.
#[track_caller]
fn near(what: &str, got: &[f32], expected: &[f32]) {
    let length = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
    let off = length(&mut got.iter().zip(expected).map(|(a, b)| a - b));
    let whole = length(&mut expected.iter().copied());
    assert!(off <= 0.15 * whole, "{what}: off by {off} of {whole}");
}

/// The loss along a line through the parameters, in double precision where it is summed.
fn loss(spec: &ChainSpec, shape: &[usize], direction: &[f32], step: f32) -> f64 {
    let moved = parameters(spec).iter().zip(direction).map(|(p, d)| p + step * d).collect::<Vec<_>>();
    let count = shape.iter().product();
    let len = moved.len();
    let (output, _) =
        Train::chain(tensor(numbers(1, count), shape.to_vec()), tensor(moved, [len]), spec.clone());
    let output = values::<Train>(output);
    let weights = numbers(5, output.len());
    output.iter().zip(weights).map(|(y, w)| f64::from(*y) * f64::from(w)).sum()
}

#[test]
fn gradients_equal_finite_differences() {
    for (name, spec, shape) in chains() {
        let outcome = run(Train::chain, &spec, &shape, shape.len() == 4);
        for (i, ranges) in spec.ranges().into_iter().enumerate() {
            for range in [ranges.weight, ranges.gamma, ranges.beta, ranges.slope] {
                if range.is_empty() {
                    continue;
                }
                // Along the gradient of one parameter: there the slope is its length, the steepest there is.
                let gradient = &outcome.parameter_gradient;
                let length = gradient[range.clone()].iter().map(|g| g * g).sum::<f32>().sqrt();
                let inside = |(at, g): (usize, &f32)| if range.contains(&at) { g / length } else { 0.0 };
                let direction: Vec<f32> = gradient.iter().enumerate().map(inside).collect();
                let h = 2.5e-4;
                let difference = (loss(&spec, &shape, &direction, h) - loss(&spec, &shape, &direction, -h))
                    / f64::from(2.0 * h);
                let error = (difference / f64::from(length) - 1.0).abs();
                assert!(error < 0.02, "{name}, {range:?} of layer {i}: {difference} for {length}");
            }
        }
    }
}

#[test]
fn evaluation_with_the_batch_statistics_is_the_training_forward() {
    for (name, spec, shape) in chains() {
        let count = shape.iter().product();
        let all = parameters(&spec);
        let input = tensor(numbers(1, count), shape.clone());
        let parameters = tensor(all.clone(), [all.len()]);
        let (output, statistics) = Train::chain(input.clone(), parameters.clone(), spec.clone());
        let again =
            Train::evaluate_chain(input.clone(), parameters.clone(), statistics.clone(), spec.clone());
        let composed = composition::evaluate::<Train>(input, parameters, statistics, &spec);
        let output = values::<Train>(output);
        close(name, &values::<Train>(again), &output, 1e-5);
        close(name, &values::<Train>(composed), &output, 1e-5);
    }
}

#[test]
fn gradients_towards_an_image_come_from_the_composition() {
    let (_, spec, shape) = chains().swap_remove(0);
    assert!(run(Train::chain, &spec, &shape, false).input_gradient.is_some());
}

#[test]
fn blocked_and_back() {
    let device = Device::flex();
    let plain =
        Tensor::<1>::from_floats(numbers(1, 2 * 48 * 5 * 3).as_slice(), &device).reshape([2, 48, 5, 3]);
    let blocked = to_blocked(plain.clone());
    assert_eq!(blocked.dims(), [2, 3, 5, 3, 16]);
    let (channel, one) = (37, blocked.clone().slice([1..2, 2..3, 4..5, 0..1, 5..6]).into_scalar::<f32>());
    let same = plain.clone().slice([1..2, channel..channel + 1, 4..5, 0..1]).into_scalar::<f32>();
    assert_eq!(one, same);
    from_blocked(blocked).into_data().assert_eq(&plain.into_data(), true);
}
