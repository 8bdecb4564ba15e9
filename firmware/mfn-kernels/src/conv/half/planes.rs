//! 3x3 convolutions of planes, padding 1: depthwise of stride 1 or 2, and groups of two channels.
//!
//! A plane is one block of channels, `[height][width][16]`. With a fan of two the sum is one of two depthwise
//! convolutions: in the j-th, both channels of a group are replaced by the group's channel `j`.

use super::epilogue::Finish;
use super::lanes::Lanes;
use super::layer::Layer;
use crate::conv::shape::BLOCK;

/// Columns of a tile: the maps of the paper's network have 56, 28, 14 and 7.
const COLUMNS: usize = 7;
/// What lies outside of a plane.
static ZEROS: [u16; BLOCK] = [0; BLOCK];

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
                if size[1] < COLUMNS {
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
        let mut sums = [V::load(p.bias); T];
        for ky in 0..3 {
            let Some(from_y) = (y * S + ky).checked_sub(1).filter(|&y| y < p.input[0]) else {
                continue;
            };
            let row = p.x.add(from_y * p.input[1] * BLOCK);
            let weights = p.weights.add(ky * 3 * BLOCK);
            row_step::<V, T, FAN, S, 0>(&mut sums, p, row, weights, x);
            if FAN == 2 {
                row_step::<V, T, FAN, S, 1>(&mut sums, p, row, weights.add(9 * BLOCK), x);
            }
        }
        e.tile(sums, block, y * p.size[1] + x);
    }
}

/// The three taps of one row, for channel `J` of each group.
#[inline(always)]
unsafe fn row_step<V: Lanes, const T: usize, const FAN: usize, const S: usize, const J: usize>(
    sums: &mut [V; T],
    p: &Plane,
    row: *const u16,
    weights: *const u16,
    x: usize,
) {
    // Only the first column and the last may lie outside.
    let outside = [x == 0, (x + T - 1) * S + 1 >= p.input[1]];
    // In front of the row's start for the first column, where it is not used.
    let from = row.wrapping_add(x * S * BLOCK).wrapping_sub(BLOCK);
    // Not a loop: each column knows its sums at compile time, so they stay in registers.
    macro_rules! columns {
        ($weights:expr, $($i:literal)*) => {
            $(column::<V, T, FAN, S, J, $i>(sums, $weights, from, outside);)*
        };
    }
    // SAFETY: three vectors of weights; columns inside the row, or sixteen zeros.
    unsafe {
        let weights = [V::load(weights), V::load(weights.add(BLOCK)), V::load(weights.add(2 * BLOCK))];
        columns!(weights, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

/// Reads a column once, for all outputs that it is a tap of; nothing where `T` outputs have fewer columns.
#[inline(always)]
unsafe fn column<
    V: Lanes,
    const T: usize,
    const FAN: usize,
    const S: usize,
    const J: usize,
    const I: usize,
>(
    sums: &mut [V; T],
    weights: [V; 3],
    from: *const u16,
    outside: [bool; 2],
) {
    let last = (T - 1) * S + 2;
    if I > last {
        return;
    }
    let zeros = (I == 0 && outside[0]) || (I == last && outside[1]);
    // Asked only at the two ends, so that the others are read where they lie.
    let at = if (I == 0 || I == last) && zeros { ZEROS.as_ptr() } else { from.wrapping_add(I * BLOCK) };
    // SAFETY: a column of the row, or sixteen zeros.
    unsafe {
        let value = V::load_of_group::<FAN, J>(at);
        for (k, weight) in weights.into_iter().enumerate() {
            let output = I.wrapping_sub(k);
            if I >= k && output.is_multiple_of(S) && output / S < T {
                sums[output / S] = value.fma(weight, sums[output / S]);
            }
        }
    }
}
