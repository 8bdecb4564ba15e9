//! What the layers of both directions share: input, chunks, scratch memory, patches of the stem.

use std::ops::Range;

use super::epilogue::Epilogue;
use super::lanes::Lanes;
use super::norm::{Norm, NormBlock};
use super::product::{Product, WeightGradient};
use super::shape::{BLOCK, Shape};
use super::stem::Stem;

/// A layer's input, one image: as it is, or the raw output of the layer before with its norm to be applied.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The values, blocked (plain for a stem).
    pub data: &'a [f32],
    /// The norm and activation that are still to be applied.
    pub norm: Option<Norm<'a>>,
}

/// A layer and the map of one image that it reads.
pub struct Part<'a> {
    /// The layer.
    pub shape: &'a Shape,
    /// The input's first value.
    pub x: *const f32,
    /// Values between two of the input's blocks of channels.
    pub plane: usize,
    /// Rows of the input that are there, row `y` at `y % ring`: for planes that are read as they lie.
    pub ring: usize,
    /// The norm and activation that are still to be applied to the input.
    pub norm: Option<Norm<'a>>,
    /// Packed.
    pub weights: &'a [f32],
    /// Rows of the output: any, of planes that are read as they lie; else all.
    pub rows: Range<usize>,
}

impl<'a> Part<'a> {
    /// All rows.
    pub fn whole(shape: &'a Shape, input: Input<'a>, weights: &'a [f32]) -> Part<'a> {
        let plane = shape.size[0] * shape.size[1] * BLOCK;
        let rows = 0..shape.output_size()[0];
        Part { shape, x: input.data.as_ptr(), plane, ring: usize::MAX, norm: input.norm, weights, rows }
    }

    /// Whether these are planes that are read as they lie.
    pub fn is_in_place(&self) -> bool {
        self.shape.in_registers() && self.norm.is_none()
    }
}

/// Register tiles of an instruction set.
pub trait Tiles: Lanes {
    /// Pixels that a dense product takes at a time, so that its operands stay in the second-level cache: whole tiles.
    const CHUNK: usize;

    /// See [`super::product::product`].
    unsafe fn product<E: Epilogue<Self>>(product: &Product, e: &mut E);
    /// See [`super::stem::stem`].
    unsafe fn stem<E: Epilogue<Self>>(stem: &Stem, e: &mut E);
    /// See [`super::product::weight_gradient`].
    unsafe fn weight_gradient(gradient: &WeightGradient);
}

/// An epilogue whose pixels begin further on.
pub struct From<'a, E>(pub &'a mut E, pub usize);

impl<V: Lanes, E: Epilogue<V>> Epilogue<V> for From<'_, E> {
    #[inline(always)]
    unsafe fn start(&self, block: usize) -> *const f32 {
        // SAFETY: the caller's promise.
        unsafe { self.0.start(block) }
    }

    #[inline(always)]
    unsafe fn tile<const P: usize, const B: usize>(
        &mut self,
        sums: &[[V; B]; P],
        block: usize,
        pixel: usize,
    ) {
        // SAFETY: the caller's promise, for the shifted pixels.
        unsafe { self.0.tile(sums, block, self.1 + pixel) };
    }
}

/// Values that training's passes over maps ask for in advance: 2 KiB cover the time that the third-level cache takes.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 512;

/// Asks for what a pass over a map will read soon. A batch's maps leave the second-level cache between two layers, and
/// the processor's own prefetching keeps up with only a part of the passes. Any address will do.
#[inline(always)]
pub fn ask_ahead(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    crate::x86::prefetch(at.wrapping_add(AHEAD));
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Applies a norm to `count` pixels of one block.
///
/// # Safety
/// The CPU has `V`'s features; both pointers hold the pixels.
#[inline(always)]
pub unsafe fn apply<V: Lanes>(norm: &NormBlock<V>, from: *const f32, to: *mut f32, count: usize) {
    for at in (0..count).map(|i| i * BLOCK) {
        ask_ahead(from.wrapping_add(at));
        // SAFETY: `count` pixels at both pointers.
        unsafe { norm.forward(V::load(from.add(at))).store(to.add(at)) };
    }
}

/// At least `len` values of scratch, at a cache line's start.
pub fn room(scratch: &mut Vec<f32>, len: usize) -> *mut f32 {
    if scratch.len() < len + BLOCK {
        scratch.resize(len + BLOCK, 0.0);
    }
    let skip = scratch.as_ptr().align_offset(64).min(BLOCK);
    scratch[skip..].as_mut_ptr()
}

/// The stem's patches, `[2][pixels][16]`: the 27 taps of each output pixel in the weight's order, then zeros.
pub fn patches(shape: &Shape, image: &[f32], out: &mut [f32]) {
    let [height, width] = shape.size;
    let [out_height, out_width] = shape.output_size();
    let pixels = out_height * out_width;
    out.fill(0.0);
    for (tap, (channel, ky, kx)) in (0..27).map(|t| (t, (t / 9, t / 3 % 3, t % 3))) {
        let out = &mut out[tap / BLOCK * pixels * BLOCK + tap % BLOCK..];
        for y in 0..out_height {
            let Some(from_y) = (2 * y + ky).checked_sub(1).filter(|&y| y < height) else { continue };
            let row = &image[(channel * height + from_y) * width..][..width];
            for x in usize::from(kx == 0)..out_width {
                if let Some(&value) = row.get(2 * x + kx - 1) {
                    out[(y * out_width + x) * BLOCK] = value;
                }
            }
        }
    }
}
