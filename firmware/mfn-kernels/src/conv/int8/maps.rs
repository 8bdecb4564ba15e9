//! Maps between floats and bytes.

use super::epilogue::{Steps, dequantised};
use super::lanes::Sums;
use crate::conv::columns::Column;
use crate::conv::lanes::Lanes;
use crate::conv::shape::BLOCK;

/// Bytes of a row of an image in its border: pixels of four bytes.
pub fn image_row(width: usize) -> usize {
    (width + 2) * 4
}

/// Bytes of an image of a size, height and width, as a stem reads it: in a border, four bytes a pixel.
#[must_use]
pub fn image_len([height, width]: [usize; 2]) -> usize {
    // The last pixel's taps are read as sixteen bytes.
    (height + 2) * image_row(width) + BLOCK
}

/// Rounds a blocked map.
///
/// # Safety
/// The CPU has `V`'s features; both have the same number of values, whole blocks.
#[inline(always)]
pub unsafe fn quantise<V: Sums>(from: &[f32], steps: &Steps, to: &mut [u8]) {
    for at in (0..from.len()).step_by(BLOCK) {
        // SAFETY: whole blocks of both.
        unsafe {
            let values = V::Floats::load(from.as_ptr().add(at)).mul(V::Floats::splat(steps.per_one));
            V::write(values, steps.zero, to.as_mut_ptr().add(at));
        }
    }
}

/// The values that a rounded blocked map stands for.
///
/// # Safety
/// As for [`quantise`].
#[inline(always)]
pub unsafe fn dequantise<V: Sums>(from: &[u8], steps: &Steps, to: &mut [f32]) {
    for at in (0..from.len()).step_by(BLOCK) {
        // SAFETY: whole blocks of both.
        unsafe { dequantised::<V>(from.as_ptr().add(at), steps).store(to.as_mut_ptr().add(at)) };
    }
}

/// Rounds a plain `[3, H, W]` image into a border of zeros, four bytes a pixel, of which the last is nothing.
///
/// # Safety
/// The CPU has `V`'s features; `from` has `3 H W` values, `to` has [`image_len`] bytes.
#[inline(always)]
pub unsafe fn image<V: Sums>(from: &[f32], [height, width]: [usize; 2], steps: &Steps, to: &mut [u8]) {
    to.fill(steps.zero as u8);
    let row = image_row(width);
    for (line, values) in from.chunks_exact(width).enumerate() {
        let (plane, y) = (line / height, line % height);
        let to = &mut to[(y + 1) * row + 4 + plane..];
        for (at, values) in values.chunks(BLOCK).enumerate() {
            let (mut floats, mut bytes) = ([0.0; BLOCK], [0; BLOCK]);
            floats[..values.len()].copy_from_slice(values);
            // SAFETY: sixteen values and bytes.
            unsafe {
                let floats = V::Floats::load(floats.as_ptr()).mul(V::Floats::splat(steps.per_one));
                V::write(floats, steps.zero, bytes.as_mut_ptr());
            }
            let to = to[at * 4 * BLOCK..].iter_mut().step_by(4);
            to.zip(&bytes[..values.len()]).for_each(|(to, byte)| *to = *byte);
        }
    }
}
