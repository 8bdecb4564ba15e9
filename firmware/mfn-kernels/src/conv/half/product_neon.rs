//! The dense product's inner loop for NEON with FP16, in assembly: compilers spill sums and compute addresses in it.
//!
//! Two registers hold a pixel's sixteen sums. A step is one input channel, whose sixteen weights are multiplied by a
//! lane of each pixel's register; one load brings the weights of two channels. Weights are loaded two steps ahead, for
//! cores that run in order. 16 sums, 8 registers of pixels (of the lower sixteen, which alone have lanes), 8 of
//! weights: all that there are.

use super::lanes_neon::Neon;
use crate::conv::product::Operands;
use std::arch::aarch64::*;
use std::arch::asm;

/// The next two channels' weights into four registers.
macro_rules! weights {
    (24) => {
        "ld1 {{v24.8h-v27.8h}}, [{w}], #64\n"
    };
    (28) => {
        "ld1 {{v28.8h-v31.8h}}, [{w}], #64\n"
    };
    () => {
        ""
    };
}

/// One input channel: sixteen weights times a lane of each pixel.
macro_rules! channel {
    ($w0:literal $w1:literal $lane:literal $($x:ident $a:ident $b:ident)*) => {
        concat!(
            $("fmla {", stringify!($a), ":v}.8h, v", $w0, ".8h, {", stringify!($x), ":v}.h[", $lane, "]\n",
            "fmla {", stringify!($b), ":v}.8h, v", $w1, ".8h, {", stringify!($x), ":v}.h[", $lane, "]\n",)*
        )
    };
}

/// Eight input channels from so many bytes behind the pixels' start; what to load after the last two pairs.
macro_rules! octet {
    ($from:literal, [$($then:tt)?], [$($last:tt)?], $($at:literal $x:ident $a:ident $b:ident)*) => {
        concat!(
            $("ldr {", stringify!($x), ":q}, [{x}, #32*", $at, "+", $from, "]\n",)*
            channel!(24 25 0 $($x $a $b)*), channel!(26 27 1 $($x $a $b)*), weights!(24),
            channel!(28 29 2 $($x $a $b)*), channel!(30 31 3 $($x $a $b)*), weights!(28),
            channel!(24 25 4 $($x $a $b)*), channel!(26 27 5 $($x $a $b)*), weights!($($then)?),
            channel!(28 29 6 $($x $a $b)*), channel!(30 31 7 $($x $a $b)*), weights!($($last)?),
        )
    };
}

/// A tile: for each pixel its number and names for its register and two sums.
macro_rules! tile {
    ($o:ident, $sums:ident, $($at:literal $x:ident $a:ident $b:ident)*) => {
        asm!(
            concat!(
                $("ldp {", stringify!($a), ":q}, {", stringify!($b), ":q}, [{start}]\n",)*
                "2:\n",
                weights!(24), weights!(28),
                octet!(0, [24], [28], $($at $x $a $b)*),
                octet!(16, [], [], $($at $x $a $b)*),
                "add {x}, {x}, {stride}\n",
                "subs {inputs}, {inputs}, #1\n",
                "b.ne 2b",
            ),
            x = inout(reg) $o.x => _, stride = in(reg) $o.x_stride * 2, inputs = inout(reg) $o.inputs => _,
            w = inout(reg) $o.weights => _, start = in(reg) $o.start,
            out("v24") _, out("v25") _, out("v26") _, out("v27") _,
            out("v28") _, out("v29") _, out("v30") _, out("v31") _,
            $($x = out(vreg_low16) _, $a = out(vreg) $sums[$at].0[0], $b = out(vreg) $sums[$at].0[1],)*
            options(readonly, nostack)
        )
    };
}

/// The sums of `P` pixels, 1, 4 or 8, and one output block.
///
/// # Safety
/// The CPU has FP16; the pointers hold what [`Operands`] says, for `P` pixels.
#[inline(always)]
pub unsafe fn sums<const P: usize>(o: &Operands<u16>) -> [Neon; P] {
    // SAFETY: FP16 is there. Reads `P` pixels of each input block, the weights of all, and the start; the loop ends as
    // there is at least one block.
    unsafe {
        let mut sums = [Neon([vdupq_n_u16(0); 2]); P];
        match P {
            1 => tile!(o, sums, 0 x0 a0 b0),
            4 => tile!(o, sums, 0 x0 a0 b0 1 x1 a1 b1 2 x2 a2 b2 3 x3 a3 b3),
            8 => tile!(
                o, sums,
                0 x0 a0 b0 1 x1 a1 b1 2 x2 a2 b2 3 x3 a3 b3 4 x4 a4 b4 5 x5 a5 b5 6 x6 a6 b6 7 x7 a7 b7
            ),
            _ => unreachable!("no such tile"),
        }
        sums
    }
}
