//! A region as rounds of steps over one piece of memory, and how they run.

use std::ops::Range;

use mfn_kernels::Kernels;
use mfn_kernels::conv::half::{self, Halves};
use mfn_kernels::conv::int8::{Grid, image_len};
use mfn_kernels::conv::{self, Buffer, Fused, Shape, bytes, bytes_mut, halves, halves_mut, maps};
use mfn_kernels::crew::Crew;
use mfn_kernels::rounds::{Access, Parts, Rounds};

use tract_onnx::tract_core::internal::*;

use super::int8::Int8;

/// Where a step reads.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// An input of the region, in tract's order.
    Input(usize),
    /// A map in memory.
    Memory(Range<usize>),
}

/// What a step does.
#[derive(Debug)]
pub(super) enum Work {
    /// A layer, and the sum with another map (if there is one).
    Convolution(Layer),
    /// A 1x1 convolution and planes behind it, and the sum with another map (if there is one).
    Pair(Box<[Layer; 2]>),
    /// The same of bytes.
    Int8(Box<Int8>),
    /// So many floats into bytes.
    Quantise(usize, Grid),
    /// So many bytes into floats.
    Dequantise(usize, Grid),
    /// An image of this size into bytes, as a stem reads it.
    Image([usize; 2], Grid),
    /// The same in floats of 16 bits.
    Half(Box<half::Layer>),
    /// So many floats of 32 bits into 16.
    Narrow(usize),
    /// So many floats of 16 bits into 32.
    Widen(usize),
    /// So many channels from tract's order into blocks.
    Enter(usize),
    /// PReLU.
    Slope(Buffer),
    /// The sum with another map.
    Add,
    /// The largest of each 2x2 of maps of this size.
    Pool([usize; 2]),
    /// Each value of maps of this size in a 2x2.
    Double([usize; 2]),
}

/// Convolution, bias, and PReLU (if there are slopes: minus 1, the bend).
#[derive(Debug)]
pub(super) struct Layer {
    pub shape: Shape,
    pub weights: Buffer,
    pub bias: Buffer,
    pub bend: Buffer,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub work: Work,
    pub from: Place,
    /// The other map of a sum.
    pub also: Option<Range<usize>>,
    /// The output in floats; empty where only bytes are wanted.
    pub to: Range<usize>,
    /// The output of an integer convolution in bytes; empty where only floats are wanted.
    pub more: Range<usize>,
}

/// A map that leaves the region.
#[derive(Debug)]
pub(super) struct Exit {
    pub from: Range<usize>,
    pub channels: usize,
}

/// All of a region.
#[derive(Debug)]
pub(super) struct Plan {
    /// The steps of a round need nothing of each other: each may run on a thread of its own.
    steps: Vec<Vec<Step>>,
    rounds: Rounds,
    exits: Vec<Exit>,
}

impl Plan {
    /// A plan over so many values of memory.
    ///
    /// # Errors
    /// When steps of one round would disturb each other.
    pub(super) fn new(steps: Vec<Vec<Step>>, exits: Vec<Exit>, memory: usize) -> TractResult<Plan> {
        let rounds = steps.iter().map(|round| round.iter().map(Step::access).collect()).collect();
        let rounds = Rounds::new(rounds, memory).context("maps of one round overlap")?;
        Ok(Plan { steps, rounds, exits })
    }

    /// Steps, those of a round each for itself.
    pub(super) fn steps(&self) -> usize {
        self.steps.iter().map(Vec::len).sum()
    }

    /// Values of memory that [`Plan::run`] needs.
    pub(super) fn memory(&self) -> usize {
        self.rounds.memory()
    }

    /// What leaves, to be read after a run.
    pub(super) fn exits(&self) -> &[Exit] {
        &self.exits
    }

    /// Has a crew run all steps. What leaves is read from `memory` with [`Exit::read`].
    pub(super) fn run(&self, inputs: &[&[f32]], memory: &mut [f32], crew: &mut Crew) {
        self.rounds.run(crew, memory, |[round, index], Parts { reads: [from, also], writes }, scratch| {
            let step = &self.steps[round][index];
            let from = if let Place::Input(input) = step.from { inputs[input] } else { from };
            step.work.run(from, also, writes, scratch);
        });
    }
}

impl Exit {
    /// Writes the map in tract's order.
    pub(super) fn read(&self, memory: &[f32], out: &mut [f32]) {
        maps::leave(&memory[self.from.clone()], self.channels, out);
    }
}

impl Step {
    fn access(&self) -> Access {
        let from = if let Place::Memory(from) = &self.from { from.clone() } else { 0..0 };
        let also = self.also.clone().unwrap_or(0..0);
        Access { reads: [from, also], writes: [self.to.clone(), self.more.clone()] }
    }
}

impl Layer {
    fn fused<'a>(&'a self, residual: &'a [f32]) -> Fused<'a> {
        Fused { bias: &self.bias, bend: &self.bend, residual }
    }

    fn as_layer<'a>(&'a self, residual: &'a [f32]) -> conv::Layer<'a> {
        conv::Layer { shape: &self.shape, weights: &self.weights, fused: self.fused(residual) }
    }
}

impl Work {
    fn run(&self, from: &[f32], also: &[f32], [to, more]: [&mut [f32]; 2], scratch: &mut Vec<f32>) {
        let kernels = Kernels::detect();
        match self {
            Work::Convolution(layer) => {
                kernels.conv_infer(&layer.shape, from, &layer.weights, layer.fused(also), to, scratch);
            }
            Work::Pair(layers) => {
                let [first, second] = layers.as_ref();
                kernels.conv_pair([first.as_layer(&[]), second.as_layer(also)], from, to, scratch);
            }
            Work::Int8(step) => step.run(from, also, to, more, scratch),
            Work::Quantise(length, grid) => kernels.quantise_int8(from, *grid, &mut bytes_mut(to)[..*length]),
            Work::Dequantise(length, grid) => kernels.dequantise_int8(&bytes(from)[..*length], *grid, to),
            Work::Image(size, grid) => {
                kernels.image_int8(from, *size, *grid, &mut bytes_mut(to)[..image_len(*size)]);
            }
            Work::Half(layer) => {
                let shape = layer.shape();
                let (length, residual) = (shape.output_len(), halves(also));
                let residual = &residual[..length.min(residual.len())];
                let input = &halves(from)[..shape.input_len()];
                Halves::detect().infer(layer, input, residual, &mut halves_mut(to)[..length]);
            }
            Work::Narrow(length) => Halves::detect().narrow(from, &mut halves_mut(to)[..*length]),
            Work::Widen(length) => Halves::detect().widen(&halves(from)[..*length], to),
            Work::Enter(channels) => maps::enter(from, to, *channels),
            Work::Slope(slope) => kernels.map_slope(from, slope, to),
            Work::Add => kernels.map_add(from, also, to),
            Work::Pool(size) => kernels.map_pool(from, *size, to),
            Work::Double(size) => maps::double(from, *size, to),
        }
    }
}
