//! The depthwise 3x3 convolution of bytes at stride 1 for 64-bit ARM, in assembly.
//!
//! A strip is two columns of outputs, eight channels deep. It walks down the rows: a row's window of four pixels is
//! interleaved once, for the three outputs that it is a row of, while all weights stay in registers. Sums take turns
//! instead of being moved. They go through memory, so that what follows is done for four pixels at a time.

use super::epilogue::Finish;
use super::lanes::Sums;
use super::lanes_neon::{DotSums, PairSums};
use super::planes::Windows;
use std::arch::asm;

/// A strip's operands.
pub struct Strip {
    /// The first row's window.
    x: *const u8,
    /// Bytes between two rows.
    row: usize,
    /// Rows of windows: two more than of outputs.
    rows: usize,
    /// Weights of the first shift's first row.
    weights: *const i8,
    /// What the sums begin with, two times eight.
    start: *const [i32; 16],
    /// Where the first row's sums go, two times eight, 64 bytes apart; the next row's 256 bytes behind. The first two
    /// rows mean nothing.
    to: *mut i32,
}

/// What makes a strip's sums, of the lower eight channels or of the upper.
pub trait Strips: Sums {
    /// # Safety
    /// The CPU has the type's features; the pointers hold what [`Strip`] says.
    unsafe fn lower(s: &Strip);
    /// # Safety
    /// As for lower.
    unsafe fn upper(s: &Strip);
}

/// Bytes of sums for so many rows of outputs.
pub const fn room(height: usize) -> usize {
    (height + 2) * 256
}

/// The convolution in strips of four columns; the last overlaps the one before.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Windows`] says, of at least four columns.
#[inline(always)]
pub unsafe fn convolve<V: Strips>(w: &Windows, e: &Finish, block: usize) {
    let [height, width] = w.size;
    // SAFETY: sixteen starts; strips end at the width; sums of `height` rows behind two that mean nothing.
    unsafe {
        let starts = [0, 8].map(|half| {
            let eight = w.start.add(half).cast::<[i32; 8]>().read();
            std::array::from_fn(|i| eight[i % 8])
        });
        for x in (0..width).step_by(4).map(|x| x.min(width - 4)) {
            for pair in [0, 2] {
                let strip = |half: usize| Strip {
                    x: w.x.add((x + pair) * 16),
                    row: w.row,
                    rows: height + 2,
                    weights: w.weights.add(half * 32),
                    start: &starts[half],
                    to: w.sums.add(pair * 16 + half * 8),
                };
                V::lower(&strip(0));
                V::upper(&strip(1));
            }
            for y in 0..height {
                let from = w.sums.add((y + 2) * 64);
                let sums = [0, 16, 32, 48].map(|at| [V::load(from.add(at))]);
                e.tile::<V, 4, 1>(&sums, block, y * width + x);
            }
        }
    }
}

/// A row: its window is made by `$window`, and is the last of `$old`, the middle of `$mid`, the first of `$new`.
macro_rules! step {
    ($window:expr, $add:ident, $old:tt, $mid:tt, $new:tt, [$o0:literal $o1:literal $o2:literal $o3:literal], $first:literal) => {
        concat!(
            "ld1 {{v24.16b-v27.16b}}, [{x}], {row}\n",
            $first,
            $window,
            $add!($old, 16 17, 22 23),
            $add!($mid, 14 15, 20 21),
            $add!($new, 12 13, 18 19),
            "stp q", $o2, ", q", $o3, ", [{to}, #64]\n",
            "stp q", $o0, ", q", $o1, ", [{to}], #256\n",
        )
    };
}

/// All rows; the first round begins where the last one ends at its end.
macro_rules! strip {
    ($strip:ident, $window:expr, $add:ident) => {
        asm!(
            ".arch_extension dotprod",
            concat!(
                "ldp q12, q13, [{w}]\n",
                "ldp q14, q15, [{w}, #64]\n",
                "ldp q16, q17, [{w}, #128]\n",
                "ldp q18, q19, [{w}, #192]\n",
                "ldp q20, q21, [{w}, #256]\n",
                "ldp q22, q23, [{w}, #320]\n",
                "cmp {rest}, #1\n",
                "b.eq 4f\n",
                "b.hi 3f\n",
                "2:\n",
                step!($window, $add, [0 1 2 3], [4 5 6 7], [8 9 10 11], [0 1 2 3], "ld1 {{v8.4s-v11.4s}}, [{start}]\n"),
                "3:\n",
                step!($window, $add, [4 5 6 7], [8 9 10 11], [0 1 2 3], [4 5 6 7], "ld1 {{v0.4s-v3.4s}}, [{start}]\n"),
                "4:\n",
                step!($window, $add, [8 9 10 11], [0 1 2 3], [4 5 6 7], [8 9 10 11], "ld1 {{v4.4s-v7.4s}}, [{start}]\n"),
                "subs {rounds}, {rounds}, #1\n",
                "b.ne 2b\n",
            ),
            x = inout(reg) $strip.x => _, row = in(reg) $strip.row, w = in(reg) $strip.weights,
            start = in(reg) $strip.start, to = inout(reg) $strip.to => _,
            rest = in(reg) $strip.rows % 3, rounds = inout(reg) $strip.rows.div_ceil(3) => _,
            out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _, out("v7") _,
            out("v8") _, out("v9") _, out("v10") _, out("v11") _, out("v12") _, out("v13") _, out("v14") _,
            out("v15") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _, out("v21") _,
            out("v22") _, out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _, out("v28") _,
            out("v29") _, out("v30") _, out("v31") _,
            options(nostack)
        )
    };
}

/// Four neighbours of each channel side by side: four channels in `v28`, four in `v29`.
macro_rules! four_pixels {
    ($zip:literal) => {
        concat!(
            $zip,
            " v24.16b, v24.16b, v25.16b\n",
            $zip,
            " v26.16b, v26.16b, v27.16b\n",
            "zip1 v28.8h, v24.8h, v26.8h\n",
            "zip2 v29.8h, v24.8h, v26.8h\n",
        )
    };
}

/// The window times a row of taps, for the output at its left and for the one beside it.
macro_rules! dots {
    ([$a:literal $b:literal $c:literal $d:literal], $w:literal $x:literal, $y:literal $z:literal) => {
        concat!(
            "sdot v",
            $a,
            ".4s, v28.16b, v",
            $w,
            ".16b\n",
            "sdot v",
            $b,
            ".4s, v29.16b, v",
            $x,
            ".16b\n",
            "sdot v",
            $c,
            ".4s, v28.16b, v",
            $y,
            ".16b\n",
            "sdot v",
            $d,
            ".4s, v29.16b, v",
            $z,
            ".16b\n",
        )
    };
}

impl Strips for DotSums {
    #[inline(always)]
    unsafe fn lower(s: &Strip) {
        // SAFETY: the caller vouches for the extension and the pointers; there are at least two rows.
        unsafe { strip!(s, four_pixels!("zip1"), dots) };
    }
    #[inline(always)]
    unsafe fn upper(s: &Strip) {
        // SAFETY: as for lower.
        unsafe { strip!(s, four_pixels!("zip2"), dots) };
    }
}

/// Two neighbours of each of eight channels side by side: the left ones in `v28`, the right ones in `v29`.
macro_rules! two_pixels {
    ($zip:literal) => {
        concat!($zip, " v28.16b, v24.16b, v25.16b\n", $zip, " v29.16b, v26.16b, v27.16b\n")
    };
}

/// As `dots`, by products of bytes that are added in 16 bits and then in 32.
macro_rules! products {
    ([$a:literal $b:literal $c:literal $d:literal], $w:literal $x:literal, $y:literal $z:literal) => {
        concat!(
            "smull v24.8h, v28.8b, v",
            $w,
            ".8b\n",
            "smull2 v25.8h, v28.16b, v",
            $w,
            ".16b\n",
            "smull v26.8h, v28.8b, v",
            $y,
            ".8b\n",
            "smull2 v27.8h, v28.16b, v",
            $y,
            ".16b\n",
            "smlal v24.8h, v29.8b, v",
            $x,
            ".8b\n",
            "smlal2 v25.8h, v29.16b, v",
            $x,
            ".16b\n",
            "smlal v26.8h, v29.8b, v",
            $z,
            ".8b\n",
            "smlal2 v27.8h, v29.16b, v",
            $z,
            ".16b\n",
            "sadalp v",
            $a,
            ".4s, v24.8h\n",
            "sadalp v",
            $b,
            ".4s, v25.8h\n",
            "sadalp v",
            $c,
            ".4s, v26.8h\n",
            "sadalp v",
            $d,
            ".4s, v27.8h\n",
        )
    };
}

impl Strips for PairSums {
    #[inline(always)]
    unsafe fn lower(s: &Strip) {
        // SAFETY: NEON is there; the caller vouches for the pointers; there are at least two rows.
        unsafe { strip!(s, two_pixels!("zip1"), products) };
    }
    #[inline(always)]
    unsafe fn upper(s: &Strip) {
        // SAFETY: as for lower.
        unsafe { strip!(s, two_pixels!("zip2"), products) };
    }
}
