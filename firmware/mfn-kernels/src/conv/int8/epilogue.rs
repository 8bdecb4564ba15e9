//! What happens to a tile of integer sums while it is still in registers: into floats, activation, rounding, residual,
//! and out as floats, as bytes or as both.

use super::lanes::Sums;
use crate::conv::columns::Column;
use crate::conv::epilogue::of_block;
use crate::conv::lanes::Lanes;

/// A grid as the epilogue uses it, for bytes as they are stored.
#[derive(Clone, Copy)]
pub struct Steps {
    /// One step.
    pub step: f32,
    /// Steps in 1.
    pub per_one: f32,
    /// The byte that stands for 0, not reduced to eight bits.
    pub zero: i32,
    /// The least and the largest number of steps.
    pub ends: [f32; 2],
}

/// Pointers to all that an inference layer does after its sums. Channel vectors have whole blocks; maps are blocked.
pub struct Finish {
    /// What a sum is multiplied by, one a channel.
    pub scale: *const f32,
    /// One a channel.
    pub bias: *const f32,
    /// PReLU's slopes minus 1, or null.
    pub bend: *const f32,
    /// The grid that the result takes before the residual is added.
    pub rounded: Option<Steps>,
    /// What is added, or null.
    pub residual: *const f32,
    /// What is added if it is in bytes, or null.
    pub byte_residual: *const u8,
    /// Its grid.
    pub residual_steps: Steps,
    /// Output in floats, or null.
    pub floats: *mut f32,
    /// Output in bytes, or null.
    pub bytes: *mut u8,
    /// Its grid.
    pub steps: Steps,
    /// Values between two output blocks.
    pub stride: usize,
}

impl Finish {
    /// Takes the sums of `P` pixels, from `pixel` on, of `B` output blocks, from `block` on.
    ///
    /// # Safety
    /// The CPU has `V`'s features, and the pointers hold these blocks and pixels.
    #[inline(always)]
    pub unsafe fn tile<V: Sums, const P: usize, const B: usize>(
        &self,
        sums: &[[V; B]; P],
        block: usize,
        pixel: usize,
    ) {
        let at = block * self.stride + pixel * 16;
        // SAFETY: the caller's promise.
        unsafe {
            self.block(of_block::<V, P, B, 0>(sums), block, at);
            if B == 2 {
                self.block(of_block::<V, P, B, 1>(sums), block + 1, at + self.stride);
            }
        }
    }

    #[inline(always)]
    unsafe fn block<V: Sums, const P: usize>(&self, sums: [V; P], block: usize, at: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut y = self.values(sums, block * 16);
            self.round::<V, P>(&mut y);
            self.add::<V, P>(&mut y, at);
            self.give::<V, P>(&mut y, at);
        }
    }

    /// Scaled sums with bias and activation.
    #[inline(always)]
    unsafe fn values<V: Sums, const P: usize>(&self, sums: [V; P], channel: usize) -> [V::Floats; P] {
        // SAFETY: sixteen channels at each pointer; a null pointer is not read.
        unsafe {
            let scale = V::Floats::load(self.scale.add(channel));
            let bias = self.bias.add(channel);
            let mut y = [V::Floats::zero(); P];
            for (y, sum) in y.iter_mut().zip(sums) {
                *y = sum.scaled(scale, bias);
            }
            if !self.bend.is_null() {
                let (bend, zero) = (V::Floats::load(self.bend.add(channel)), V::Floats::zero());
                for y in &mut y {
                    *y = y.min(zero).fma(bend, *y);
                }
            }
            y
        }
    }

    #[inline(always)]
    unsafe fn round<V: Sums, const P: usize>(&self, y: &mut [V::Floats; P]) {
        let Some(steps) = &self.rounded else { return };
        // SAFETY: the caller vouches for the CPU feature.
        unsafe {
            let [low, high] = [V::Floats::splat(steps.ends[0]), V::Floats::splat(steps.ends[1])];
            let (step, per_one) = (V::Floats::splat(steps.step), V::Floats::splat(steps.per_one));
            for y in y {
                *y = V::round(y.mul(per_one)).max(low).min(high).mul(step);
            }
        }
    }

    #[inline(always)]
    unsafe fn add<V: Sums, const P: usize>(&self, y: &mut [V::Floats; P], at: usize) {
        // SAFETY: the residual holds the tile; a null pointer is not read.
        unsafe {
            if !self.residual.is_null() {
                for (p, y) in y.iter_mut().enumerate() {
                    *y = y.add(V::Floats::load(self.residual.add(at + p * 16)));
                }
            }
            if !self.byte_residual.is_null() {
                for (p, y) in y.iter_mut().enumerate() {
                    let value = dequantised::<V>(self.byte_residual.add(at + p * 16), &self.residual_steps);
                    *y = y.add(value);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn give<V: Sums, const P: usize>(&self, y: &mut [V::Floats; P], at: usize) {
        // SAFETY: the outputs hold the tile; a null pointer is not written.
        unsafe {
            if !self.floats.is_null() {
                for (p, y) in y.iter().enumerate() {
                    y.store(self.floats.add(at + p * 16));
                }
            }
            if self.bytes.is_null() {
                return;
            }
            // Whoever scales the sums to steps of the output saves this.
            if self.steps.per_one != 1.0 {
                let per_one = V::Floats::splat(self.steps.per_one);
                for y in y.iter_mut() {
                    *y = y.mul(per_one);
                }
            }
            for (p, y) in y.iter().enumerate() {
                V::write(*y, self.steps.zero, self.bytes.add(at + p * 16));
            }
        }
    }
}

/// Sixteen stored bytes in floats.
///
/// # Safety
/// The CPU has `V`'s features; sixteen bytes at `from`.
#[inline(always)]
pub unsafe fn dequantised<V: Sums>(from: *const u8, steps: &Steps) -> V::Floats {
    // SAFETY: the caller's promise.
    unsafe { V::read(from, steps.zero).mul(V::Floats::splat(steps.step)) }
}
