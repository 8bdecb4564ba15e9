//! One int8 layer for one image.

use super::dense::Dense;
use super::epilogue::Finish;
use super::lanes::Sums;
use super::maps::image_row;
use super::pack::Packed;
use super::planes::{self, WINDOW_WEIGHTS, Windows};
use crate::conv::shape::{BLOCK, Kind};
use crate::conv::stage::room;

/// Register tiles of an instruction set.
pub trait Tiles: Sums {
    /// Pixels that a dense product takes at a time, so that its operands stay in the first-level cache: whole tiles.
    const CHUNK: usize;
    /// Bytes of room that a convolution of planes wants for so many rows of outputs.
    const PLANE_ROOM: fn(usize) -> usize = |_| 0;

    /// See [`super::dense::dense`].
    unsafe fn dense<const Q: usize>(d: &Dense, e: &Finish);
    /// A dense product of whole groups, pixels side by side.
    #[inline(always)]
    unsafe fn pointwise(d: &Dense, e: &Finish) {
        // SAFETY: the caller's promise.
        unsafe { Self::dense::<4>(d, e) };
    }
    /// See [`planes::convolve`].
    unsafe fn planes<const STRIDE: usize, const FAN: usize>(w: &Windows, e: &Finish, block: usize);
}

/// The layer of `packed`: raw sums go to the epilogue, tile by tile.
///
/// # Safety
/// The CPU has `V`'s features; lengths were checked.
#[inline(always)]
pub unsafe fn forward<V: Tiles>(packed: &Packed, input: &[u8], zero: u8, scratch: &mut Vec<f32>, e: &Finish) {
    // SAFETY: the caller's promise.
    unsafe {
        match packed.shape.kind {
            Kind::Pointwise => pointwise::<V>(packed, input, e),
            Kind::Stem => stem::<V>(packed, input, e),
            Kind::Global => global::<V>(packed, input, scratch, e),
            Kind::Planes { stride: 2, .. } => plane_blocks::<V, 2, 1>(packed, input, zero, scratch, e),
            Kind::Planes { fan: 1, .. } => plane_blocks::<V, 1, 1>(packed, input, zero, scratch, e),
            Kind::Planes { fan: 2, .. } => plane_blocks::<V, 1, 2>(packed, input, zero, scratch, e),
            Kind::Planes { .. } => plane_blocks::<V, 1, 4>(packed, input, zero, scratch, e),
        }
    }
}

#[inline(always)]
unsafe fn pointwise<V: Tiles>(packed: &Packed, input: &[u8], e: &Finish) {
    let shape = &packed.shape;
    let pixels = shape.size[0] * shape.size[1];
    for first in (0..pixels).step_by(V::CHUNK) {
        // SAFETY: at most `CHUNK` pixels from `first` in every block of the input.
        unsafe {
            let d = Dense {
                x: input.as_ptr().add(first * BLOCK),
                pixel: BLOCK,
                group: pixels * BLOCK,
                groups: shape.inputs / BLOCK,
                weights: packed.weights(),
                start: packed.start.as_ptr(),
                outputs: shape.outputs / BLOCK,
                pixels: V::CHUNK.min(pixels - first),
                first,
            };
            V::pointwise(&d, e);
        }
    }
}

#[inline(always)]
unsafe fn stem<V: Tiles>(packed: &Packed, image: &[u8], e: &Finish) {
    let shape = &packed.shape;
    let ([height, width], row) = (shape.output_size(), image_row(shape.size[1]));
    for y in 0..height {
        // SAFETY: rows `2y..+3` of the bordered image.
        unsafe {
            let d = Dense {
                x: image.as_ptr().add(2 * y * row),
                pixel: 8,
                group: row,
                groups: 3,
                weights: packed.weights(),
                start: packed.start.as_ptr(),
                outputs: shape.outputs / BLOCK,
                pixels: width,
                first: y * width,
            };
            V::dense::<3>(&d, e);
        }
    }
}

#[inline(always)]
unsafe fn global<V: Tiles>(packed: &Packed, input: &[u8], scratch: &mut Vec<f32>, e: &Finish) {
    let plane = packed.shape.size[0] * packed.shape.size[1] * BLOCK;
    let groups = plane.div_ceil(64);
    let room: *mut u8 = room(scratch, groups * 16).cast();
    for (block, from) in input.chunks_exact(plane).enumerate() {
        // SAFETY: the last window may end behind the plane, but not behind its copy; weights and starts of the block.
        unsafe {
            from.as_ptr().copy_to_nonoverlapping(room, plane);
            let weights = packed.weights().add(block * groups * 64);
            planes::global::<V>(room, weights, packed.start.as_ptr().add(block * BLOCK), groups, e, block);
        }
    }
}

/// Each block's plane, copied into a border of zeros.
#[inline(always)]
unsafe fn plane_blocks<V: Tiles, const STRIDE: usize, const FAN: usize>(
    packed: &Packed,
    input: &[u8],
    zero: u8,
    scratch: &mut Vec<f32>,
    e: &Finish,
) {
    let shape = &packed.shape;
    let [height, width] = shape.size;
    let row = (width + 2) * BLOCK;
    // A window may end one pixel behind the border.
    let length = (height + 2) * row + BLOCK;
    let sums = length.next_multiple_of(64);
    let room: *mut u8 = room(scratch, (sums + (V::PLANE_ROOM)(height)) / 4).cast();
    // SAFETY: the room holds the border and all rows in it, and sums behind; weights and starts of each block.
    unsafe {
        room.write_bytes(zero, length);
        for (block, plane) in input.chunks_exact(height * width * BLOCK).enumerate() {
            for (y, from) in plane.chunks_exact(width * BLOCK).enumerate() {
                from.as_ptr().copy_to_nonoverlapping(room.add((y + 1) * row + BLOCK), width * BLOCK);
            }
            let windows = Windows {
                x: room,
                row,
                weights: packed.weights().add(block * FAN * WINDOW_WEIGHTS),
                start: packed.start.as_ptr().add(block * BLOCK),
                size: shape.output_size(),
                sums: room.add(sums).cast(),
            };
            V::planes::<STRIDE, FAN>(&windows, e, block);
        }
    }
}
