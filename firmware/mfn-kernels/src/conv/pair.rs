//! A 1x1 convolution and the planes behind it, in bands of rows: what lies between them is the largest map of a
//! network, and in bands it stays in the cache and takes no memory.

use std::ops::Range;

use super::epilogue::Finish;
use super::stage::{Input, Part, room};
use super::{BLOCK, Fused, Kind, Shape, call, check_weights, variants};
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

/// The map between two layers: a ring of its rows.
struct Band {
    /// Values of a row of one block.
    row: usize,
    /// Rows of the ring.
    ring: usize,
    /// Rows that have been made.
    made: usize,
}

impl Kernels {
    /// Whether [`Kernels::conv_pair`] takes these layers.
    #[must_use]
    pub fn is_pair(first: &Shape, second: &Shape) -> bool {
        let kinds = first.kind == Kind::Pointwise && second.in_registers();
        kinds && (first.outputs, first.size) == (second.inputs, second.size)
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
        let mut band = Band::new(first.shape);
        let length = first.shape.outputs / BLOCK * band.plane();
        // SAFETY: so much room was just made, and nothing else is made of `scratch` before the end.
        let between = unsafe { std::slice::from_raw_parts_mut(room(scratch, length), length) };
        let (height, stride) = (second.shape.output_size()[0], stride(second.shape));
        let outputs = (band.ring - 3) / stride + 1;
        for start in (0..height).step_by(outputs) {
            let rows = start..height.min(start + outputs);
            let needed = second.shape.size[0].min((rows.end - 1) * stride + 2);
            while band.made < needed {
                self.fill(&first, input, between, &mut band, needed);
            }
            self.empty(&second, between, &band, rows, out);
        }
    }

    /// Makes rows of the band up to `needed`, or to the ring's end.
    fn fill(self, first: &Layer<'_>, input: &[f32], between: &mut [f32], band: &mut Band, needed: usize) {
        let slot = band.made % band.ring;
        let rows = (needed - band.made).min(band.ring - slot);
        let shape = &Shape { size: [rows, first.shape.size[1]], ..*first.shape };
        let input = Input { data: &input[band.made * band.row..], norm: None };
        let plane = first.shape.size[0] * band.row;
        let part = &Part { plane, ..Part::whole(shape, input, first.weights) };
        let e = Finish::new(first.fused, between[slot * band.row..].as_mut_ptr(), band.plane());
        call!(self, infer(part, &mut Vec::new(), e));
        band.made += rows;
    }

    /// Makes rows of the output from the band.
    fn empty(self, second: &Layer<'_>, between: &[f32], band: &Band, rows: Range<usize>, out: &mut [f32]) {
        let whole = Part::whole(second.shape, Input { data: between, norm: None }, second.weights);
        let part = &Part { plane: band.plane(), ring: band.ring, rows, ..whole };
        let e = Finish::new(second.fused, out.as_mut_ptr(), out.len() / second.shape.outputs * BLOCK);
        call!(self, infer(part, &mut Vec::new(), e));
    }
}

impl Band {
    fn new(first: &Shape) -> Band {
        let [height, width] = first.size;
        let ring = (BAND / (first.outputs * width)).clamp(3, height.max(3));
        Band { row: width * BLOCK, ring, made: 0 }
    }

    /// Values of a block.
    fn plane(&self) -> usize {
        self.ring * self.row
    }
}

fn stride(shape: &Shape) -> usize {
    if let Kind::Planes { stride, .. } = shape.kind { stride } else { 1 }
}

fn check(first: &Layer<'_>, second: &Layer<'_>, input: &[f32], out: &[f32]) {
    assert!(Kernels::is_pair(first.shape, second.shape), "{:?} and {:?}", first.shape, second.shape);
    check_weights(first.shape, first.weights);
    check_weights(second.shape, second.weights);
    assert_eq!(input.len(), first.shape.input_len(), "input of {:?}", first.shape);
    assert_eq!(out.len(), second.shape.output_len(), "output of {:?}", second.shape);
    assert!(first.fused.residual.is_empty(), "a residual between");
    first.fused.check(first.shape.outputs, 0);
    second.fused.check(second.shape.outputs, out.len());
}
