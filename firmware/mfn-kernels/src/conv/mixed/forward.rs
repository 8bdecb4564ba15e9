//! A 1x1 convolution of one image, forward.

use super::lanes::Pairs;
use super::product::{HALF, Product, product};
use crate::conv::epilogue::Epilogue;
use crate::conv::norm::{Norm, NormBlock, behind};
use crate::conv::shape::{BLOCK, Shape};
use crate::conv::stage::{From, Input, ask_ahead, room};

/// Pixels that a product takes at a time, so that its operands stay in the second-level cache: whole tiles, and pairs.
pub const CHUNK: usize = 98;

/// Raw sums go to the epilogue, tile by tile.
///
/// # Safety
/// The CPU has `V`'s features; lengths were checked, and `e` takes all blocks and pixels.
#[inline(always)]
pub unsafe fn forward<V: Pairs, E: Epilogue<V>>(
    shape: &Shape,
    input: Input<'_>,
    weights: &[u32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    let (inputs, outputs) = (shape.inputs / BLOCK, shape.outputs / BLOCK);
    let pixels = shape.size[0] * shape.size[1];
    let room = room(scratch, inputs * HALF * CHUNK).cast::<u32>();
    for start in (0..pixels).step_by(CHUNK) {
        let count = CHUNK.min(pixels - start);
        // SAFETY: `count` pixels from `start` in every block of the input; room for all of them.
        unsafe {
            for block in 0..inputs {
                let from = input.data.as_ptr().add((block * pixels + start) * BLOCK);
                stage::<V>(input.norm, block, from, room.add(block * count * HALF), count);
            }
            let weights = weights.as_ptr();
            let product_of = Product { x: room, inputs, weights, outputs, pixels: count };
            product::<V, _>(&product_of, &mut From(e, start));
        }
    }
}

/// Rounds `count` pixels of a block, behind the norm where there is one.
#[inline(always)]
unsafe fn stage<V: Pairs>(
    norm: Option<Norm<'_>>,
    block: usize,
    from: *const f32,
    to: *mut u32,
    count: usize,
) {
    let norm = norm.map(|norm| norm.pointers());
    // SAFETY: the norm's vectors hold the block; `count` pixels at both pointers.
    unsafe {
        let norm = norm.as_ref().map(|norm| NormBlock::<V>::load(norm, block));
        for pixel in 0..count {
            let at = from.add(pixel * BLOCK);
            ask_ahead(at);
            behind(norm.as_ref(), V::load(at)).store_rounded(to.add(pixel * HALF));
        }
    }
}
