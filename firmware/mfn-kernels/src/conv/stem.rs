//! The stem forward: a 3x3 convolution of stride 2 over a plain image.

use super::epilogue::Epilogue;
use super::lanes::Lanes;
use super::product::start;
use super::shape::PATCH;

/// The stem over an image in a border of zeros.
pub struct Stem {
    /// Three planes, padded.
    pub image: *const f32,
    /// Values of a padded row.
    pub row: usize,
    /// Values of a padded plane.
    pub plane: usize,
    /// `[outputs][PATCH][16]`, of which 27 taps are used.
    pub weights: *const f32,
    /// Output blocks.
    pub outputs: usize,
    /// Rows and columns of the output.
    pub size: [usize; 2],
}

/// The stem in tiles of `P` columns and `B` blocks.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Stem`] says.
#[inline(always)]
pub unsafe fn stem<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(s: &Stem, e: &mut E) {
    let mut block = 0;
    // SAFETY: blocks below `outputs` only.
    unsafe {
        while block + B <= s.outputs {
            rows::<V, E, P, B>(s, e, block);
            block += B;
        }
        while block < s.outputs {
            rows::<V, E, P, 1>(s, e, block);
            block += 1;
        }
    }
}

#[inline(always)]
unsafe fn rows<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(s: &Stem, e: &mut E, block: usize) {
    let [height, width] = s.size;
    for y in 0..height {
        let mut x = 0;
        // SAFETY: tiles end at the width.
        unsafe {
            while x + P <= width {
                tile::<V, E, P, B>(s, e, block, y, x);
                x += P;
            }
            while P > 4 && x + 4 <= width {
                tile::<V, E, 4, B>(s, e, block, y, x);
                x += 4;
            }
            while x < width {
                tile::<V, E, 1, B>(s, e, block, y, x);
                x += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    s: &Stem,
    e: &mut E,
    block: usize,
    y: usize,
    x: usize,
) {
    // SAFETY: output (y, x) reads rows `2y..+3` and columns `2x..+3` of the padded planes; 27 taps of weights.
    unsafe {
        let mut sums = [start::<V, E, B>(e, block); P];
        let mut weights = s.weights.add(block * PATCH * 16);
        for line in 0..9 {
            let from = s.image.add(line / 3 * s.plane + (2 * y + line % 3) * s.row + 2 * x);
            for kx in 0..3 {
                let mut factors = [V::zero(); B];
                for (b, factor) in factors.iter_mut().enumerate() {
                    *factor = V::load(weights.add(b * PATCH * 16));
                }
                for (p, row) in sums.iter_mut().enumerate() {
                    let value = V::splat(*from.add(2 * p + kx));
                    for (sum, factor) in row.iter_mut().zip(&factors) {
                        *sum = value.fma(*factor, *sum);
                    }
                }
                weights = weights.add(16);
            }
        }
        e.tile(&sums, block, y * s.size[1] + x);
    }
}
