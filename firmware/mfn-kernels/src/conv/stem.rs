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
    /// A row of zeros, for those outside.
    pub zeros: *const f32,
    /// `[outputs][PATCH][16]`, of which 27 taps are used.
    pub weights: *const f32,
    /// Output blocks.
    pub outputs: usize,
    /// Rows and columns of the output.
    pub size: [usize; 2],
}

/// Values of a line of an [`Edge`]: what a tile of 14 columns reads, and more.
const LINE: usize = 32;

/// The pixels of a tile at a side of the image, with zeros outside.
struct Edge([f32; 9 * LINE]);

impl Stem {
    /// The three rows of each plane that a row of the output is made from.
    #[inline(always)]
    unsafe fn lines(&self, y: usize) -> [*const f32; 9] {
        let [height, width] = self.input;
        let line = |line: usize| match (2 * y + line % 3).checked_sub(1).filter(|&y| y < height) {
            // SAFETY: a row of one of the three planes.
            Some(y) => unsafe { self.image.add((line / 3 * height + y) * width) },
            None => self.zeros,
        };
        std::array::from_fn(line)
    }

    /// Where tile `x` of `P` columns finds its pixels: in the lines, or where they end in `edge`.
    #[inline(always)]
    unsafe fn pixels<const P: usize>(
        &self,
        lines: &[*const f32; 9],
        x: usize,
        edge: &mut Edge,
    ) -> [*const f32; 9] {
        const { assert!(2 * P < LINE) };
        let width = self.input[1];
        if x > 0 && 2 * (x + P) <= width {
            return lines.map(|line| line.wrapping_add(2 * x - 1));
        }
        edge.0.fill(0.0);
        let (first, skip) = ((2 * x).saturating_sub(1), usize::from(x == 0));
        for (from, to) in lines.iter().zip(edge.0.chunks_exact_mut(LINE)) {
            let count = (2 * P + 1 - skip).min(width - first);
            // SAFETY: columns `first..first + count` of the line, and as many of the edge's.
            unsafe { from.add(first).copy_to_nonoverlapping(to[skip..].as_mut_ptr(), count) };
        }
        std::array::from_fn(|line| edge.0[line * LINE..].as_ptr())
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
            let lines = s.lines(y);
            while block + B <= s.outputs {
                row::<V, E, P, B>(s, e, &lines, block, y);
                block += B;
            }
            while block < s.outputs {
                row::<V, E, P, 1>(s, e, &lines, block, y);
                block += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn row<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    s: &Stem,
    e: &mut E,
    lines: &[*const f32; 9],
    block: usize,
    y: usize,
) {
    let (width, mut x) = (s.size[1], 0);
    let mut edge = Edge([0.0; 9 * LINE]);
    // SAFETY: tiles end at the width.
    unsafe {
        while x + P <= width {
            tile::<V, E, P, B>(s, e, &s.pixels::<P>(lines, x, &mut edge), block, y * width + x);
            x += P;
        }
        while P > 4 && x + 4 <= width {
            tile::<V, E, 4, B>(s, e, &s.pixels::<4>(lines, x, &mut edge), block, y * width + x);
            x += 4;
        }
        while x < width {
            tile::<V, E, 1, B>(s, e, &s.pixels::<1>(lines, x, &mut edge), block, y * width + x);
            x += 1;
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    s: &Stem,
    e: &mut E,
    pixels: &[*const f32; 9],
    block: usize,
    at: usize,
) {
    // SAFETY: each output reads three pixels of nine lines; 27 taps of weights.
    unsafe {
        let mut sums = [start::<V, E, B>(e, block); P];
        let mut weights = s.weights.add(block * PATCH * 16);
        for from in pixels {
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
        e.tile(&sums, block, at);
    }
}
