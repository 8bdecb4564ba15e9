//! The stem forward: a 3x3 convolution of stride 2 over a plain image.

use super::epilogue::Epilogue;
use super::lanes::Lanes;
use super::product::start;
use super::shape::PATCH;

/// The stem over an image.
pub struct Stem {
    /// Three planes.
    pub image: *const f32,
    /// Their rows and columns.
    pub input: [usize; 2],
    /// Room for [`Stem::lines`].
    pub room: *mut f32,
    /// `[outputs][PATCH][16]`, of which 27 taps are used.
    pub weights: *const f32,
    /// Output blocks.
    pub outputs: usize,
    /// Rows and columns of the output.
    pub size: [usize; 2],
}

impl Stem {
    /// Values of the lines that a row of the output is made from: three of each plane, each with a zero at both ends.
    pub fn lines(width: usize) -> usize {
        9 * (width + 2)
    }

    /// Copies them, so that tiles need not ask where the image ends.
    #[inline(always)]
    unsafe fn fill(&self, y: usize) {
        let [height, width] = self.input;
        for line in 0..9 {
            // SAFETY: rows below `height` of the image, and nine lines of room.
            unsafe {
                let to = self.room.add(line * (width + 2));
                match (2 * y + line % 3).checked_sub(1).filter(|&y| y < height) {
                    Some(y) => {
                        let from = self.image.add((line / 3 * height + y) * width);
                        to.write(0.0);
                        from.copy_to_nonoverlapping(to.add(1), width);
                        to.add(width + 1).write(0.0);
                    }
                    None => to.write_bytes(0, width + 2),
                }
            }
        }
    }
}

/// The stem in tiles of `P` columns and `B` blocks.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Stem`] says.
#[inline(always)]
pub unsafe fn stem<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(s: &Stem, e: &mut E) {
    for y in 0..s.size[0] {
        let mut block = 0;
        // SAFETY: rows of the output; blocks below `outputs` only.
        unsafe {
            s.fill(y);
            while block + B <= s.outputs {
                row::<V, E, P, B>(s, e, block, y);
                block += B;
            }
            while block < s.outputs {
                row::<V, E, P, 1>(s, e, block, y);
                block += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn row<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    s: &Stem,
    e: &mut E,
    block: usize,
    y: usize,
) {
    let (width, mut x) = (s.size[1], 0);
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

#[inline(always)]
unsafe fn tile<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    s: &Stem,
    e: &mut E,
    block: usize,
    y: usize,
    x: usize,
) {
    // SAFETY: output (y, x) reads columns `2x..+3` of the lines; 27 taps of weights.
    unsafe {
        let mut sums = [start::<V, E, B>(e, block); P];
        let mut weights = s.weights.add(block * PATCH * 16);
        for line in 0..9 {
            let from = s.room.add(line * (s.input[1] + 2) + 2 * x);
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
