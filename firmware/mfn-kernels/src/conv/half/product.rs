//! 1x1 convolutions: pixels times weights, in register tiles.

use super::epilogue::Finish;
use super::lanes::Lanes;
use super::layer::Layer;
use crate::conv::product::Operands;
use crate::conv::shape::BLOCK;

/// Pixels that are taken at a time, so that their inputs stay in the first cache levels: whole tiles.
const CHUNK: usize = 96;
/// Input blocks whose products are added up by themselves: the longer a sum, the larger its rounding errors.
const SPAN: usize = 8;

/// A 1x1 convolution of one image.
///
/// # Safety
/// The CPU has `V`'s features; `input` has the layer's values, `e` takes all blocks and pixels.
#[inline(always)]
pub unsafe fn pointwise<V: Lanes>(layer: &Layer, input: &[u16], e: &Finish) {
    let pixels = layer.shape.size[0] * layer.shape.size[1];
    for first in (0..pixels).step_by(CHUNK) {
        let end = pixels.min(first + CHUNK);
        for block in 0..layer.shape.outputs / BLOCK {
            let mut pixel = first;
            // SAFETY: each tile's pixels lie below `end`.
            unsafe {
                while pixel + 8 <= end {
                    tile::<V, 8>(layer, input, e, block, pixel);
                    pixel += 8;
                }
                if pixel + 4 <= end {
                    tile::<V, 4>(layer, input, e, block, pixel);
                    pixel += 4;
                }
                while pixel < end {
                    tile::<V, 1>(layer, input, e, block, pixel);
                    pixel += 1;
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Lanes, const P: usize>(
    layer: &Layer,
    input: &[u16],
    e: &Finish,
    block: usize,
    pixel: usize,
) {
    let x_stride = layer.shape.size[0] * layer.shape.size[1] * BLOCK;
    let inputs = layer.shape.inputs / BLOCK;
    // SAFETY: pixels of every input block, weights and bias of the output block.
    unsafe {
        let x = input.as_ptr().add(pixel * BLOCK);
        let weights = layer.weights().add(block * inputs * BLOCK * BLOCK);
        let span = |from: usize, start| Operands {
            x: x.add(from * x_stride),
            x_stride,
            inputs: SPAN.min(inputs - from),
            weights: weights.add(from * BLOCK * BLOCK),
            start,
        };
        let mut sums = V::sums::<P>(&span(0, layer.bias().add(block * BLOCK)));
        for from in (SPAN..inputs).step_by(SPAN) {
            let more = V::sums::<P>(&span(from, V::ZEROS.as_ptr()));
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum = sum.add(more);
            }
        }
        e.tile(sums, block, pixel);
    }
}
