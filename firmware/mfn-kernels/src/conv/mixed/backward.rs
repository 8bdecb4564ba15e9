//! A 1x1 convolution of one image, backward.

use super::forward::CHUNK;
use super::lanes::Pairs;
use super::product::{HALF, Product, WeightGradient, product, weight_gradient};
use crate::conv::backward::{Backward, gradient_of};
use crate::conv::norm::{BackBlock, NormBlock, behind};
use crate::conv::shape::BLOCK;
use crate::conv::stage::{From, ask_ahead, room};

/// Some neighbouring pixels of an image.
struct Chunk {
    /// The first.
    start: usize,
    /// How many.
    count: usize,
    /// Pixels of the image.
    pixels: usize,
}

impl Chunk {
    /// Pairs of pixels; the last one's second may be missing.
    fn pairs(&self) -> usize {
        self.count.div_ceil(2)
    }

    /// Where the first pixel lies in a block's plane.
    fn at(&self, block: usize) -> usize {
        (block * self.pixels + self.start) * BLOCK
    }
}

/// Backward for one image.
///
/// # Safety
/// The CPU has `V`'s features; lengths were checked.
#[inline(always)]
pub unsafe fn backward<V: Pairs>(mut job: Backward<'_>, weights: &[u32], scratch: &mut Vec<f32>) {
    let (inputs, outputs) = (job.shape.inputs / BLOCK, job.shape.outputs / BLOCK);
    let pixels = job.shape.size[0] * job.shape.size[1];
    let mut epilogue = gradient_of(&mut job);
    let by_channel = room(scratch, (inputs + 2 * outputs) * HALF * CHUNK).cast::<u32>();
    for start in (0..pixels).step_by(CHUNK) {
        let chunk = Chunk { start, count: CHUNK.min(pixels - start), pixels };
        let pairs = chunk.pairs();
        // SAFETY: the chunk lies inside each block's plane; room for both forms of the raw output's gradient and for the
        // input, since a chunk has an even number of pixels or is the last one and shorter.
        unsafe {
            let dz = by_channel.add(outputs * HALF * CHUNK);
            let x = dz.add(outputs * HALF * CHUNK);
            for block in 0..outputs {
                let to = (by_channel.add(block * chunk.count * HALF), dz.add(block * pairs * BLOCK));
                stage_gradient::<V>(&job, &chunk, block, to);
            }
            for block in 0..inputs {
                stage_input::<V>(&job, &chunk, block, x.add(block * pairs * BLOCK));
            }
            let sums = job.weight_sums.as_mut_ptr();
            weight_gradient::<V>(&WeightGradient { x, inputs, dz, outputs, pairs, sums });
            if let Some(e) = &mut epilogue {
                let (x, weights, pixels) = (by_channel.cast_const(), weights.as_ptr(), chunk.count);
                let back = Product { x, inputs: outputs, weights, outputs: inputs, pixels };
                product::<V, _>(&back, &mut From(e, start));
            }
        }
    }
}

/// The raw output's gradient of a block, by channels and by pixels.
#[inline(always)]
unsafe fn stage_gradient<V: Pairs>(
    job: &Backward<'_>,
    chunk: &Chunk,
    block: usize,
    (by_channel, by_pixel): (*mut u32, *mut u32),
) {
    // SAFETY: the norm's vectors hold the block, the maps its pixels, both targets have room for them.
    unsafe {
        let back = BackBlock::<V>::load(&job.norm.pointers(), job.means.as_ptr(), job.shape.outputs, block);
        let gradient = job.gradient.as_ptr().add(chunk.at(block));
        let raw = job.raw.as_ptr().add(chunk.at(block));
        let one = |pixel: usize| {
            let (gradient, raw) = (gradient.add(pixel * BLOCK), raw.add(pixel * BLOCK));
            ask_ahead(gradient);
            ask_ahead(raw);
            let dz = back.backward(V::load(gradient), V::load(raw));
            dz.store_rounded(by_channel.add(pixel * HALF));
            dz
        };
        pair_up(chunk, by_pixel, one);
    }
}

/// The input of a block, behind the norm where there is one, by pixels.
#[inline(always)]
unsafe fn stage_input<V: Pairs>(job: &Backward<'_>, chunk: &Chunk, block: usize, to: *mut u32) {
    let norm = job.input.norm.map(|norm| norm.pointers());
    // SAFETY: the norm's vectors hold the block, the map its pixels, the target has room for them.
    unsafe {
        let norm = norm.as_ref().map(|norm| NormBlock::<V>::load(norm, block));
        let from = job.input.data.as_ptr().add(chunk.at(block));
        let one = |pixel: usize| {
            let at = from.add(pixel * BLOCK);
            ask_ahead(at);
            behind(norm.as_ref(), V::load(at))
        };
        pair_up(chunk, to, one);
    }
}

/// Stores what `one` makes of each pixel in pairs; a missing second one is zero.
///
/// # Safety
/// The CPU has `V`'s features; room for the chunk's pairs.
#[inline(always)]
unsafe fn pair_up<V: Pairs>(chunk: &Chunk, to: *mut u32, one: impl Fn(usize) -> V) {
    for pair in 0..chunk.count / 2 {
        // SAFETY: the caller's promise.
        unsafe { one(2 * pair).store_paired(one(2 * pair + 1), to.add(pair * BLOCK)) };
    }
    if chunk.count % 2 == 1 {
        // SAFETY: the caller's promise.
        unsafe { one(chunk.count - 1).store_paired(V::zero(), to.add(chunk.count / 2 * BLOCK)) };
    }
}
