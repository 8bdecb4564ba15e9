//! A layer's numbers, rounded to 16 bits and laid out for the kernels.

use std::ops::Range;

use super::number::{LARGEST, to_half};
use crate::conv::buffer::{Buffer, halves, halves_mut};
use crate::conv::epilogue::pointer;
use crate::conv::shape::{BLOCK, Kind, Shape};

/// A convolution with bias and PReLU.
#[derive(Clone, Debug)]
pub struct Layer {
    pub(super) shape: Shape,
    weights: Buffer,
    bias: Buffer,
    /// PReLU's slopes minus 1, or nothing.
    bend: Buffer,
}

/// Whether there are kernels for a shape.
#[must_use]
pub fn supports(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Pointwise | Kind::Planes { fan: 1 | 2, .. })
}

impl Layer {
    /// Rounds weights packed by [`Shape::pack`], one bias a channel, and PReLU's slopes minus 1 (or nothing). Nothing
    /// if there are no kernels for the shape or a number is too large for 16 bits.
    ///
    /// # Panics
    /// When a length does not fit the shape.
    #[must_use]
    pub fn new(shape: Shape, weights: &[f32], bias: &[f32], bend: &[f32]) -> Option<Layer> {
        shape.check();
        assert_eq!((weights.len(), bias.len()), (shape.packed_len(), shape.outputs), "{shape:?}");
        assert!(bend.is_empty() || bend.len() == shape.outputs, "one bend a channel");
        let fits = |values: &[f32]| values.iter().all(|value| value.abs() <= LARGEST);
        let known = supports(&shape) && fits(weights) && fits(bias) && fits(bend);
        known.then(|| Layer { shape, weights: rounded(weights), bias: rounded(bias), bend: rounded(bend) })
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The layer of only these blocks of outputs, whose shape is `shape`.
    ///
    /// # Panics
    /// When there are no such blocks.
    #[must_use]
    pub fn part(&self, shape: Shape, blocks: &Range<usize>) -> Layer {
        assert_eq!(shape.outputs, blocks.len() * BLOCK, "one block for sixteen outputs");
        let own = |values: &Buffer| values.part(self.shape.outputs / BLOCK, blocks);
        Layer { shape, weights: own(&self.weights), bias: own(&self.bias), bend: own(&self.bend) }
    }

    pub(super) fn weights(&self) -> *const u16 {
        halves(&self.weights).as_ptr()
    }

    pub(super) fn bias(&self) -> *const u16 {
        halves(&self.bias).as_ptr()
    }

    /// Null without PReLU.
    pub(super) fn bend(&self) -> *const u16 {
        pointer(halves(&self.bend))
    }
}

/// Whole blocks of values in half as much memory.
fn rounded(values: &[f32]) -> Buffer {
    let mut buffer = Buffer::new(values.len() / 2);
    halves_mut(&mut buffer).iter_mut().zip(values).for_each(|(to, &value)| *to = to_half(value));
    buffer
}
