//! A convolution as several steps, each with some of the output channels, for threads.

use std::ops::Range;

use mfn_kernels::conv::{BLOCK, Buffer, Kind, Shape};

use super::int8::Int8;
use super::plan::{Layer, Place, Step, Work};

/// The step as up to `parts` steps of one round. What is no convolution is not worth it and stays whole.
pub(super) fn split(step: Step, parts: usize) -> Vec<Step> {
    let Some(shape) = shape(&step.work) else { return vec![step] };
    let blocks = shape.outputs / BLOCK;
    let parts = parts.min(blocks);
    if parts < 2 {
        return vec![step];
    }
    let bounds = |part: usize| part * blocks / parts..(part + 1) * blocks / parts;
    (0..parts).map(|number| part(&step, &shape, bounds(number))).collect()
}

fn shape(work: &Work) -> Option<Shape> {
    match work {
        Work::Convolution(layer) => Some(layer.shape),
        Work::Pair(layers) => Some(layers[1].shape),
        Work::Int8(step) => Some(step.shape),
        Work::Half(layer) => Some(*layer.shape()),
        _ => None,
    }
}

/// What makes these blocks of the output.
fn part(step: &Step, whole: &Shape, blocks: Range<usize>) -> Step {
    // Values of input and residual, and of the output, in the memory of an f32.
    let (read, added, written) = match &step.work {
        Work::Int8(step) => (4, if step.residual.is_some() { 4 } else { 1 }, 1),
        Work::Half(_) => (2, 2, 2),
        _ => (1, 1, 1),
    };
    let outputs = blocks.len() * BLOCK;
    let area = |[height, width]: [usize; 2]| height * width;
    let channels = |map: &Range<usize>, size: [usize; 2], per_float: usize| {
        let block = area(size) * BLOCK / per_float;
        if map.is_empty() {
            map.clone()
        } else {
            map.start + blocks.start * block..map.start + blocks.end * block
        }
    };
    let output = |map: &Range<usize>, per_float| channels(map, whole.output_size(), per_float);
    // One channel in, one channel out, or a group of them in a block: then a part needs only its own blocks, which the
    // first layer of a pair makes of all.
    let planes = matches!(whole.kind, Kind::Planes { .. } | Kind::Global);
    let from = match &step.from {
        Place::Memory(from) if planes && !matches!(step.work, Work::Pair(_)) => {
            Place::Memory(channels(from, whole.size, read))
        }
        from => from.clone(),
    };
    let shape = Shape { outputs, inputs: if planes { outputs } else { whole.inputs }, ..*whole };
    Step {
        work: work(&step.work, shape, &blocks),
        from,
        also: step.also.as_ref().map(|map| output(map, added)),
        to: output(&step.to, written),
        more: output(&step.more, 4),
    }
}

fn work(whole: &Work, shape: Shape, blocks: &Range<usize>) -> Work {
    match whole {
        Work::Convolution(whole) => Work::Convolution(layer(whole, shape, blocks)),
        Work::Pair(layers) => {
            let [first, second] = layers.as_ref();
            let dense = Shape { outputs: shape.outputs, ..first.shape };
            Work::Pair(Box::new([layer(first, dense, blocks), layer(second, shape, blocks)]))
        }
        Work::Int8(all) => {
            let own = |values: &Buffer| values.part(all.shape.outputs / BLOCK, blocks);
            Work::Int8(Box::new(Int8 {
                shape,
                packed: all.packed.part(shape, blocks),
                scale: own(&all.scale),
                bias: own(&all.bias),
                bend: own(&all.bend),
                ..**all
            }))
        }
        Work::Half(all) => Work::Half(Box::new(all.part(shape, blocks))),
        _ => unreachable!("only convolutions are split"),
    }
}

fn layer(whole: &Layer, shape: Shape, blocks: &Range<usize>) -> Layer {
    let own = |values: &Buffer| values.part(whole.shape.outputs / BLOCK, blocks);
    Layer { shape, weights: own(&whole.weights), bias: own(&whole.bias), bend: own(&whole.bend) }
}
