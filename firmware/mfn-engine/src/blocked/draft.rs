//! Steps while a plan is being built: maps have numbers, not places yet.

use std::ops::Range;

use mfn_kernels::Kernels;
use mfn_kernels::conv::Buffer;
use mfn_kernels::conv::half;
use mfn_kernels::conv::int8::Grid;

use tract_onnx::tract_core::internal::*;

use super::int8::{Int8, NO_GRID};
use super::meaning::{Convolution, Map};
use super::plan::{self, Place, Step, Work};
use super::rounding::Integers;
use super::weights::{pack, pack_integers, pad};

/// Values of a cache line, at whose start every map begins.
const LINE: usize = 16;

/// A map of the plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub map: Map,
    /// Values of memory.
    pub length: usize,
    pub form: Form,
}

/// What a map's values are kept in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    Floats,
    /// Floats of 16 bits.
    Halves,
    /// Bytes of a grid.
    Bytes(Grid),
}

impl Kept {
    pub(super) fn floats(map: Map) -> Kept {
        Kept { map, length: map.len(), form: Form::Floats }
    }

    pub(super) fn halves(map: Map) -> Kept {
        Kept { map, length: map.len().div_ceil(2).next_multiple_of(LINE), form: Form::Halves }
    }

    /// In bytes, so many.
    pub(super) fn bytes(map: Map, grid: Grid, count: usize) -> Kept {
        Kept { map, length: count.div_ceil(4).next_multiple_of(LINE), form: Form::Bytes(grid) }
    }

    /// What its bytes stand for, if it is in bytes.
    fn grid(&self) -> Option<Grid> {
        if let Form::Bytes(grid) = self.form { Some(grid) } else { None }
    }
}

/// A step.
pub(super) struct Draft {
    pub work: DraftWork,
    pub from: From,
    /// The other summand.
    pub also: Option<usize>,
    pub to: usize,
    /// The same output in bytes, of an integer convolution.
    pub bytes: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Input(usize),
    Map(usize),
}

pub(super) enum DraftWork {
    Convolution(Box<Layer>),
    /// A 1x1 convolution and planes behind it.
    Pair(Box<[Layer; 2]>),
    Enter,
    Slope(Vec<f32>),
    Add,
    Pool,
    Double,
    Quantise,
    Dequantise,
    Image,
    /// A convolution in floats of 16 bits.
    Half(Box<half::Layer>),
    /// From 32 bits to 16.
    Narrow,
    /// From 16 bits to 32.
    Widen,
}

/// A convolution and what was fused behind it.
pub(super) struct Layer {
    pub convolution: Convolution,
    /// Factors of the weights, or nothing.
    pub scale: Vec<f32>,
    /// PReLU's, or nothing.
    pub slope: Vec<f32>,
    /// The weights, if the step is one over bytes.
    pub integers: Option<Integers>,
    /// Where the result is rounded to before the sum.
    pub rounded: Option<Grid>,
}

impl Draft {
    /// The maps that are read.
    pub(super) fn reads(&self) -> impl Iterator<Item = usize> {
        let from = if let From::Map(from) = self.from { Some(from) } else { None };
        from.into_iter().chain(self.also)
    }

    /// The maps that are written.
    pub(super) fn writes(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.to).chain(self.bytes)
    }

    /// A convolution over bytes.
    pub(super) fn is_int8(&self) -> bool {
        matches!(&self.work, DraftWork::Convolution(layer) if layer.integers.is_some())
    }

    /// Whether the two are a pair of layers over floats, of which the first is nothing but a layer.
    pub(super) fn is_pair(&self, second: &Draft) -> bool {
        let (DraftWork::Convolution(one), DraftWork::Convolution(two)) = (&self.work, &second.work) else {
            return false;
        };
        let floats = self.also.is_none() && one.integers.is_none() && two.integers.is_none();
        floats && Kernels::is_pair(&one.convolution.shape, &two.convolution.shape)
    }

    /// Both steps as one.
    pub(super) fn join(self, second: Draft) -> TractResult<Draft> {
        let (DraftWork::Convolution(one), DraftWork::Convolution(two)) = (self.work, second.work) else {
            bail!("a pair of something else than convolutions");
        };
        Ok(Draft { work: DraftWork::Pair(Box::new([*one, *two])), from: self.from, ..second })
    }

    /// The step, given all maps and their places.
    pub(super) fn finish(self, maps: &[Kept], places: &[Range<usize>]) -> Step {
        let to = maps[self.to];
        let (from, read) = match self.from {
            From::Input(input) => (Place::Input(input), to),
            From::Map(map) => (Place::Memory(places[map].clone()), maps[map]),
        };
        let grid = |map: Kept| map.grid().unwrap_or(NO_GRID);
        let work = match self.work {
            DraftWork::Convolution(layer) => {
                let residual = self.also.and_then(|map| maps[map].grid());
                let output = self.bytes.map_or(NO_GRID, |map| grid(maps[map]));
                let mut work = layer.finish(grid(read), residual, output);
                if let (Work::Int8(step), None, true) = (&mut work, self.also, places[self.to].is_empty()) {
                    step.scale_to_output();
                }
                work
            }
            DraftWork::Pair(layers) => Work::Pair(Box::new(layers.map(Layer::in_floats))),
            DraftWork::Enter => Work::Enter(to.map.channels),
            DraftWork::Slope(slope) => Work::Slope(pad(&slope)),
            DraftWork::Add => Work::Add,
            DraftWork::Pool => Work::Pool(read.map.size),
            DraftWork::Double => Work::Double(read.map.size),
            DraftWork::Quantise => Work::Quantise(to.map.len(), grid(to)),
            DraftWork::Dequantise => Work::Dequantise(to.map.len(), grid(read)),
            DraftWork::Image => Work::Image(to.map.size, grid(to)),
            DraftWork::Half(layer) => Work::Half(layer),
            DraftWork::Narrow => Work::Narrow(to.map.len()),
            DraftWork::Widen => Work::Widen(to.map.len()),
        };
        let place = |map: Option<usize>| map.map_or(0..0, |map| places[map].clone());
        let also = self.also.map(|map| places[map].clone());
        Step { work, from, also, to: places[self.to].clone(), more: place(self.bytes) }
    }
}

impl Layer {
    pub(super) fn bend(&self) -> Buffer {
        pad(&self.slope.iter().map(|slope| slope - 1.0).collect::<Vec<f32>>())
    }

    fn in_floats(self) -> plan::Layer {
        let (bend, Layer { convolution, scale, .. }) = (self.bend(), self);
        let (shape, bias) = (convolution.shape, pad(&convolution.bias));
        plan::Layer { shape, weights: pack(&convolution, &scale), bias, bend }
    }

    fn finish(mut self, input: Grid, residual: Option<Grid>, output: Grid) -> Work {
        let Some(integers) = self.integers.take() else { return Work::Convolution(self.in_floats()) };
        let (bend, Layer { convolution, scale, rounded, .. }) = (self.bend(), self);
        let (shape, bias) = (convolution.shape, pad(&convolution.bias));
        let factor = |o: usize| scale.get(o).copied().unwrap_or(1.0);
        let steps: Vec<f32> =
            integers.steps.iter().enumerate().map(|(o, step)| step * input.step * factor(o)).collect();
        Work::Int8(Box::new(Int8 {
            shape,
            packed: pack_integers(&convolution, &integers, input),
            zero: input.zero,
            scale: pad(&steps),
            bias,
            bend,
            rounded,
            residual,
            output,
        }))
    }
}
