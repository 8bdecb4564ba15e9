//! The chain on burn's CPU backend: the kernels of `mfn-kernels`, images spread over rayon's threads.

mod layer;

use crate::conv::ChainSpec;
use crate::layout::BLOCK;
use crate::ops::{ChainKernels, ChainOps, Forward, Gradients, Saved};
use crate::pool::Buffer;
use burn::backend::{Flex, TensorMetadata};
use burn_flex::FlexTensor;
use layer::{Deviation, PackedWeights, SizedLayer};
use mfn_kernels::Kernels;
use mfn_kernels::conv::{Backward, Input, Mixed, Norm};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

impl ChainKernels for Flex {
    const AVAILABLE: bool = true;

    fn forward(input: &FlexTensor, parameters: &FlexTensor, spec: &ChainSpec) -> Forward<Flex> {
        let (input, parameters) = (contiguous(input), contiguous(parameters));
        let chain = Chain::new(spec, &input, values(&parameters), Mixed::native());
        let mut statistics = Buffer::take(spec.statistics_len());
        let mut raw: Vec<Buffer> = Vec::new();
        let mut norms: Vec<Deviation> = Vec::new();
        let mut at = 0;
        for (i, layer) in chain.layers.iter().enumerate() {
            let before =
                i.checked_sub(1).map(|before| (&raw[before][..], chain.norm(before, &norms[before])));
            let (out, sums) = chain.convolve(layer, before, values(&input));
            let own = &mut statistics[at..at + 2 * layer.shape.outputs];
            layer.statistics(&sums, chain.images, own);
            norms.push(Deviation::new(own));
            raw.push(out);
            at += own.len();
        }
        let output = chain.finish(&raw[raw.len() - 1], &norms[norms.len() - 1], values(&input));
        Forward {
            output,
            statistics: statistics.into_tensor([spec.statistics_len()]),
            raw: raw.into_iter().map(vector).collect(),
        }
    }

    fn backward(
        saved: Saved<Flex>,
        gradient: FlexTensor,
        spec: &ChainSpec,
        wants_input: bool,
    ) -> Gradients<Flex> {
        let (parameters, gradient) = (contiguous(&saved.parameters), contiguous(&gradient));
        let input = contiguous(&saved.input);
        let chain = Chain::new(spec, &input, values(&parameters), Mixed::native());
        let norms = chain.deviations(values(&saved.statistics));
        let mut raw = saved.raw;
        let mut out = Buffer::take(values(&parameters).len());
        let last = chain.layers.len() - 1;
        let mut sums = chain.reduce(values(&raw[last]), &norms[last], values(&gradient));
        let mut back: Option<Buffer> = None;
        for i in (0..=last).rev() {
            let own = raw.pop().expect("one raw output a layer");
            let step = Step {
                layer: &chain.layers[i],
                raw: values(&own),
                norm: chain.norm(i, &norms[i]),
                before: i.checked_sub(1).map(|b| (values(&raw[b]), chain.norm(b, &norms[b]))),
                gradient: back.as_deref().unwrap_or(values(&gradient)),
                residual: (i == 0 && spec.residual).then(|| values(&gradient)),
                wants_input: i > 0 || wants_input,
            };
            let result = chain.backward(&step, values(&input), &sums, &mut out);
            (back, sums) = (result.0, result.1);
        }
        let shape = input.shape();
        Gradients { input: back.map(|buffer| buffer.into_tensor(shape)), parameters: { vector(out) } }
    }
}

impl ChainOps for Flex {
    fn chain(input: FlexTensor, parameters: FlexTensor, spec: ChainSpec) -> (FlexTensor, FlexTensor) {
        let forward = <Flex as ChainKernels>::forward(&input, &parameters, &spec);
        (forward.output, forward.statistics)
    }

    fn evaluate_chain(
        input: FlexTensor,
        parameters: FlexTensor,
        statistics: FlexTensor,
        spec: ChainSpec,
    ) -> FlexTensor {
        let (input, parameters) = (contiguous(&input), contiguous(&parameters));
        // Always in single precision: what is examined and shipped has no rounding of training's.
        let chain = Chain::new(&spec, &input, values(&parameters), None);
        let norms = chain.deviations(values(&contiguous(&statistics)));
        let mut raw: Option<Buffer> = None;
        for (i, layer) in chain.layers.iter().enumerate() {
            let before = raw.as_deref().map(|raw| (raw, chain.norm(i - 1, &norms[i - 1])));
            raw = Some(chain.convolve(layer, before, values(&input)).0);
        }
        let raw = raw.expect("a chain has at least one layer");
        chain.finish(&raw, &norms[norms.len() - 1], values(&input))
    }
}

/// A chain at the size of its input.
struct Chain<'a> {
    kernels: Kernels,
    images: usize,
    layers: Vec<SizedLayer>,
    parameters: &'a [f32],
    residual: bool,
}

/// One layer's way back.
struct Step<'a> {
    layer: &'a SizedLayer,
    raw: &'a [f32],
    norm: Norm<'a>,
    /// Raw output and norm of the layer before; the chain's input without.
    before: Option<(&'a [f32], Norm<'a>)>,
    gradient: &'a [f32],
    residual: Option<&'a [f32]>,
    wants_input: bool,
}

impl<'a> Chain<'a> {
    fn new(spec: &ChainSpec, input: &FlexTensor, parameters: &'a [f32], mixed: Option<Mixed>) -> Self {
        let dims = input.shape();
        let mut size = [dims[2], dims[3]];
        let mut layers = Vec::new();
        for (layer, ranges) in spec.layers.iter().zip(spec.ranges()) {
            layers.push(SizedLayer::new(layer, ranges, size, mixed));
            size = layer.conv.output_size(size);
        }
        Self { kernels: Kernels::detect(), images: dims[0], layers, parameters, residual: spec.residual }
    }

    fn norm<'b>(&'b self, layer: usize, deviation: &'b Deviation) -> Norm<'b> {
        let ranges = &self.layers[layer].ranges;
        Norm {
            inverse: &deviation.inverse,
            offset: &deviation.offset,
            gamma: &self.parameters[ranges.gamma.clone()],
            beta: &self.parameters[ranges.beta.clone()],
            slope: &self.parameters[ranges.slope.clone()],
        }
    }

    fn deviations(&self, statistics: &[f32]) -> Vec<Deviation> {
        let mut rest = statistics;
        let mut one = |layer: &SizedLayer| {
            let (own, behind) = rest.split_at(2 * layer.shape.outputs);
            rest = behind;
            Deviation::new(own)
        };
        self.layers.iter().map(&mut one).collect()
    }

    /// Runs a layer's convolution over the batch: raw output, sums and sums of squares.
    fn convolve(
        &self,
        layer: &SizedLayer,
        before: Option<(&[f32], Norm<'_>)>,
        input: &[f32],
    ) -> (Buffer, Vec<f64>) {
        let shape = &layer.shape;
        let (data, norm) = split_input(before, input);
        let weights = layer.pack(self.parameters);
        let mut out = Buffer::take(self.images * shape.output_len());
        let parts = self.parts(&mut out);
        let sums = parts.into_par_iter().map(|(images, out)| {
            let mut sums = vec![0.0; 2 * shape.outputs];
            for (image, out) in images.zip(out.chunks_exact_mut(shape.output_len())) {
                let input = Input { data: &data[image * shape.input_len()..][..shape.input_len()], norm };
                let weights = weights.view();
                with_scratch(|s| self.kernels.conv_train(shape, input, weights, out, &mut sums, s));
            }
            sums
        });
        let sums = add_up(sums.collect(), 2 * shape.outputs);
        (out, sums)
    }

    /// Norm, activation and residual of the last layer.
    fn finish(&self, raw: &[f32], deviation: &Deviation, input: &[f32]) -> FlexTensor {
        let last = self.layers.len() - 1;
        let (shape, norm) = (&self.layers[last].shape, self.norm(last, deviation));
        let len = shape.output_len();
        let mut out = Buffer::take(raw.len());
        self.parts(&mut out).into_par_iter().for_each(|(images, out)| {
            for (image, out) in images.zip(out.chunks_exact_mut(len)) {
                let at = image * len..(image + 1) * len;
                let residual = if self.residual { &input[at.clone()] } else { &[] };
                self.kernels.conv_normalise(&raw[at], &norm, residual, out);
            }
        });
        let [height, width] = shape.output_size();
        out.into_tensor([self.images, shape.outputs / BLOCK, height, width, BLOCK])
    }

    /// The three sums of the last layer's norm.
    fn reduce(&self, raw: &[f32], deviation: &Deviation, gradient: &[f32]) -> Vec<f64> {
        let last = self.layers.len() - 1;
        let (shape, norm) = (&self.layers[last].shape, self.norm(last, deviation));
        let (len, channels) = (shape.output_len(), 3 * shape.outputs);
        let sums = self.ranges().into_par_iter().map(|images| {
            let mut sums = vec![0.0; channels];
            for at in images.map(|image| image * len..(image + 1) * len) {
                self.kernels.conv_reduce(&raw[at.clone()], &norm, &gradient[at], &mut sums);
            }
            sums
        });
        add_up(sums.collect(), channels)
    }

    /// One layer's way back: writes the gradients of its parameters, returns its input's gradient and
    /// the sums of the layer before.
    fn backward(
        &self,
        step: &Step<'_>,
        input: &[f32],
        sums: &[f64],
        out: &mut [f32],
    ) -> (Option<Buffer>, Vec<f64>) {
        let (shape, ranges) = (&step.layer.shape, &step.layer.ranges);
        let means = self.norm_gradients(step.layer, sums, out);
        let weights = step.layer.pack_transposed(self.parameters);
        let mut back = step.wants_input.then(|| Buffer::take(self.images * shape.input_len()));
        let parts = match &mut back {
            Some(back) => self.parts(back),
            None => self.ranges().into_iter().map(|images| (images, &mut [][..])).collect(),
        };
        let one = |(images, back)| self.backward_part(step, input, &means, &weights, images, back);
        let (weight_sums, input_sums): (Vec<Buffer>, Vec<Vec<f32>>) = parts.into_par_iter().map(one).unzip();
        let mut weight_sums = weight_sums.into_iter();
        let mut total = weight_sums.next().expect("at least one part");
        for part in weight_sums {
            total.iter_mut().zip(part.iter()).for_each(|(total, part)| *total += part);
        }
        shape.unpack(&total, &mut out[ranges.weight.clone()]);
        (back, add_up(input_sums, if step.before.is_some() { 3 * shape.inputs } else { 0 }))
    }

    /// The way back for some images: sums of the weights' gradient, and of the norm before.
    fn backward_part(
        &self,
        step: &Step<'_>,
        input: &[f32],
        means: &[f32],
        weights: &PackedWeights,
        images: Range<usize>,
        mut back: &mut [f32],
    ) -> (Buffer, Vec<f32>) {
        let shape = &step.layer.shape;
        let (data, norm) = split_input(step.before, input);
        let mut weight_sums = Buffer::zeros(shape.packed_len());
        let mut input_sums = vec![0.0; if norm.is_some() { 3 * shape.inputs } else { 0 }];
        for image in images {
            let into = image * shape.input_len()..(image + 1) * shape.input_len();
            let outof = image * shape.output_len()..(image + 1) * shape.output_len();
            let input_gradient = step.wants_input.then(|| {
                let (own, behind) = std::mem::take(&mut back).split_at_mut(shape.input_len());
                back = behind;
                own
            });
            let job = Backward {
                shape,
                input: Input { data: &data[into.clone()], norm },
                raw: &step.raw[outof.clone()],
                norm: step.norm,
                means,
                gradient: &step.gradient[outof],
                weights: weights.view(),
                weight_sums: &mut weight_sums,
                input_gradient,
                residual: step.residual.map(|residual| &residual[into]),
                input_sums: &mut input_sums,
            };
            with_scratch(|scratch| self.kernels.conv_backward(job, scratch));
        }
        (weight_sums, input_sums)
    }

    /// Writes the gradients of beta, gamma and slope; returns the means that the kernels want.
    fn norm_gradients(&self, layer: &SizedLayer, sums: &[f64], out: &mut [f32]) -> Vec<f32> {
        let channels = layer.shape.outputs;
        let ranges = [&layer.ranges.beta, &layer.ranges.gamma, &layer.ranges.slope];
        for (range, sums) in ranges.into_iter().zip(sums.chunks_exact(channels)) {
            for (out, sum) in out[range.clone()].iter_mut().zip(sums) {
                *out = *sum as f32;
            }
        }
        let count = layer.count(self.images);
        sums[..2 * channels].iter().map(|sum| (sum / count) as f32).collect()
    }

    /// The batch in as many ranges of images as there are threads.
    fn ranges(&self) -> Vec<Range<usize>> {
        let each = self.images.div_ceil(rayon::current_num_threads()).max(1);
        (0..self.images).step_by(each).map(|start| start..(start + each).min(self.images)).collect()
    }

    /// The ranges, each with its part of a batch's values.
    fn parts<'b>(&self, mut values: &'b mut [f32]) -> Vec<(Range<usize>, &'b mut [f32])> {
        let each = values.len() / self.images;
        let mut one = |images: Range<usize>| {
            let (own, behind) = std::mem::take(&mut values).split_at_mut(images.len() * each);
            values = behind;
            (images, own)
        };
        self.ranges().into_iter().map(&mut one).collect()
    }
}

/// Data and pending norm of a layer's input.
fn split_input<'a>(before: Option<(&'a [f32], Norm<'a>)>, input: &'a [f32]) -> (&'a [f32], Option<Norm<'a>>) {
    before.map_or((input, None), |(raw, norm)| (raw, Some(norm)))
}

/// The parts' sums, in double precision.
fn add_up(parts: Vec<Vec<f32>>, len: usize) -> Vec<f64> {
    let mut total = vec![0.0; len];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(total, part)| *total += f64::from(part));
    }
    total
}

/// Calls `f` with this thread's scratch memory.
fn with_scratch(f: impl FnOnce(&mut Vec<f32>)) {
    thread_local!(static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) });
    SCRATCH.with_borrow_mut(f);
}

/// The tensor itself if its values lie in order, else a copy.
fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() { tensor.clone() } else { tensor.to_contiguous() }
}

/// The values of a contiguous f32 tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32 values")
}

fn vector(buffer: Buffer) -> FlexTensor {
    let len = buffer.len();
    buffer.into_tensor([len])
}
