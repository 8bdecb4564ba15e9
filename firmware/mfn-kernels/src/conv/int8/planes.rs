//! Depthwise convolutions of bytes: 3x3 over windows of four pixels in a row, and one as large as its map.
//!
//! A window holds four neighbouring pixels, interleaved so that each channel's four bytes are the inputs of one dot
//! product. Three taps of it make a row of the output at its left; shifted by one tap, of the output beside it.

use super::epilogue::Finish;
#[cfg(doc)]
use super::forward::Tiles;
use super::lanes::Sums;

/// Weights of one channel of a group: two shifts, three rows, 64 each.
pub const WINDOW_WEIGHTS: usize = 2 * 3 * 64;

/// A 3x3 convolution over one block's plane in a border.
pub struct Windows {
    /// The border's upper left corner; pixels of sixteen bytes.
    pub x: *const u8,
    /// Bytes between two rows.
    pub row: usize,
    /// `[fan][2 shifts][3 rows][64]`.
    pub weights: *const i8,
    /// What the sums begin with, one a channel.
    pub start: *const i32,
    /// Rows and columns of the output.
    pub size: [usize; 2],
    /// Room for the instruction set's own [`Tiles::PLANE_ROOM`].
    #[cfg_attr(not(target_arch = "aarch64"), expect(dead_code, reason = "no other set wants room"))]
    pub sums: *mut i32,
}

/// The convolution in tiles of `T` columns; the last tile of a row overlaps the one before. `block` is what the
/// epilogue calls this block.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Windows`] says, and two pixels more behind each row.
#[inline(always)]
pub unsafe fn convolve<V: Sums, const T: usize, const STRIDE: usize, const FAN: usize>(
    w: &Windows,
    e: &Finish,
    block: usize,
) {
    let [height, width] = w.size;
    for y in 0..height {
        // SAFETY: tiles end at the width; windows at most two pixels behind the border.
        unsafe {
            if width < T {
                (0..width).for_each(|x| tile::<V, 1, STRIDE, FAN>(w, e, block, [y, x]));
                continue;
            }
            for x in (0..width).step_by(T) {
                tile::<V, T, STRIDE, FAN>(w, e, block, [y, x.min(width - T)]);
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Sums, const T: usize, const STRIDE: usize, const FAN: usize>(
    w: &Windows,
    e: &Finish,
    block: usize,
    [y, x]: [usize; 2],
) {
    // SAFETY: output (y, x) reads rows `STRIDE y..+3` and columns `STRIDE x..+4` of the bordered plane.
    unsafe {
        let mut sums = [[V::load(w.start)]; T];
        let from = w.x.add(y * STRIDE * w.row + x * STRIDE * 16);
        for ky in 0..3 {
            let (from, weights) = (from.add(ky * w.row), w.weights.add(ky * 64));
            row_step::<V, T, STRIDE, FAN, 0>(&mut sums, from, weights);
            if FAN > 1 {
                row_step::<V, T, STRIDE, FAN, 1>(&mut sums, from, weights.add(WINDOW_WEIGHTS));
            }
            if FAN > 2 {
                row_step::<V, T, STRIDE, FAN, 2>(&mut sums, from, weights.add(2 * WINDOW_WEIGHTS));
                row_step::<V, T, STRIDE, FAN, 3>(&mut sums, from, weights.add(3 * WINDOW_WEIGHTS));
            }
        }
        e.tile::<V, T, 1>(&sums, block, y * w.size[1] + x);
    }
}

/// The taps of one row, for channel `J` of each group.
#[inline(always)]
unsafe fn row_step<V: Sums, const T: usize, const STRIDE: usize, const FAN: usize, const J: usize>(
    sums: &mut [[V; 1]; T],
    from: *const u8,
    weights: *const i8,
) {
    // SAFETY: as in `tile`.
    unsafe {
        let shifts = [V::factors(weights), V::factors(weights.add(192))];
        for (t, sum) in sums.iter_mut().enumerate() {
            // At stride 1 each second output shares the window of the one before.
            let (at, shift) = if STRIDE == 1 { (t / 2 * 2, t % 2) } else { (t * STRIDE, 0) };
            sum[0] = sum[0].dot_window(shifts[shift], V::window::<FAN, J>(from.add(at * 16)));
        }
    }
}

/// One block of a convolution as large as its map: `groups` windows and packed weights of as many.
///
/// # Safety
/// The CPU has `V`'s features; `64 * groups` bytes and weights, sixteen starts.
#[inline(always)]
pub unsafe fn global<V: Sums>(
    x: *const u8,
    weights: *const i8,
    start: *const i32,
    groups: usize,
    e: &Finish,
    block: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sum = V::load(start);
        for at in (0..groups).map(|group| group * 64) {
            sum = sum.dot_window(V::factors(weights.add(at)), V::window::<1, 0>(x.add(at)));
        }
        e.tile::<V, 1, 1>(&[[sum]], block, 0);
    }
}
