//! 3x3 convolution of padded planes, for depthwise layers and for groups of a few channels.
//!
//! A plane is one block of channels, `[height + 2][width + 2][16]` with a border of zeros. A layer with `fan`
//! channels a group is a sum of `fan` depthwise convolutions: in plane `j`, every channel of a group has been
//! replaced by the group's channel `j`.

use super::epilogue::Epilogue;
use super::lanes::Lanes;

/// A 3x3 convolution over `fan` planes.
pub struct Planes {
    /// The first plane.
    pub x: *const f32,
    /// Values of a plane.
    pub plane: usize,
    /// Values of a plane's row.
    pub row: usize,
    /// Planes.
    pub fan: usize,
    /// `[fan][9][16]`.
    pub weights: *const f32,
    /// Rows and columns of the output.
    pub size: [usize; 2],
    /// 1 or 2.
    pub stride: usize,
}

/// The convolution, in tiles of seven columns; `block` is what the epilogue calls this block.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Planes`] says.
#[inline(always)]
pub unsafe fn convolve<V: Lanes, E: Epilogue<V>>(p: &Planes, e: &mut E, block: usize) {
    let [height, width] = p.size;
    for y in 0..height {
        let mut x = 0;
        // SAFETY: tiles end at the width.
        unsafe {
            while x + 7 <= width {
                tile::<V, E, 7>(p, e, block, y, x);
                x += 7;
            }
            while x < width {
                tile::<V, E, 1>(p, e, block, y, x);
                x += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Lanes, E: Epilogue<V>, const T: usize>(
    p: &Planes,
    e: &mut E,
    block: usize,
    y: usize,
    x: usize,
) {
    // SAFETY: output (y, x) reads rows and columns `stride * y..+3`, which the padded plane has.
    unsafe {
        let mut sums = [[V::zero(); 1]; T];
        let step = p.stride * 16;
        for j in 0..p.fan {
            let start = p.x.add(j * p.plane + y * p.stride * p.row + x * step);
            let weights = p.weights.add(j * 144);
            for ky in 0..3 {
                for kx in 0..3 {
                    let weight = V::load(weights.add((ky * 3 + kx) * 16));
                    let from = start.add(ky * p.row + kx * 16);
                    for (t, sum) in sums.iter_mut().enumerate() {
                        sum[0] = V::load(from.add(t * step)).fma(weight, sum[0]);
                    }
                }
            }
        }
        e.tile(&sums, block, y * p.size[1] + x);
    }
}

/// Adds the weights' gradient, `[fan][9][16]` at `out`. `dz` is a padded plane like those of `p`, whose value for
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
                let from = p.x.add(j * p.plane + y * p.stride * p.row);
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
    let (first, rest) = scratch.split_at_mut(plane);
    for (j, copy) in rest.chunks_exact_mut(plane).take(fan).enumerate() {
        for (from, to) in first.chunks_exact(16).zip(copy.chunks_exact_mut(16)) {
            for (c, value) in to.iter_mut().enumerate() {
                *value = from[c / fan * fan + j];
            }
        }
    }
}
