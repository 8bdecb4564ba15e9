//! The dense product's inner loop for 64-bit ARM, in assembly: with the dot product extension, and without.
//!
//! Both make tiles of four pixels (and of one, at the end) by sixteen outputs, whose operands come with one load of
//! four registers each. With the extension a register of weights holds four inputs of four outputs, and is multiplied
//! by one of a pixel's four quads.
//!
//! Without, sixteen inputs of a pixel are multiplied by the same sixteen of one output: two products of bytes are added
//! in 16 bits, and neighbours of those to four sums of 32 bits. Nothing is spread over lanes; what it costs is that the
//! four sums of an output are added up at the end.

use super::dense::Dense;
use super::epilogue::Finish;
use super::lanes::Sums;
use super::lanes_neon::{DotSums, PairSums};
use std::arch::aarch64::*;
use std::arch::asm;
use std::mem::MaybeUninit;

/// The operands of a tile.
pub struct Operands {
    /// The first pixel's first group of sixteen inputs; pixels lie side by side.
    x: *const u8,
    /// Bytes between two groups.
    group: usize,
    /// Groups, at least one.
    groups: usize,
    /// The block's weights.
    weights: *const i8,
    /// What the sums begin with, sixteen.
    start: *const i32,
}

/// What makes a tile's sums.
pub trait Tile: Sums {
    /// The sums of four pixels.
    ///
    /// # Safety
    /// The CPU has the type's features; the pointers hold what [`Operands`] says.
    unsafe fn four(o: &Operands) -> [[Self; 1]; 4];
    /// The sums of one pixel.
    ///
    /// # Safety
    /// As for four.
    unsafe fn one(o: &Operands) -> [[Self; 1]; 1];
}

/// A 1x1 convolution, as [`super::dense::dense`] makes it.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Dense`] says, with pixels side by side.
#[inline(always)]
pub unsafe fn dense<V: Tile>(d: &Dense, e: &Finish) {
    for block in 0..d.outputs {
        let mut pixel = 0;
        // SAFETY: blocks below `outputs`, tiles that end at `pixels`.
        unsafe {
            while pixel + 4 <= d.pixels {
                e.tile(&V::four(&operands(d, block, pixel)), block, d.first + pixel);
                pixel += 4;
            }
            while pixel < d.pixels {
                e.tile(&V::one(&operands(d, block, pixel)), block, d.first + pixel);
                pixel += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn operands(d: &Dense, block: usize, pixel: usize) -> Operands {
    let (group, groups) = (d.group, d.groups);
    // SAFETY: the caller's block and pixel.
    unsafe {
        let (x, weights) = (d.x.add(pixel * d.pixel), d.weights.add(block * groups * 256));
        Operands { x, group, groups, weights, start: d.start.add(block * 16) }
    }
}

/// With the extension: a pixel's register times four registers of weights, by one of its quads.
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

/// All groups; weights are loaded two quads ahead.
macro_rules! dot_groups {
    ($tile:ident, $pixels:literal) => {
        concat!(
            "2:\n",
            "ld1 {{", $pixels, "}}, [{x}], {group}\n",
            "ld1 {{v20.16b-v23.16b}}, [{w}], #64\n",
            "ld1 {{v24.16b-v27.16b}}, [{w}], #64\n",
            dots!($tile 0, 20 21 22 23),
            "ld1 {{v28.16b-v31.16b}}, [{w}], #64\n",
            dots!($tile 1, 24 25 26 27),
            "ld1 {{v20.16b-v23.16b}}, [{w}], #64\n",
            dots!($tile 2, 28 29 30 31),
            dots!($tile 3, 20 21 22 23),
            "subs {groups}, {groups}, #1\n",
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
                x = inout(reg) o.x => _, group = in(reg) o.group, groups = inout(reg) o.groups => _,
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
                x = inout(reg) o.x => _, group = in(reg) o.group, groups = inout(reg) o.groups => _,
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

/// Without the extension: up to four pairs of a register of a pixel and one of weights, each added to a sum by `$add`.
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
/// four sums become one, begun with its start. `$store` and `$reduce` say how.
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
            let mut room = MaybeUninit::<[[int32x4_t; 4]; 4]>::uninit();
            asm!(
                row_groups!(four, "v16.16b-v19.16b", concat!(
                    reduce!(16, 0 1 2 3), reduce!(17, 4 5 6 7), reduce!(18, 8 9 10 11), reduce!(19, 12 13 14 15),
                    "st1 {{v16.4s-v19.4s}}, [{to}], #64\n",
                )),
                x = out(reg) _, x0 = in(reg) o.x, group = in(reg) o.group, groups = in(reg) o.groups,
                left = out(reg) _, w = inout(reg) o.weights => _, start = inout(reg) o.start => _,
                quads = inout(reg) 4usize => _, to = inout(reg) room.as_mut_ptr() => _,
                out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _,
                out("v7") _, out("v8") _, out("v9") _, out("v10") _, out("v11") _, out("v12") _, out("v13") _,
                out("v14") _, out("v15") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _,
                out("v21") _, out("v22") _, out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _,
                out("v28") _, out("v29") _, out("v30") _, out("v31") _,
                options(nostack)
            );
            let [a, b, c, d] = room.assume_init();
            let pixel = |p: usize| [PairSums([a[p], b[p], c[p], d[p]])];
            [pixel(0), pixel(1), pixel(2), pixel(3)]
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
