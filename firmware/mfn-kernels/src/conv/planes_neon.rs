//! The depthwise 3x3 convolution of inference for NEON, in assembly.
//!
//! Eight channels at a time: nine taps are eighteen registers, which stay where they are for a whole plane. A row of
//! outputs walks along three rows of inputs, and each column is read once, for the up to three outputs that it is a tap
//! of: `old` at its left, `mid` in its middle, `new` at its right. Sums take turns instead of being moved.

use super::epilogue::{Finish, ZEROS};
use super::planes::Planes;
use std::arch::aarch64::*;
use std::arch::asm;

/// Columns are so many bytes apart.
const COLUMN: usize = 64;

/// A row of outputs.
struct Row {
    /// Where the rows above, beside and below begin.
    from: [*const f32; 3],
    /// Bytes between the columns of the first and of the last: 0 where it is one column of zeros.
    steps: [usize; 2],
    /// Where the outputs go.
    to: *mut f32,
    /// Eight biases.
    bias: *const f32,
    /// Columns of the input.
    width: usize,
}

/// What stays in registers.
struct Block {
    taps: [float32x4_t; 18],
    bend: [float32x4_t; 2],
}

/// Whether there is a kernel for this: channels each for itself, PReLU, nothing added.
pub fn supports(p: &Planes, f: &Finish) -> bool {
    p.fan == 1 && p.input[1] > 1 && !f.bend.is_null() && f.residual.is_null()
}

/// The convolution of a supported layer.
///
/// # Safety
/// The pointers hold what [`Planes`] and [`Finish`] say.
#[inline(always)]
pub unsafe fn convolve(p: &Planes, f: &Finish, block: usize) {
    for half in [0, 8] {
        // SAFETY: eight channels of the block's weights, biases, bends, planes.
        unsafe {
            let channel = block * 16 + half;
            let (b, bias) = (Block::load(p.weights.add(half), f.bend.add(channel)), f.bias.add(channel));
            for y in p.rows[0]..p.rows[1] {
                let line = |line: Option<*const f32>| match line {
                    Some(line) => (line.add(half), COLUMN),
                    None => (ZEROS.as_ptr(), 0),
                };
                let [above, beside, below] = p.lines(y).map(line);
                let row = Row {
                    from: [above.0, beside.0, below.0],
                    steps: [above.1, below.1],
                    to: f.out.add(block * f.stride + y * p.size[1] * 16 + half),
                    bias,
                    width: p.input[1],
                };
                if p.stride == 1 { every_column(&row, &b) } else { every_second_column(&row, &b) }
            }
        }
    }
}

impl Block {
    #[inline(always)]
    unsafe fn load(weights: *const f32, bend: *const f32) -> Block {
        let mut taps = [vdup(0.0); 18];
        for (i, tap) in taps.iter_mut().enumerate() {
            // SAFETY: eight of each tap's sixteen weights.
            *tap = unsafe { vld1q_f32(weights.add(i / 2 * 16 + i % 2 * 4)) };
        }
        // SAFETY: eight bends.
        Block { taps, bend: unsafe { [vld1q_f32(bend), vld1q_f32(bend.add(4))] } }
    }
}

#[inline(always)]
fn vdup(value: f32) -> float32x4_t {
    // SAFETY: NEON is there.
    unsafe { vdupq_n_f32(value) }
}

/// A column of one row, eight channels in `$x $y`, times a tap each for the given sums.
macro_rules! times {
    ($x:literal $y:literal, $($sum:literal $more:literal $tap:literal $next:literal),*) => {
        concat!($(
            "fmla v", $sum, ".4s, v", $x, ".4s, v", $tap, ".4s\n",
            "fmla v", $more, ".4s, v", $y, ".4s, v", $next, ".4s\n",
        )*)
    };
}

/// Loads a column: of the first row to `v27 v28` at once, of the last too, when those have been used.
macro_rules! column {
    ($first:expr, $second:expr, $third:expr) => {
        concat!(
            "ld1 {{v27.4s-v28.4s}}, [{above}], {step_above}\n",
            "ldp q29, q30, [{beside}], #64\n",
            $first,
            "ld1 {{v27.4s-v28.4s}}, [{below}], {step_below}\n",
            $second,
            $third,
        )
    };
}

/// A column that is the last tap of `old`, the second of `mid` and the first of `new`.
macro_rules! three {
    ($o:literal $p:literal, $m:literal $n:literal, $w:literal $x:literal) => {
        concat!(
            "ldp q", $w, ", q", $x, ", [{bias}]\n",
            column!(
                times!(27 28, $o $p 4 5, $m $n 2 3, $w $x 0 1),
                times!(29 30, $o $p 10 11, $m $n 8 9, $w $x 6 7),
                times!(27 28, $o $p 16 17, $m $n 14 15, $w $x 12 13)
            ),
            store!($o $p),
        )
    };
}

/// A column that is the last tap of `old` and the first of `new`.
macro_rules! outer {
    ($o:literal $p:literal, $w:literal $x:literal) => {
        concat!(
            "ldp q", $w, ", q", $x, ", [{bias}]\n",
            column!(
                times!(27 28, $o $p 4 5, $w $x 0 1),
                times!(29 30, $o $p 10 11, $w $x 6 7),
                times!(27 28, $o $p 16 17, $w $x 12 13)
            ),
            store!($o $p),
        )
    };
}

/// A column that is the second tap of `mid` and the first of `new`.
macro_rules! first {
    ($m:literal $n:literal, $w:literal $x:literal) => {
        concat!(
            "ldp q", $m, ", q", $n, ", [{bias}]\n",
            "ldp q", $w, ", q", $x, ", [{bias}]\n",
            column!(
                times!(27 28, $m $n 2 3, $w $x 0 1),
                times!(29 30, $m $n 8 9, $w $x 6 7),
                times!(27 28, $m $n 14 15, $w $x 12 13)
            ),
        )
    };
}

/// A column that is the last tap of `old` and the second of `mid`.
macro_rules! last {
    ($o:literal $p:literal, $m:literal $n:literal) => {
        concat!(
            column!(
                times!(27 28, $o $p 4 5, $m $n 2 3),
                times!(29 30, $o $p 10 11, $m $n 8 9),
                times!(27 28, $o $p 16 17, $m $n 14 15)
            ),
            store!($o $p),
            store!($m $n),
        )
    };
}

/// A column that is the second tap of `mid` alone.
macro_rules! inner {
    ($m:literal $n:literal) => {
        column!(times!(27 28, $m $n 2 3), times!(29 30, $m $n 8 9), times!(27 28, $m $n 14 15))
    };
}

/// PReLU, and out.
macro_rules! store {
    ($o:literal $p:literal) => {
        concat!(
            "fmin v27.4s, v",
            $o,
            ".4s, v20.4s\n",
            "fmin v28.4s, v",
            $p,
            ".4s, v20.4s\n",
            "fmla v",
            $o,
            ".4s, v27.4s, v18.4s\n",
            "fmla v",
            $p,
            ".4s, v28.4s, v19.4s\n",
            "stp q",
            $o,
            ", q",
            $p,
            ", [{to}], #64\n",
        )
    };
}

/// The operands that both kinds of row have.
macro_rules! row {
    ($r:ident, $b:ident, $text:expr, $($counts:tt)*) => {
        asm!(
            $text,
            above = inout(reg) $r.from[0] => _, beside = inout(reg) $r.from[1] => _, below = inout(reg) $r.from[2] => _,
            step_above = in(reg) $r.steps[0], step_below = in(reg) $r.steps[1],
            to = inout(reg) $r.to => _, bias = in(reg) $r.bias,
            in("v0") $b.taps[0], in("v1") $b.taps[1], in("v2") $b.taps[2], in("v3") $b.taps[3],
            in("v4") $b.taps[4], in("v5") $b.taps[5], in("v6") $b.taps[6], in("v7") $b.taps[7],
            in("v8") $b.taps[8], in("v9") $b.taps[9], in("v10") $b.taps[10], in("v11") $b.taps[11],
            in("v12") $b.taps[12], in("v13") $b.taps[13], in("v14") $b.taps[14], in("v15") $b.taps[15],
            in("v16") $b.taps[16], in("v17") $b.taps[17], in("v18") $b.bend[0], in("v19") $b.bend[1],
            in("v20") vdup(0.0), out("v21") _, out("v22") _, out("v23") _, out("v24") _, out("v25") _, out("v26") _,
            out("v27") _, out("v28") _, out("v29") _, out("v30") _,
            $($counts)*,
            options(nostack)
        )
    };
}

/// A row at stride 1, of at least two columns: the inner ones in rounds of three, the odd ones before them.
#[inline(always)]
unsafe fn every_column(r: &Row, b: &Block) {
    let inner = r.width - 2;
    // SAFETY: NEON is there. Reads `width` columns of each row (or zeros) and the biases, writes `width` columns.
    unsafe {
        row!(
            r, b,
            concat!(
                first!(21 22, 23 24),
                "cbz {odd}, 3f\n",
                "2:\n",
                three!(21 22, 23 24, 25 26),
                "mov v21.16b, v23.16b\n",
                "mov v22.16b, v24.16b\n",
                "mov v23.16b, v25.16b\n",
                "mov v24.16b, v26.16b\n",
                "subs {odd}, {odd}, #1\n",
                "b.ne 2b\n",
                "3:\n",
                "cbz {rounds}, 5f\n",
                "4:\n",
                three!(21 22, 23 24, 25 26),
                three!(23 24, 25 26, 21 22),
                three!(25 26, 21 22, 23 24),
                "subs {rounds}, {rounds}, #1\n",
                "b.ne 4b\n",
                "5:\n",
                last!(21 22, 23 24),
            ),
            odd = inout(reg) inner % 3 => _, rounds = inout(reg) inner / 3 => _
        );
    }
}

/// A row at stride 2: pairs of columns in rounds of two, an odd pair before them, an odd column behind.
#[inline(always)]
unsafe fn every_second_column(r: &Row, b: &Block) {
    // SAFETY: NEON is there. Reads `width` columns of each row (or zeros) and the biases, writes half as many, rounded
    // up.
    unsafe {
        row!(
            r, b,
            concat!(
                "ldp q21, q22, [{bias}]\n",
                "tbz {width}, #1, 2f\n",
                inner!(21 22),
                outer!(21 22, 23 24),
                "mov v21.16b, v23.16b\n",
                "mov v22.16b, v24.16b\n",
                "2:\n",
                "cbz {rounds}, 4f\n",
                "3:\n",
                inner!(21 22),
                outer!(21 22, 23 24),
                inner!(23 24),
                outer!(23 24, 21 22),
                "subs {rounds}, {rounds}, #1\n",
                "b.ne 3b\n",
                "4:\n",
                "tbz {width}, #0, 5f\n",
                inner!(21 22),
                store!(21 22),
                "5:\n",
            ),
            width = in(reg) r.width, rounds = inout(reg) r.width / 4 => _
        );
    }
}
