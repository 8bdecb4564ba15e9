//! Sums of a dense product of bytes without the dot product extension, in assembly.
//!
//! Sixteen inputs of a pixel are multiplied by the same sixteen of one output: two products of bytes are added in 16
//! bits, and neighbours of those to four sums of 32 bits. Nothing is spread over lanes; what it costs is that the four
//! sums of an output are added up at the end.

use super::dense_neon::{Operands, Tile};
use super::lanes_neon::PairSums;
use std::arch::aarch64::*;
use std::arch::asm;
use std::mem::MaybeUninit;

/// Up to four pairs of a register of a pixel and one of weights, each added to a sum by `$add`.
macro_rules! rows {
    ($add:literal, $($x:literal $w:literal $sum:literal $t:literal),*) => {
        concat!(
            $("smull v", $t, ".8h, v", $x, ".8b, v", $w, ".8b\n",)*
            $("smlal2 v", $t, ".8h, v", $x, ".16b, v", $w, ".16b\n",)*
            $($add, " v", $sum, ".4s, v", $t, ".8h\n",)*
        )
    };
}

/// A group: the pixels' registers times those of four outputs.
macro_rules! group {
    (four $add:literal, $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            rows!($add, 16 $a 0 24, 17 $a 4 25, 18 $a 8 26, 19 $a 12 27),
            rows!($add, 16 $b 1 24, 17 $b 5 25, 18 $b 9 26, 19 $b 13 27),
            rows!($add, 16 $c 2 24, 17 $c 6 25, 18 $c 10 26, 19 $c 14 27),
            rows!($add, 16 $d 3 24, 17 $d 7 25, 18 $d 11 26, 19 $d 15 27),
        )
    };
    (one $add:literal, $a:literal $b:literal $c:literal $d:literal) => {
        rows!($add, 16 $a 0 24, 16 $b 1 25, 16 $c 2 26, 16 $d 3 27)
    };
}

/// Two groups, the first added by `$add`.
macro_rules! two_groups {
    ($tile:ident $add:literal, $pixels:literal) => {
        concat!(
            "ld1 {{v20.16b-v23.16b}}, [{w}], #64\n",
            "ld1 {{", $pixels, "}}, [{x}], {group}\n",
            "ld1 {{v28.16b-v31.16b}}, [{w}], #64\n",
            group!($tile $add, 20 21 22 23),
            "ld1 {{", $pixels, "}}, [{x}], {group}\n",
            group!($tile "sadalp", 28 29 30 31),
        )
    };
}

/// For each four outputs: all groups, the first of which makes the sums instead of adding to them; then each output's
/// four sums become one, begun with its start. `$reduce` says how.
macro_rules! row_groups {
    ($tile:ident, $pixels:literal, $reduce:expr) => {
        concat!(
            "2:\n",
            "mov {x}, {x0}\n",
            "tbnz {groups}, #0, 3f\n",
            two_groups!($tile "saddlp", $pixels),
            "subs {left}, {groups}, #2\n",
            "b.ne 4f\n",
            "b 5f\n",
            "3:\n",
            "ld1 {{v20.16b-v23.16b}}, [{w}], #64\n",
            "ld1 {{", $pixels, "}}, [{x}], {group}\n",
            group!($tile "saddlp", 20 21 22 23),
            "subs {left}, {groups}, #1\n",
            "b.eq 5f\n",
            "4:\n",
            two_groups!($tile "sadalp", $pixels),
            "subs {left}, {left}, #2\n",
            "b.ne 4b\n",
            "5:\n",
            "ldr q20, [{start}], #16\n",
            $reduce,
            "subs {quads}, {quads}, #1\n",
            "b.ne 2b",
        )
    };
}

/// Four sums of four outputs each become one register, `$to`.
macro_rules! reduce {
    ($to:literal, $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            "addp v",
            $a,
            ".4s, v",
            $a,
            ".4s, v",
            $b,
            ".4s\n",
            "addp v",
            $c,
            ".4s, v",
            $c,
            ".4s, v",
            $d,
            ".4s\n",
            "addp v",
            $to,
            ".4s, v",
            $a,
            ".4s, v",
            $c,
            ".4s\n",
            "add v",
            $to,
            ".4s, v",
            $to,
            ".4s, v20.4s\n",
        )
    };
}

impl Tile for PairSums {
    #[inline(always)]
    unsafe fn four(o: &Operands) -> [[Self; 1]; 4] {
        // SAFETY: NEON is there. Reads starts, four pixels of each group and all weights, writes all of the room; ends
        // as there is at least one group.
        unsafe {
            let (mut room, mut s) = (MaybeUninit::<[[int32x4_t; 4]; 4]>::uninit(), [[vdupq_n_s32(0); 4]; 4]);
            asm!(
                row_groups!(four, "v16.16b-v19.16b", concat!(
                    reduce!(16, 0 1 2 3), reduce!(17, 4 5 6 7), reduce!(18, 8 9 10 11), reduce!(19, 12 13 14 15),
                    "st1 {{v16.4s-v19.4s}}, [{to}], #64\n",
                )),
                "ld1 {{v0.4s-v3.4s}}, [{room}], #64",
                "ld1 {{v4.4s-v7.4s}}, [{room}], #64",
                "ld1 {{v8.4s-v11.4s}}, [{room}], #64",
                "ld1 {{v12.4s-v15.4s}}, [{room}]",
                x = out(reg) _, x0 = in(reg) o.x, group = in(reg) o.group, groups = in(reg) o.groups,
                left = out(reg) _, w = inout(reg) o.weights => _, start = inout(reg) o.start => _,
                quads = inout(reg) 4usize => _, to = inout(reg) room.as_mut_ptr() => _,
                room = inout(reg) room.as_mut_ptr() => _,
                out("v0") s[0][0], out("v1") s[1][0], out("v2") s[2][0], out("v3") s[3][0],
                out("v4") s[0][1], out("v5") s[1][1], out("v6") s[2][1], out("v7") s[3][1],
                out("v8") s[0][2], out("v9") s[1][2], out("v10") s[2][2], out("v11") s[3][2],
                out("v12") s[0][3], out("v13") s[1][3], out("v14") s[2][3], out("v15") s[3][3],
                out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _, out("v21") _, out("v22") _,
                out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _, out("v28") _, out("v29") _,
                out("v30") _, out("v31") _,
                options(nostack)
            );
            [[PairSums(s[0])], [PairSums(s[1])], [PairSums(s[2])], [PairSums(s[3])]]
        }
    }

    #[inline(always)]
    unsafe fn one(o: &Operands) -> [[Self; 1]; 1] {
        // SAFETY: as for four, of one pixel.
        unsafe {
            let mut room = MaybeUninit::<[int32x4_t; 4]>::uninit();
            asm!(
                row_groups!(one, "v16.16b", concat!(reduce!(16, 0 1 2 3), "str q16, [{to}], #16\n")),
                x = out(reg) _, x0 = in(reg) o.x, group = in(reg) o.group, groups = in(reg) o.groups,
                left = out(reg) _, w = inout(reg) o.weights => _, start = inout(reg) o.start => _,
                quads = inout(reg) 4usize => _, to = inout(reg) room.as_mut_ptr() => _,
                out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v16") _, out("v20") _, out("v21") _,
                out("v22") _, out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _, out("v28") _,
                out("v29") _, out("v30") _, out("v31") _,
                options(nostack)
            );
            [[PairSums(room.assume_init())]]
        }
    }
}
