//! A 1x1 convolution and the planes behind it, in bands of rows: what lies between them is the largest map of a
//! network, and in bands it stays in the cache and takes no memory.

use std::ops::Range;

use super::epilogue::Finish;
use super::stage::{Part, room};
use super::{BLOCK, Fused, Kind, Shape, call, variants};
use crate::{Kernels, Level};

/// Values of a band, 192 KB: beside weights and input in a second-level cache of 512 KB.
const BAND: usize = 48 * 1024;

/// A layer of inference.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Its convolution.
    pub shape: &'a Shape,
    /// Packed by [`Shape::pack`].
    pub weights: &'a [f32],
    /// What comes behind it.
    pub fused: Fused<'a>,
}

/// Rows of the map between two layers.
struct Band {
    /// Values of a row of one block.
    row: usize,
    /// Values of a block: so many rows at most.
    plane: usize,
    /// Rows of the output that one band makes.
    outputs: usize,
    /// Rows that are there.
    rows: Range<usize>,
}

impl Kernels {
    /// Whether [`Kernels::conv_pair`] takes these layers.
    #[must_use]
    pub fn is_pair(first: &Shape, second: &Shape) -> bool {
        let planes = matches!(second.kind, Kind::Planes { fan: 1 | 2 | 4, .. });
        first.kind == Kind::Pointwise && planes && (first.outputs, first.size) == (second.inputs, second.size)
    }

    /// Inference, one image: a 1x1 convolution and 3x3 planes that read it. The map between is written nowhere.
    ///
    /// # Panics
    /// When the layers are no pair, the first has a residual, or a length does not fit.
    pub fn conv_pair(
        self,
        [first, second]: [Layer<'_>; 2],
        input: &[f32],
        out: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        check(&first, &second, input, out);
        let mut band = Band::new(first.shape, second.shape);
        let blocks = first.shape.outputs / BLOCK;
        let between = room(scratch, blocks * band.plane);
        // SAFETY: so much room was just made, and nothing else is made of `scratch` before the end.
        let between = unsafe { std::slice::from_raw_parts_mut(between, blocks * band.plane) };
        let height = second.shape.output_size()[0];
        for start in (0..height).step_by(band.outputs) {
            let rows = start..height.min(start + band.outputs);
            let missing = band.advance(between, band.needs(second.shape, &rows));
            self.fill(&first, input, between, &band, missing);
            self.empty(&second, between, &band, rows, out);
        }
    }

    /// Makes the band's missing rows.
    fn fill(self, first: &Layer<'_>, input: &[f32], between: &mut [f32], band: &Band, missing: Range<usize>) {
        let shape = &Shape { size: [missing.len(), first.shape.size[1]], ..*first.shape };
        let plane = first.shape.size[0] * band.row;
        let x = input[missing.start * band.row..].as_ptr();
        let part = &Part { shape, x, plane, norm: None, weights: first.weights, rows: 0..missing.len() };
        let to = between[(missing.start - band.rows.start) * band.row..].as_mut_ptr();
        let e = Finish::new(first.fused, to, band.plane);
        call!(self, infer(part, &mut Vec::new(), e));
    }

    /// Makes rows of the output from the band.
    fn empty(self, second: &Layer<'_>, between: &[f32], band: &Band, rows: Range<usize>, out: &mut [f32]) {
        let x = between.as_ptr().wrapping_sub(band.rows.start * band.row);
        let (shape, weights) = (second.shape, second.weights);
        let part = &Part { shape, x, plane: band.plane, norm: None, weights, rows };
        let e = Finish::new(second.fused, out.as_mut_ptr(), out.len() / shape.outputs * BLOCK);
        call!(self, infer(part, &mut Vec::new(), e));
    }
}

impl Band {
    fn new(first: &Shape, second: &Shape) -> Band {
        let row = first.size[1] * BLOCK;
        let most = (BAND / (first.outputs * first.size[1])).clamp(3, first.size[0].max(3));
        Band { row, plane: most * row, outputs: (most - 3) / stride(second) + 1, rows: 0..0 }
    }

    /// The rows that rows of the output are made from.
    fn needs(&self, second: &Shape, rows: &Range<usize>) -> Range<usize> {
        let [first, last] = [rows.start, rows.end - 1].map(|row| row * stride(second));
        first.saturating_sub(1)..second.size[0].min(last + 2)
    }

    /// Keeps what is there of the rows that are needed next; gives those that are missing.
    fn advance(&mut self, between: &mut [f32], next: Range<usize>) -> Range<usize> {
        let there = next.start..self.rows.end.max(next.start);
        let from = there.start.saturating_sub(self.rows.start) * self.row;
        for block in between.chunks_exact_mut(self.plane) {
            block.copy_within(from..from + there.len() * self.row, 0);
        }
        self.rows = next;
        there.end..self.rows.end
    }
}

fn stride(shape: &Shape) -> usize {
    if let Kind::Planes { stride, .. } = shape.kind { stride } else { 1 }
}

fn check(first: &Layer<'_>, second: &Layer<'_>, input: &[f32], out: &[f32]) {
    assert!(Kernels::is_pair(first.shape, second.shape), "{:?} and {:?}", first.shape, second.shape);
    first.shape.check();
    second.shape.check();
    for layer in [first, second] {
        assert_eq!(layer.weights.len(), layer.shape.packed_len(), "packed weights of {:?}", layer.shape);
    }
    assert_eq!(input.len(), first.shape.input_len(), "input of {:?}", first.shape);
    assert_eq!(out.len(), second.shape.output_len(), "output of {:?}", second.shape);
    assert!(first.fused.residual.is_empty(), "a residual between");
    first.fused.check(first.shape.outputs, 0);
    second.fused.check(second.shape.outputs, out.len());
}
