//! A 1x1 convolution of one image, forward.

use super::lanes::Pairs;
use super::product::{HALF, Product, product};
use crate::conv::epilogue::Epilogue;
use crate::conv::norm::NormBlock;
use crate::conv::shape::BLOCK;
use crate::conv::stage::{From, Part, ask_ahead, room};

/// Pixels that a product takes at a time, so that its operands stay in the second-level cache: whole tiles, and pairs.
pub const CHUNK: usize = 98;

/// Raw sums go to the epilogue, tile by tile.
///
/// # Safety
/// The CPU has `V`'s features; the part's pointers hold what it says, `weights` those of the whole layer.
#[inline(always)]
pub unsafe fn forward<V: Pairs, E: Epilogue<V>>(
    part: &Part<'_>,
    weights: &[u32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    let shape = part.shape;
    let (inputs, outputs) = (shape.inputs / BLOCK, shape.outputs / BLOCK);
    let pixels = shape.size[0] * shape.size[1];
    let room = room(scratch, inputs * HALF * CHUNK).cast::<u32>();
    for start in (0..pixels).step_by(CHUNK) {
        let count = CHUNK.min(pixels - start);
        // SAFETY: `count` pixels from `start` in every block of the input; room for all of them.
        unsafe {
            for block in 0..inputs {
                let from = part.x.add(block * part.plane + start * BLOCK);
                stage::<V>(part, block, from, room.add(block * count * HALF), count);
            }
            let weights = weights.as_ptr();
            let product_of = Product { x: room, inputs, weights, outputs, pixels: count };
            product::<V, _>(&product_of, &mut From(e, start));
        }
    }
}

/// Rounds `count` pixels of a block, behind the norm where there is one.
#[inline(always)]
unsafe fn stage<V: Pairs>(part: &Part<'_>, block: usize, from: *const f32, to: *mut u32, count: usize) {
    let norm = part.norm.map(|norm| norm.pointers());
    // SAFETY: the norm's vectors hold the block; `count` pixels at both pointers.
    unsafe {
        let norm = norm.as_ref().map(|norm| NormBlock::<V>::load(norm, block));
        for pixel in 0..count {
            let at = from.add(pixel * BLOCK);
            ask_ahead(at);
            let raw = V::load(at);
            let value = match &norm {
                Some(norm) => norm.forward(raw),
                None => raw,
            };
            value.store_rounded(to.add(pixel * HALF));
        }
    }
}
