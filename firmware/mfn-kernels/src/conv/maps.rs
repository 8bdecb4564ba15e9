//! What happens to blocked maps besides convolutions. What computes is here for every instruction set, for
//! [`Kernels`](crate::Kernels); what only copies is plain Rust.
//!
//! Slices hold whole maps of one image; channels are filled up to whole blocks.

use super::lanes::Lanes;
use super::shape::BLOCK;

type Block = [f32; BLOCK];

fn blocks(values: &[f32]) -> &[Block] {
    values.as_chunks().0
}

fn blocks_mut(values: &mut [f32]) -> &mut [Block] {
    values.as_chunks_mut().0
}

/// From `[C, H, W]` into blocks; channels that fill up the last block become zero. `[H, W]` is whatever makes the
/// lengths fit.
pub fn enter(plain: &[f32], blocked: &mut [f32], channels: usize) {
    let pixels = plain.len() / channels;
    for (block, to) in blocked.chunks_exact_mut(pixels * BLOCK).enumerate() {
        let planes = plain[block * BLOCK * pixels..].chunks_exact(pixels).take(BLOCK);
        to.fill(0.0);
        for (lane, plane) in planes.enumerate() {
            to[lane..].iter_mut().step_by(BLOCK).zip(plane).for_each(|(to, &from)| *to = from);
        }
    }
}

/// From blocks to `[C, H, W]`.
pub fn leave(blocked: &[f32], channels: usize, plain: &mut [f32]) {
    let pixels = plain.len() / channels;
    for (channel, plane) in plain.chunks_exact_mut(pixels).enumerate() {
        let from = &blocked[channel / BLOCK * pixels * BLOCK + channel % BLOCK..];
        plane.iter_mut().zip(from.iter().step_by(BLOCK)).for_each(|(to, &from)| *to = from);
    }
}

/// PReLU.
///
/// # Safety
/// The CPU has `V`'s features, here and below.
#[inline(always)]
pub(super) unsafe fn slope<V: Lanes>(from: &[f32], slope: &[f32], to: &mut [f32]) {
    let plane = from.len() / slope.len() * BLOCK;
    for ((from, to), slope) in from.chunks_exact(plane).zip(to.chunks_exact_mut(plane)).zip(blocks(slope)) {
        // SAFETY: sixteen values each.
        unsafe {
            let slope = V::load(slope.as_ptr());
            for (from, to) in blocks(from).iter().zip(blocks_mut(to)) {
                let x = V::load(from.as_ptr());
                x.min(V::zero()).fma(slope, x.max(V::zero())).store(to.as_mut_ptr());
            }
        }
    }
}

/// The sum of two maps.
///
/// # Safety
/// As for [`slope`].
#[inline(always)]
pub(super) unsafe fn add<V: Lanes>(left: &[f32], right: &[f32], to: &mut [f32]) {
    for ((left, right), to) in blocks(left).iter().zip(blocks(right)).zip(blocks_mut(to)) {
        // SAFETY: sixteen values each.
        unsafe { V::load(left.as_ptr()).add(V::load(right.as_ptr())).store(to.as_mut_ptr()) };
    }
}

/// The largest of each 2x2 of maps of an even size, height and width.
///
/// # Safety
/// As for [`slope`].
#[inline(always)]
pub(super) unsafe fn pool<V: Lanes>(from: &[f32], [_, width]: [usize; 2], to: &mut [f32]) {
    for (from, to) in from.chunks_exact(2 * width * BLOCK).zip(to.chunks_exact_mut(width / 2 * BLOCK)) {
        let (upper, lower) = blocks(from).split_at(width);
        for ((upper, lower), to) in upper.chunks_exact(2).zip(lower.chunks_exact(2)).zip(blocks_mut(to)) {
            let at = |block: &Block| block.as_ptr();
            // SAFETY: sixteen values each.
            unsafe {
                let upper = V::load(at(&upper[0])).max(V::load(at(&upper[1])));
                let lower = V::load(at(&lower[0])).max(V::load(at(&lower[1])));
                upper.max(lower).store(to.as_mut_ptr());
            }
        }
    }
}

/// Each value of maps of a size, height and width, in a 2x2.
pub fn double(from: &[f32], [_, width]: [usize; 2], to: &mut [f32]) {
    for (from, to) in from.chunks_exact(width * BLOCK).zip(to.chunks_exact_mut(4 * width * BLOCK)) {
        let (upper, lower) = blocks_mut(to).split_at_mut(2 * width);
        for (from, to) in blocks(from).iter().zip(upper.chunks_exact_mut(2)) {
            to.fill(*from);
        }
        lower.copy_from_slice(upper);
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;
    use crate::{Kernels, Level};

    fn ramp(length: usize) -> Vec<f32> {
        (0..length).map(|i| (i * 37 % 101) as f32 - 50.0).collect()
    }

    #[test]
    fn the_way_in_and_out_keeps_every_value() {
        for (channels, pixels) in [(16, 6), (20, 5), (3, 7), (33, 1)] {
            let plain = ramp(channels * pixels);
            let padded = channels.next_multiple_of(BLOCK);
            let mut blocked = vec![f32::NAN; padded * pixels];
            enter(&plain, &mut blocked, channels);
            let mut filled = plain.clone();
            filled.resize(padded * pixels, 0.0);
            assert_eq!(blocked, reference::block(&filled, padded));
            let mut back = vec![f32::NAN; plain.len()];
            leave(&blocked, channels, &mut back);
            assert_eq!(back, plain);
        }
    }

    #[test]
    fn pooling_and_doubling() {
        let (channels, [height, width]) = (32, [4, 6]);
        let plain = ramp(channels * height * width);
        let at = |c: usize, y: usize, x: usize| plain[(c * height + y) * width + x];
        let each = |h: usize, w: usize| (0..channels * h * w).map(move |i| (i / (h * w), i / w % h, i % w));
        let pooled: Vec<f32> = each(height / 2, width / 2)
            .map(|(c, y, x)| [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(j, i)| at(c, 2 * y + j, 2 * x + i)))
            .map(|four| four.into_iter().fold(f32::MIN, f32::max))
            .collect();
        let doubled: Vec<f32> = each(2 * height, 2 * width).map(|(c, y, x)| at(c, y / 2, x / 2)).collect();
        let blocked = reference::block(&plain, channels);
        for kernels in Level::ALL.into_iter().filter_map(Kernels::at) {
            let mut out = vec![f32::NAN; pooled.len()];
            kernels.map_pool(&blocked, [height, width], &mut out);
            assert_eq!(reference::unblock(&out, channels), pooled, "{:?}", kernels.level());
        }
        let mut out = vec![f32::NAN; doubled.len()];
        double(&blocked, [height, width], &mut out);
        assert_eq!(reference::unblock(&out, channels), doubled);
    }

    #[test]
    fn slopes_and_sums() {
        let (from, slopes) = (ramp(32 * 5), ramp(32));
        let channel = |i: usize| i / (5 * BLOCK) * BLOCK + i % BLOCK;
        for kernels in Level::ALL.into_iter().filter_map(Kernels::at) {
            let mut out = vec![f32::NAN; from.len()];
            kernels.map_slope(&from, &slopes, &mut out);
            for (i, (&x, &y)) in from.iter().zip(&out).enumerate() {
                assert_eq!(y, if x > 0.0 { x } else { x * slopes[channel(i)] }, "{:?}", kernels.level());
            }
            kernels.map_add(&from, &from, &mut out);
            assert!(from.iter().zip(&out).all(|(x, y)| 2.0 * x == *y), "{:?}", kernels.level());
        }
    }
}
