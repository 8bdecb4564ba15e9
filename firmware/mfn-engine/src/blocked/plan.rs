//! A region as a list of steps over one piece of memory, and how it runs.

use std::ops::Range;

use mfn_kernels::Kernels;
use mfn_kernels::conv::{Buffer, Fused, Shape, maps};

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
    /// Convolution, bias, PReLU (if there are slopes), and the sum with another map (if there is one).
    Convolution { shape: Shape, weights: Buffer, bias: Buffer, slope: Buffer },
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

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub work: Work,
    pub from: Place,
    /// The other map of a sum.
    pub also: Option<Range<usize>>,
    pub to: Range<usize>,
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
    pub steps: Vec<Step>,
    pub exits: Vec<Exit>,
    /// Values of memory that the steps need.
    pub memory: usize,
}

impl Plan {
    /// Runs all steps. What leaves is read from `memory` with [`Exit::read`].
    pub(super) fn run(&self, inputs: &[&[f32]], memory: &mut [f32], scratch: &mut Vec<f32>) {
        for step in &self.steps {
            step.run(inputs, memory, scratch);
        }
    }
}

impl Exit {
    /// Writes the map in tract's order.
    pub(super) fn read(&self, memory: &[f32], out: &mut [f32]) {
        maps::leave(&memory[self.from.clone()], self.channels, out);
    }
}

impl Step {
    fn run(&self, inputs: &[&[f32]], memory: &mut [f32], scratch: &mut Vec<f32>) {
        let (also, to) = (self.also.clone().unwrap_or(0..0), self.to.clone());
        // The planner keeps maps that are needed at the same time apart; only the two summands may be one map.
        let apart = "maps of one step lie apart";
        match &self.from {
            Place::Input(index) => {
                let [also, to] = memory.get_disjoint_mut([also, to]).expect(apart);
                self.work.run(inputs[*index], also, to, scratch);
            }
            Place::Memory(from) if *from == also => {
                let [from, to] = memory.get_disjoint_mut([also, to]).expect(apart);
                self.work.run(from, from, to, scratch);
            }
            Place::Memory(from) => {
                let [from, also, to] = memory.get_disjoint_mut([from.clone(), also, to]).expect(apart);
                self.work.run(from, also, to, scratch);
            }
        }
    }
}

impl Work {
    fn run(&self, from: &[f32], also: &[f32], to: &mut [f32], scratch: &mut Vec<f32>) {
        match self {
            Work::Convolution { shape, weights, bias, slope } => {
                let fused = Fused { bias, slope, residual: also };
                Kernels::detect().conv_infer(shape, from, weights, fused, to, scratch);
            }
            Work::Enter(channels) => maps::enter(from, to, *channels),
            Work::Slope(slope) => maps::slope(from, slope, to),
            Work::Add => maps::add(from, also, to),
            Work::Pool(size) => maps::pool(from, *size, to),
            Work::Double(size) => maps::double(from, *size, to),
        }
    }
}
