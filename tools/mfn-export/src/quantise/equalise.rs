//! Channels brought to like ranges, so that one step fits all of a tensor (Nagel et al. 2019, "Data-Free
//! Quantization Through Weight Equalization and Bias Correction"; the exponent from SmoothQuant, Xiao et al. 2023).
//!
//! A channel's values can be divided by any positive number if the weights that read them are multiplied by it:
//! PReLU and sums let it through. Where only depthwise layers read a tensor this costs nothing, since each of
//! their channels has a step of its own.

use super::network::{Layer, Network, Op};
use super::observe::SeenTensors;
use std::collections::HashMap;

/// How much of the difference between channels goes from the activations into the weights that read them. All of
/// it would be best for the activations alone. Of 0.5, 0.75 and 1 the second left the templates of a MobileFaceNet
/// (278,000 images) nearest to fp32: 1 - cosine is 0.00115, 0.00105 and 0.00120.
const SHARE: f32 = 0.75;
/// Channels that are smaller than the largest by more than this are not raised further.
const LOWEST: f32 = 1e-3;

/// Divides every channel by a number of its own, but for input and outputs of the network and what reaches them, or
/// another operator that is no layer and no resizing, without a layer between.
pub fn equalise(network: &mut Network, seen: &SeenTensors) {
    let classes = classes(network);
    let ends = std::iter::once(&network.input).chain(&network.outputs).map(|(name, _)| name);
    let others =
        network.ops.iter().filter_map(|op| if let Op::Other(node, _) = op { Some(node) } else { None });
    let bent = others.filter(|node| node.op_type != "Resize").flat_map(|node| &node.output);
    let fixed: Vec<usize> = ends.chain(bent).map(|name| classes[name]).collect();
    let mut all: Vec<usize> = classes.values().copied().collect();
    all.sort_unstable();
    all.dedup();
    for class in all.into_iter().filter(|class| !fixed.contains(class)) {
        let tensors: Vec<&str> =
            classes.iter().filter(|(_, c)| **c == class).map(|(n, _)| n.as_str()).collect();
        let divisors = divisors(network, &tensors, seen);
        for layer in network.layers_mut() {
            if tensors.contains(&layer.out.as_str()) {
                divide_rows(layer, &divisors);
            }
            if tensors.contains(&layer.x.as_str()) {
                for_each_column(layer, divisors.len(), |weight, channel| *weight *= divisors[channel]);
            }
        }
    }
}

/// Tensors that must keep the same divisors have the same number: those that anything but a layer connects.
fn classes(network: &Network) -> HashMap<String, usize> {
    let names = std::iter::once(network.input.0.as_str()).chain(network.ops.iter().flat_map(Op::outs));
    let mut classes: HashMap<String, usize> = names.enumerate().map(|(i, n)| (n.to_string(), i)).collect();
    for op in network.ops.iter().filter(|op| !matches!(op, Op::Layer(_))) {
        let mut connected = op.outs();
        connected.extend(op.reads());
        let class = classes[connected[0]];
        for old in connected.iter().map(|name| classes[*name]).collect::<Vec<_>>() {
            classes.values_mut().filter(|c| **c == old).for_each(|c| *c = class);
        }
    }
    classes
}

fn divisors(network: &Network, tensors: &[&str], seen: &SeenTensors) -> Vec<f32> {
    let seen = tensors.iter().filter_map(|name| seen.get(*name));
    let values = seen.fold(Vec::new(), |mut all: Vec<f32>, seen| {
        let ranges = seen.ranges();
        all.resize(ranges.len(), 0.0);
        all.iter_mut().zip(&ranges).for_each(|(a, b)| *a = a.max(*b));
        all
    });
    let mut weights = vec![0.0_f32; values.len()];
    let mut mixing = false;
    for layer in network.layers().filter(|l| tensors.contains(&l.x.as_str())) {
        mixing |= layer.shape[1] > 1;
        let mut columns = layer.clone();
        // What counts is a weight's share of its row, which decides the step.
        for row in columns.weight.chunks_mut(layer.row()) {
            let largest = row.iter().fold(f32::MIN_POSITIVE, |m, w| m.max(w.abs()));
            row.iter_mut().for_each(|w| *w = w.abs() / largest);
        }
        for_each_column(&mut columns, values.len(), |w, c| weights[c] = weights[c].max(*w));
    }
    let (values, weights) = (relative(&values), relative(&weights));
    let one = |(x, w): (&f32, &f32)| if mixing { x.powf(SHARE) / w.powf(1.0 - SHARE) } else { *x };
    values.iter().zip(&weights).map(one).collect()
}

/// As shares of the largest, none too small.
fn relative(values: &[f32]) -> Vec<f32> {
    let largest = values.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(*v));
    values.iter().map(|v| (v / largest).max(LOWEST)).collect()
}

fn divide_rows(layer: &mut Layer, divisors: &[f32]) {
    let row = layer.row();
    for (channel, divisor) in divisors.iter().enumerate() {
        layer.weight[channel * row..][..row].iter_mut().for_each(|w| *w /= divisor);
        layer.bias[channel] /= divisor;
    }
}

/// Calls `visit` for each weight with the input channel that it reads, of `channels`.
pub fn for_each_column(layer: &mut Layer, channels: usize, mut visit: impl FnMut(&mut f32, usize)) {
    let (row, outputs_per_group) = (layer.row(), layer.channels() / layer.groups);
    // Taps of a kernel, or places of a map that was flattened.
    let places = (row * layer.groups / channels).max(1);
    for (output, weights) in layer.weight.chunks_mut(row).enumerate() {
        let first = output / outputs_per_group * (row / places);
        weights.iter_mut().enumerate().for_each(|(i, weight)| visit(weight, first + i / places));
    }
}
