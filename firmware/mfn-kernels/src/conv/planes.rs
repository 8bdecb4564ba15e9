//! 3x3 convolution of planes, for depthwise layers and for groups of a few channels.
//!
//! A plane is one block of channels, `[height][width][16]`, as if in a border of zeros. A layer with `fan`
//! channels a group is a sum of `fan` depthwise convolutions: in the j-th, every channel of a group is replaced by
//! the group's channel `j`; two or four are exchanged in registers, more in memory beforehand ([`spread`]).

use super::columns;
use super::epilogue::Epilogue;
use super::lanes::Lanes;

/// A 3x3 convolution, padding 1, over one plane or `fan` planes.
pub struct Planes {
    /// The first pixel of the first plane.
    pub x: *const f32,
    /// Values between the planes of a fan that was spread in memory; 0: channels are exchanged in registers.
    pub plane: usize,
    /// Values between two rows.
    pub row: usize,
    /// Rows that lie in a ring of so many, row `y` at `y % ring`.
    pub ring: usize,
    /// Rows and columns of a plane.
    pub input: [usize; 2],
    /// Channels a group.
    pub fan: usize,
    /// `[fan][9][16]`.
    pub weights: *const f32,
    /// Rows and columns of the output.
    pub size: [usize; 2],
    /// Of those rows the first to make, and the one behind the last.
    pub rows: [usize; 2],
    /// 1, or for one channel a group 2.
    pub stride: usize,
}

impl Planes {
    /// The three rows that output row `y` is made from, where they lie inside.
    pub fn lines(&self, y: usize) -> [Option<*const f32>; 3] {
        let inside = |row: usize| row.checked_sub(1).filter(|&row| row < self.input[0]);
        let line = |row: usize| self.x.wrapping_add(row % self.ring * self.row);
        [0, 1, 2].map(|ky| inside(y * self.stride + ky).map(line))
    }
}

/// The convolution, in tiles of a few columns; `block` is what the epilogue calls this block.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Planes`] says.
#[inline(always)]
pub unsafe fn convolve<V: Lanes, E: Epilogue<V>>(p: &Planes, e: &mut E, block: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if e.as_finish().is_some_and(|f| V::planes(p, f, block)) {
            return;
        }
        match (p.fan, p.plane, p.stride) {
            (2, 0, _) => rows::<V, E, 2, 1>(p, e, block),
            (4, 0, _) => rows::<V, E, 4, 1>(p, e, block),
            (_, _, 1) => rows::<V, E, 1, 1>(p, e, block),
            _ => rows::<V, E, 1, 2>(p, e, block),
        }
    }
}

#[inline(always)]
unsafe fn rows<V: Lanes, E: Epilogue<V>, const FAN: usize, const S: usize>(
    p: &Planes,
    e: &mut E,
    block: usize,
) {
    let width = p.size[1];
    for y in p.rows[0]..p.rows[1] {
        let (lines, mut x) = (p.lines(y), 0);
        // SAFETY: tiles end at the width.
        unsafe {
            while x + V::COLUMNS_7 <= width && V::COLUMNS_7 == 7 {
                tile::<V, E, 7, FAN, S>(p, e, &lines, block, y * width + x, x);
                x += 7;
            }
            while x + 4 <= width {
                tile::<V, E, 4, FAN, S>(p, e, &lines, block, y * width + x, x);
                x += 4;
            }
            while x < width {
                tile::<V, E, 1, FAN, S>(p, e, &lines, block, y * width + x, x);
                x += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Lanes, E: Epilogue<V>, const T: usize, const FAN: usize, const S: usize>(
    p: &Planes,
    e: &mut E,
    lines: &[Option<*const f32>; 3],
    block: usize,
    at: usize,
    x: usize,
) {
    // SAFETY: column `x` reads columns `stride * x - 1..+3` of the lines as far as they lie inside.
    unsafe {
        let mut sums = [[V::load(e.start(block)); 1]; T];
        for (ky, line) in lines.iter().enumerate() {
            let Some(row) = *line else { continue };
            if FAN == 1 {
                for j in 0..if p.plane == 0 { 1 } else { p.fan } {
                    let weights = p.weights.add(j * 144 + ky * 48);
                    columns::row::<V, T, S, 1, 0>(&mut sums, p.input[1], row.add(j * p.plane), weights, x);
                }
            } else {
                let weights = p.weights.add(ky * 48);
                columns::row::<V, T, S, FAN, 0>(&mut sums, p.input[1], row, weights, x);
                columns::row::<V, T, S, FAN, 1>(&mut sums, p.input[1], row, weights.add(144), x);
                if FAN == 4 {
                    columns::row::<V, T, S, FAN, 2>(&mut sums, p.input[1], row, weights.add(288), x);
                    columns::row::<V, T, S, FAN, 3>(&mut sums, p.input[1], row, weights.add(432), x);
                }
            }
        }
        e.tile(&sums, block, at);
    }
}

/// Adds the weights' gradient, `[fan][9][16]` at `out`. The planes of `p` lie in a border of zeros. `dz` is a padded plane like those of `p`, whose value for
/// the output (y, x) lies at row `stride y + 1` and column `stride x + 1`.
///
/// # Safety
/// As for [`convolve`].
#[inline(always)]
pub unsafe fn weight_gradient<V: Lanes>(p: &Planes, dz: *const f32, out: *mut f32) {
    let [height, width] = p.size;
    for j in 0..p.fan {
        // SAFETY: the same reads as in `tile`, and nine sums of this plane.
        unsafe {
            let mut sums = [V::zero(); 9];
            for y in 0..height {
                let from = p.x.sub(p.row + 16).add(j * p.plane + y * p.stride * p.row);
                let gradient = dz.add((y * p.stride + 1) * p.row + 16);
                for x in 0..width {
                    let at = x * p.stride * 16;
                    let d = V::load(gradient.add(at));
                    for (tap, sum) in sums.iter_mut().enumerate() {
                        let value = V::load(from.add(at + (tap / 3) * p.row + (tap % 3) * 16));
                        *sum = value.fma(d, *sum);
                    }
                }
            }
            for (tap, sum) in sums.iter().enumerate() {
                let to = out.add(j * 144 + tap * 16);
                sum.add(V::load(to)).store(to);
            }
        }
    }
}

/// Makes planes `1..=fan` behind plane 0 of `scratch`: in plane `1 + j`, channel c has the value of its group's
/// channel `j`.
pub fn spread(scratch: &mut [f32], plane: usize, fan: usize) {
    match fan {
        2 => spread_by::<2>(scratch, plane),
        4 => spread_by::<4>(scratch, plane),
        8 => spread_by::<8>(scratch, plane),
        _ => spread_by::<16>(scratch, plane),
    }
}

/// By a fan that is known when this is compiled: a division a value took longer than the convolution behind it.
fn spread_by<const FAN: usize>(scratch: &mut [f32], plane: usize) {
    let (first, rest) = scratch.split_at_mut(plane);
    for (j, copy) in (0..FAN).zip(rest.chunks_exact_mut(plane)) {
        for (from, to) in first.as_chunks::<FAN>().0.iter().zip(copy.as_chunks_mut::<FAN>().0) {
            *to = [from[j]; FAN];
        }
    }
}
