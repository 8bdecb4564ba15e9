//! 1x1 convolutions of bytes on 64-bit ARM: tiles of four pixels (and of one, at the end) by sixteen outputs, whose
//! sums assembly makes, with the dot product extension (`dots_neon.rs`) or without (`rows_neon.rs`).

use super::dense::Dense;
use super::epilogue::Finish;
use super::lanes::Sums;

/// The operands of a tile.
pub struct Operands {
    /// The first pixel's first group of sixteen inputs; pixels lie side by side.
    pub x: *const u8,
    /// Bytes between two groups.
    pub group: usize,
    /// Groups, at least one.
    pub groups: usize,
    /// The block's weights.
    pub weights: *const i8,
    /// What the sums begin with, sixteen.
    pub start: *const i32,
}

/// What makes a tile's sums.
pub trait Tile: Sums {
    /// The sums of four pixels.
    ///
    /// # Safety
    /// The CPU has the type's features; the pointers hold what [`Operands`] says.
    unsafe fn four(o: &Operands) -> [[Self; 1]; 4];
    /// The sums of one pixel.
    ///
    /// # Safety
    /// As for four.
    unsafe fn one(o: &Operands) -> [[Self; 1]; 1];
}

/// A 1x1 convolution, as [`super::dense::dense`] makes it.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Dense`] says, with pixels side by side.
#[inline(always)]
pub unsafe fn dense<V: Tile>(d: &Dense, e: &Finish) {
    for block in 0..d.outputs {
        let mut pixel = 0;
        // SAFETY: blocks below `outputs`, tiles that end at `pixels`.
        unsafe {
            while pixel + 4 <= d.pixels {
                e.tile(&V::four(&operands(d, block, pixel)), block, d.first + pixel);
                pixel += 4;
            }
            while pixel < d.pixels {
                e.tile(&V::one(&operands(d, block, pixel)), block, d.first + pixel);
                pixel += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn operands(d: &Dense, block: usize, pixel: usize) -> Operands {
    let (group, groups) = (d.group, d.groups);
    // SAFETY: the caller's block and pixel.
    unsafe {
        let (x, weights) = (d.x.add(pixel * d.pixel), d.weights.add(block * groups * 256));
        Operands { x, group, groups, weights, start: d.start.add(block * 16) }
    }
}
