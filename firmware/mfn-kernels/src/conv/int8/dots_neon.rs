//! Sums of a dense product of bytes with the dot product extension, in assembly.
//!
//! A register of weights holds four inputs of four outputs, and is multiplied by one of a pixel's four quads. Operands
//! come with one load of four registers each.

use super::dense_neon::{Operands, Tile};
use super::lanes_neon::DotSums;
use std::arch::aarch64::*;
use std::arch::asm;

/// A pixel's register times four registers of weights, by one of its quads.
macro_rules! dot {
    ($lane:literal $x:literal, $($sum:literal $w:literal),*) => {
        concat!($("sdot v", $sum, ".4s, v", $w, ".16b, v", $x, ".4b[", $lane, "]\n"),*)
    };
}

/// The same for all pixels of a tile.
macro_rules! dots {
    (four $lane:literal, $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            dot!($lane 16, 0 $a, 1 $b, 2 $c, 3 $d),
            dot!($lane 17, 4 $a, 5 $b, 6 $c, 7 $d),
            dot!($lane 18, 8 $a, 9 $b, 10 $c, 11 $d),
            dot!($lane 19, 12 $a, 13 $b, 14 $c, 15 $d),
        )
    };
    (one $lane:literal, $a:literal $b:literal $c:literal $d:literal) => {
        dot!($lane 16, 0 $a, 1 $b, 2 $c, 3 $d)
    };
}

/// One group; weights are loaded two quads ahead.
macro_rules! dot_group {
    ($tile:ident, $pixels:literal) => {
        concat!(
            "ld1 {{", $pixels, "}}, [{x}], {group}\n",
            "ld1 {{v20.16b-v23.16b}}, [{w}], #64\n",
            "ld1 {{v24.16b-v27.16b}}, [{w}], #64\n",
            dots!($tile 0, 20 21 22 23),
            "ld1 {{v28.16b-v31.16b}}, [{w}], #64\n",
            dots!($tile 1, 24 25 26 27),
            "ld1 {{v20.16b-v23.16b}}, [{w}], #64\n",
            dots!($tile 2, 28 29 30 31),
            dots!($tile 3, 20 21 22 23),
        )
    };
}

/// All groups in rounds of two, the first round of an odd number from its middle on.
macro_rules! dot_groups {
    ($tile:ident, $pixels:literal) => {
        concat!(
            "tbnz {groups}, #0, 3f\n",
            "2:\n",
            dot_group!($tile, $pixels),
            "3:\n",
            dot_group!($tile, $pixels),
            "subs {rounds}, {rounds}, #1\n",
            "b.ne 2b",
        )
    };
}

impl Tile for DotSums {
    #[inline(always)]
    unsafe fn four(o: &Operands) -> [[Self; 1]; 4] {
        // SAFETY: the caller vouches for the extension and the pointers. Reads starts, four pixels of each group and
        // all weights; ends as there is at least one group.
        unsafe {
            let mut s = [[vdupq_n_s32(0); 4]; 4];
            asm!(
                ".arch_extension dotprod",
                "ld1 {{v0.4s-v3.4s}}, [{start}]",
                "ld1 {{v4.4s-v7.4s}}, [{start}]",
                "ld1 {{v8.4s-v11.4s}}, [{start}]",
                "ld1 {{v12.4s-v15.4s}}, [{start}]",
                dot_groups!(four, "v16.16b-v19.16b"),
                x = inout(reg) o.x => _, group = in(reg) o.group, groups = in(reg) o.groups,
                rounds = inout(reg) o.groups.div_ceil(2) => _,
                w = inout(reg) o.weights => _, start = in(reg) o.start,
                out("v0") s[0][0], out("v1") s[0][1], out("v2") s[0][2], out("v3") s[0][3],
                out("v4") s[1][0], out("v5") s[1][1], out("v6") s[1][2], out("v7") s[1][3],
                out("v8") s[2][0], out("v9") s[2][1], out("v10") s[2][2], out("v11") s[2][3],
                out("v12") s[3][0], out("v13") s[3][1], out("v14") s[3][2], out("v15") s[3][3],
                out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _, out("v21") _,
                out("v22") _, out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _,
                out("v28") _, out("v29") _, out("v30") _, out("v31") _,
                options(readonly, nostack)
            );
            [[DotSums(s[0])], [DotSums(s[1])], [DotSums(s[2])], [DotSums(s[3])]]
        }
    }

    #[inline(always)]
    unsafe fn one(o: &Operands) -> [[Self; 1]; 1] {
        // SAFETY: as for four, of one pixel.
        unsafe {
            let mut s = [vdupq_n_s32(0); 4];
            asm!(
                ".arch_extension dotprod",
                "ld1 {{v0.4s-v3.4s}}, [{start}]",
                dot_groups!(one, "v16.16b"),
                x = inout(reg) o.x => _, group = in(reg) o.group, groups = in(reg) o.groups,
                rounds = inout(reg) o.groups.div_ceil(2) => _,
                w = inout(reg) o.weights => _, start = in(reg) o.start,
                out("v0") s[0], out("v1") s[1], out("v2") s[2], out("v3") s[3], out("v16") _,
                out("v20") _, out("v21") _, out("v22") _, out("v23") _, out("v24") _, out("v25") _,
                out("v26") _, out("v27") _, out("v28") _, out("v29") _, out("v30") _, out("v31") _,
                options(readonly, nostack)
            );
            [[DotSums(s)]]
        }
    }
}
