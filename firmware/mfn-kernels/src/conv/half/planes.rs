//! 3x3 convolutions of planes, padding 1: depthwise of stride 1 or 2, and groups of two channels.
//!
//! A plane is one block of channels, `[height][width][16]`. With a fan of two the sum is one of two depthwise
//! convolutions: in the j-th, both channels of a group are replaced by the group's channel `j`.

use super::epilogue::Finish;
use super::lanes::Lanes;
use super::layer::Layer;
use crate::conv::columns;
use crate::conv::shape::BLOCK;

/// Columns of a tile: the maps of the paper's network have 56, 28, 14 and 7.
const COLUMNS: usize = 7;

/// One block's plane.
struct Plane {
    x: *const u16,
    /// Rows and columns of the input.
    input: [usize; 2],
    /// `[fan][9][16]`.
    weights: *const u16,
    /// What the sums begin with.
    bias: *const u16,
    /// Rows and columns of the output.
    size: [usize; 2],
}

/// The convolution of one image. The last tile of a row overlaps the one before.
///
/// # Safety
/// The CPU has `V`'s features; `input` has the layer's values, `e` takes all blocks and pixels.
#[inline(always)]
pub unsafe fn convolve<V: Lanes, const FAN: usize, const S: usize>(layer: &Layer, input: &[u16], e: &Finish) {
    let (input_size, size) = (layer.shape.size, layer.shape.output_size());
    for (block, plane) in input.chunks_exact(input_size[0] * input_size[1] * BLOCK).enumerate() {
        // SAFETY: weights and bias of the block; tiles end at the width.
        unsafe {
            let plane = Plane {
                x: plane.as_ptr(),
                input: input_size,
                weights: layer.weights().add(block * FAN * 9 * BLOCK),
                bias: layer.bias().add(block * BLOCK),
                size,
            };
            for y in 0..size[0] {
                if !V::WIDE || size[1] < COLUMNS {
                    (0..size[1]).for_each(|x| tile::<V, 1, FAN, S>(&plane, e, block, [y, x]));
                    continue;
                }
                for x in (0..size[1]).step_by(COLUMNS) {
                    tile::<V, COLUMNS, FAN, S>(&plane, e, block, [y, x.min(size[1] - COLUMNS)]);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Lanes, const T: usize, const FAN: usize, const S: usize>(
    p: &Plane,
    e: &Finish,
    block: usize,
    [y, x]: [usize; 2],
) {
    // SAFETY: output (y, x) reads rows and columns `S * y - 1..+3` as far as they lie inside.
    unsafe {
        let mut sums = [[V::load(p.bias)]; T];
        for ky in 0..3 {
            let Some(from_y) = (y * S + ky).checked_sub(1).filter(|&y| y < p.input[0]) else {
                continue;
            };
            let row = p.x.add(from_y * p.input[1] * BLOCK);
            let weights = p.weights.add(ky * 3 * BLOCK);
            columns::row::<V, T, S, FAN, 0>(&mut sums, p.input[1], row, weights, x);
            if FAN == 2 {
                columns::row::<V, T, S, FAN, 1>(&mut sums, p.input[1], row, weights.add(9 * BLOCK), x);
            }
        }
        e.tile(sums.map(|[sum]| sum), block, y * p.size[1] + x);
    }
}
