//! The dense product's inner loop for NEON, in assembly: compilers spill sums and compute addresses in it.
//!
//! Four registers hold a pixel's sixteen sums. A step is one input channel: its sixteen weights come with one load of
//! four registers, and are multiplied by a lane of each pixel's register. Eight channels of a pixel come with one load
//! of two, so that four pixels make 128 products with 12 loads. Weights are loaded two steps ahead, for cores that run
//! in order. 16 sums, 8 registers of pixels, 8 of weights: all that there are.

use super::lanes_neon::Neon;
use super::product::Operands;
use std::arch::aarch64::*;
use std::arch::asm;

/// One input channel: sixteen weights, in the registers of these numbers, times a lane of each pixel.
macro_rules! channel {
    ([$w0:literal $w1:literal $w2:literal $w3:literal] $lane:literal $($x:ident $a:ident $b:ident $c:ident $d:ident)*) => {
        concat!(
            $("fmla {", stringify!($a), ":v}.4s, v", $w0, ".4s, {", stringify!($x), ":v}.s[", $lane, "]\n",)*
            $("fmla {", stringify!($b), ":v}.4s, v", $w1, ".4s, {", stringify!($x), ":v}.s[", $lane, "]\n",)*
            $("fmla {", stringify!($c), ":v}.4s, v", $w2, ".4s, {", stringify!($x), ":v}.s[", $lane, "]\n",)*
            $("fmla {", stringify!($d), ":v}.4s, v", $w3, ".4s, {", stringify!($x), ":v}.s[", $lane, "]\n",)*
        )
    };
}

/// Four input channels, in one register of each pixel; `$a` and `$b` are done after the last two.
macro_rules! quad {
    ($a:expr, $b:expr, $($pixel:tt)*) => {
        concat!(
            channel!([24 25 26 27] 0 $($pixel)*), "ld1 {{v24.4s-v27.4s}}, [{w}], #64\n",
            channel!([28 29 30 31] 1 $($pixel)*), "ld1 {{v28.4s-v31.4s}}, [{w}], #64\n",
            channel!([24 25 26 27] 2 $($pixel)*), $a,
            channel!([28 29 30 31] 3 $($pixel)*), $b,
        )
    };
}

/// Eight input channels from so many bytes behind the pixels' start; `$a` and `$b` as in `quad`.
macro_rules! octet {
    ($from:literal, $a:expr, $b:expr, $($at:literal $x:ident $y:ident $s:ident $t:ident $u:ident $v:ident)*) => {
        concat!(
            $("ldp {", stringify!($x), ":q}, {", stringify!($y), ":q}, [{x}, #64*", $at, "+", $from, "]\n",)*
            quad!("ld1 {{v24.4s-v27.4s}}, [{w}], #64\n", "ld1 {{v28.4s-v31.4s}}, [{w}], #64\n", $($x $s $t $u $v)*),
            quad!($a, $b, $($y $s $t $u $v)*),
        )
    };
}

/// A tile: for each pixel its number and names for its two registers and four sums.
macro_rules! tile {
    ($o:ident, $sums:ident, $($at:literal $x:ident $y:ident $a:ident $b:ident $c:ident $d:ident)*) => {
        asm!(
            concat!(
                $("ldp {", stringify!($a), ":q}, {", stringify!($b), ":q}, [{start}]\n",
                "ldp {", stringify!($c), ":q}, {", stringify!($d), ":q}, [{start}, #32]\n",)*
                "2:\n",
                "ld1 {{v24.4s-v27.4s}}, [{w}], #64\n",
                "ld1 {{v28.4s-v31.4s}}, [{w}], #64\n",
                octet!(
                    0, "ld1 {{v24.4s-v27.4s}}, [{w}], #64\n", "ld1 {{v28.4s-v31.4s}}, [{w}], #64\n",
                    $($at $x $y $a $b $c $d)*
                ),
                octet!(32, "", "", $($at $x $y $a $b $c $d)*),
                "add {x}, {x}, {stride}\n",
                "subs {inputs}, {inputs}, #1\n",
                "b.ne 2b",
            ),
            x = inout(reg) $o.x => _, stride = in(reg) $o.x_stride * 4, inputs = inout(reg) $o.inputs => _,
            w = inout(reg) $o.weights => _, start = in(reg) $o.start,
            out("v24") _, out("v25") _, out("v26") _, out("v27") _,
            out("v28") _, out("v29") _, out("v30") _, out("v31") _,
            $($x = out(vreg) _, $y = out(vreg) _, $a = out(vreg) $sums[$at][0].0[0], $b = out(vreg) $sums[$at][0].0[1],
            $c = out(vreg) $sums[$at][0].0[2], $d = out(vreg) $sums[$at][0].0[3],)*
            options(readonly, nostack)
        )
    };
}

/// The sums of `P` pixels, 1, 2 or 4, and one output block.
///
/// # Safety
/// The pointers hold what [`Operands`] says, for `P` pixels.
#[inline(always)]
pub unsafe fn sums<const P: usize, const B: usize>(o: &Operands<f32>) -> [[Neon; B]; P] {
    const { assert!(B == 1) };
    // SAFETY: NEON is there. Reads `P` pixels of each input block, the weights of all, and the start; the loop ends as
    // there is at least one block.
    unsafe {
        let mut sums = [[Neon([vdupq_n_f32(0.0); 4]); B]; P];
        match P {
            1 => tile!(o, sums, 0 x0 y0 a0 b0 c0 d0),
            2 => tile!(o, sums, 0 x0 y0 a0 b0 c0 d0 1 x1 y1 a1 b1 c1 d1),
            4 => {
                tile!(o, sums, 0 x0 y0 a0 b0 c0 d0 1 x1 y1 a1 b1 c1 d1 2 x2 y2 a2 b2 c2 d2 3 x3 y3 a3 b3 c3 d3)
            }
            _ => unreachable!("no such tile"),
        }
        sums
    }
}
