//! The chain as a composition of burn's own operations: what backends without kernels run, and the reference
//! that the kernels are tested against.

use crate::conv::{ChainSpec, Conv, ConvKind, EPSILON, LayerRanges};
use crate::layout::BLOCK;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Shape, Slice, ops::ConvOptions};
use std::ops::Range;

/// Training mode: the output and the statistics vector.
pub fn chain<B: Backend>(
    input: FloatTensor<B>,
    parameters: FloatTensor<B>,
    spec: &ChainSpec,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let mut statistics = Vec::new();
    let output = run::<B>(input, parameters, spec, |raw| {
        let (mean, variance) = batch_statistics::<B>(raw);
        statistics.extend([vector::<B>(mean.clone()), vector::<B>(variance.clone())]);
        (mean, variance)
    });
    (output, B::float_cat(statistics, 0))
}

/// Evaluation mode, with the given statistics vector.
pub fn evaluate<B: Backend>(
    input: FloatTensor<B>,
    parameters: FloatTensor<B>,
    statistics: FloatTensor<B>,
    spec: &ChainSpec,
) -> FloatTensor<B> {
    let mut at = 0;
    run::<B>(input, parameters, spec, |raw| {
        let channels = raw.shape()[1];
        let mut take = || {
            at += channels;
            channel_wise::<B>(part::<B>(&statistics, at - channels..at))
        };
        (take(), take())
    })
}

/// Runs the layers; `statistics` gives mean and variance, `[1, C, 1, 1]`, of a raw output `[N, C, H, W]`.
fn run<B: Backend>(
    input: FloatTensor<B>,
    parameters: FloatTensor<B>,
    spec: &ChainSpec,
    mut statistics: impl FnMut(&FloatTensor<B>) -> (FloatTensor<B>, FloatTensor<B>),
) -> FloatTensor<B> {
    let stem = spec.layers[0].conv.kind() == ConvKind::Stem;
    let start = if stem { input } else { unblock::<B>(input) };
    let mut x = start.clone();
    for (layer, ranges) in spec.layers.iter().zip(spec.ranges()) {
        let raw = convolve::<B>(x, &parameters, &ranges, &layer.conv);
        let (mean, variance) = statistics(&raw);
        let get = |range: &Range<usize>| channel_wise::<B>(part::<B>(&parameters, range.clone()));
        let deviation = B::float_sqrt(B::float_add_scalar(variance, EPSILON.into()));
        let normal = B::float_div(B::float_sub(raw, mean), deviation);
        x = B::float_add(B::float_mul(normal, get(&ranges.gamma)), get(&ranges.beta));
        if layer.activation {
            x = prelu::<B>(x, get(&ranges.slope));
        }
    }
    block::<B>(if spec.residual { B::float_add(x, start) } else { x })
}

fn convolve<B: Backend>(
    x: FloatTensor<B>,
    parameters: &FloatTensor<B>,
    ranges: &LayerRanges,
    conv: &Conv,
) -> FloatTensor<B> {
    let weight = part::<B>(parameters, ranges.weight.clone());
    if conv.kind() == ConvKind::Pointwise {
        return matrix_product::<B>(x, weight, conv);
    }
    let weight = B::float_reshape(weight, Shape::from(conv.weight_shape()));
    let padding = conv.padding();
    let options = ConvOptions::new([conv.stride(); 2], [padding; 2], [1, 1], conv.groups());
    B::conv2d(x, weight, None, options)
}

/// A 1x1 convolution as `[out, in]` times `[N, in, H W]`: faster than the general convolution on most backends.
fn matrix_product<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>, conv: &Conv) -> FloatTensor<B> {
    let shape = x.shape();
    let (n, h, w) = (shape[0], shape[2], shape[3]);
    let columns = B::float_reshape(x, Shape::from([n, conv.inputs(), h * w]));
    let weight = B::float_reshape(weight, Shape::from([1, conv.outputs(), conv.inputs()]));
    B::float_reshape(B::float_matmul(weight, columns), Shape::from([n, conv.outputs(), h, w]))
}

/// `max(x, 0) - slope * max(-x, 0)`; the gradient at zero is the slope's side's, as in PyTorch.
fn prelu<B: Backend>(x: FloatTensor<B>, slope: FloatTensor<B>) -> FloatTensor<B> {
    let negative = B::relu(B::float_neg(x.clone()));
    B::float_sub(B::relu(x), B::float_mul(negative, slope))
}

/// Mean and biased variance over batch and space, `[1, C, 1, 1]` each.
fn batch_statistics<B: Backend>(x: &FloatTensor<B>) -> (FloatTensor<B>, FloatTensor<B>) {
    let mean = mean_over_batch_and_space::<B>(x.clone());
    let centred = B::float_sub(x.clone(), mean.clone());
    let variance = mean_over_batch_and_space::<B>(B::float_mul(centred.clone(), centred));
    (mean, variance)
}

fn mean_over_batch_and_space<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    [0, 2, 3].into_iter().fold(x, |x, dim| B::float_mean_dim(x, dim))
}

fn part<B: Backend>(vector: &FloatTensor<B>, range: Range<usize>) -> FloatTensor<B> {
    B::float_slice(vector.clone(), &[Slice::from(range)])
}

fn channel_wise<B: Backend>(vector: FloatTensor<B>) -> FloatTensor<B> {
    let channels = vector.shape()[0];
    B::float_reshape(vector, Shape::from([1, channels, 1, 1]))
}

fn vector<B: Backend>(map: FloatTensor<B>) -> FloatTensor<B> {
    let channels = map.shape()[1];
    B::float_reshape(map, Shape::from([channels]))
}

fn unblock<B: Backend>(map: FloatTensor<B>) -> FloatTensor<B> {
    let s = map.shape();
    let plain = Shape::from([s[0], s[1] * BLOCK, s[2], s[3]]);
    B::float_reshape(B::float_permute(map, &[0, 1, 4, 2, 3]), plain)
}

fn block<B: Backend>(map: FloatTensor<B>) -> FloatTensor<B> {
    let s = map.shape();
    let split = Shape::from([s[0], s[1] / BLOCK, BLOCK, s[2], s[3]]);
    B::float_permute(B::float_reshape(map, split), &[0, 1, 3, 4, 2])
}
