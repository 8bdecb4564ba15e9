//! [`Sums`] for 64-bit ARM: with the dot product extension, and without.
//!
//! The extension's intrinsics are not stable in Rust 1.95, so its two instructions are inline assembly.

use super::lanes::{Place, Sums, quads};
use crate::conv::columns::Column;
use crate::conv::lanes_neon::Neon;
use std::arch::aarch64::*;
use std::arch::asm;

/// Four registers of four sums, by `sdot`.
#[derive(Clone, Copy)]
pub struct DotSums(pub(super) [int32x4_t; 4]);

/// Four registers of four sums, by `smull`, `smlal` and `sadalp`.
#[derive(Clone, Copy)]
pub struct PairSums(pub(super) [int32x4_t; 4]);

/// Adds to each sum its four weights times the quad `L` of sixteen bytes.
///
/// # Safety
/// The CPU has the dot product extension.
#[inline(always)]
unsafe fn sdot_lane<const L: usize>(mut sums: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: the caller vouches for the extension; registers only.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sums:v}.4s, {weights:v}.16b, {x:v}.4b[{lane}]",
            sums = inout(vreg) sums, weights = in(vreg) weights, x = in(vreg) x, lane = const L,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

/// Adds to each sum its four weights times its four values.
///
/// # Safety
/// The CPU has the dot product extension.
#[inline(always)]
unsafe fn sdot(mut sums: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: the caller vouches for the extension; registers only.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sums:v}.4s, {weights:v}.16b, {x:v}.16b",
            sums = inout(vreg) sums, weights = in(vreg) weights, x = in(vreg) x,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

/// Two of sixteen weights times two of sixteen values, summed: no overflow, as weights are -127 at least.
#[inline(always)]
unsafe fn pairs_low(sums: int32x4_t, weights: [int8x16_t; 2], x: [int8x16_t; 2]) -> int32x4_t {
    // SAFETY: NEON is there.
    unsafe {
        let products = vmull_s8(vget_low_s8(weights[0]), vget_low_s8(x[0]));
        vpadalq_s16(sums, vmlal_s8(products, vget_low_s8(weights[1]), vget_low_s8(x[1])))
    }
}

/// As `pairs_low`, of the upper halves.
#[inline(always)]
unsafe fn pairs_high(sums: int32x4_t, weights: [int8x16_t; 2], x: [int8x16_t; 2]) -> int32x4_t {
    // SAFETY: NEON is there.
    unsafe { vpadalq_s16(sums, vmlal_high_s8(vmull_high_s8(weights[0], x[0]), weights[1], x[1])) }
}

/// Sixteen values that are summed into: two loads, where the compiler would load them once and copy four registers
/// whenever it needs them.
///
/// # Safety
/// Sixteen values at `from`.
#[inline(always)]
unsafe fn load_again(from: *const f32) -> Neon {
    // SAFETY: the caller vouches for the values. Not `pure`, or it would be loaded once.
    unsafe {
        let mut x = [vdupq_n_f32(0.0); 4];
        asm!(
            "ldp {a:q}, {b:q}, [{from}]",
            "ldp {c:q}, {d:q}, [{from}, #32]",
            from = in(reg) from,
            a = out(vreg) x[0], b = out(vreg) x[1], c = out(vreg) x[2], d = out(vreg) x[3],
            options(readonly, nostack, preserves_flags)
        );
        Neon(x)
    }
}

/// In each group of `FAN` channels the `J`-th.
const fn picking<const FAN: usize, const J: usize>() -> [u8; 16] {
    let mut pattern = [0; 16];
    let mut at = 0;
    while at < 16 {
        pattern[at] = (at / FAN * FAN + J) as u8;
        at += 1;
    }
    pattern
}

/// Pixels 0 and 1, then 2 and 3, byte by byte: `[channels 0 to 7, 8 to 15]` of each.
#[inline(always)]
unsafe fn zipped<const FAN: usize, const J: usize>(from: *const u8) -> [[int8x16_t; 2]; 2] {
    // SAFETY: the caller vouches for 64 bytes; the pattern has sixteen.
    unsafe {
        let pattern = const { picking::<FAN, J>() };
        let pattern = vld1q_u8(pattern.as_ptr());
        let pixel = |i: usize| {
            let x = vld1q_s8(from.add(16 * i).cast());
            if FAN == 1 { x } else { vqtbl1q_s8(x, pattern) }
        };
        let [a, b, c, d] = [pixel(0), pixel(1), pixel(2), pixel(3)];
        [[vzip1q_s8(a, b), vzip2q_s8(a, b)], [vzip1q_s8(c, d), vzip2q_s8(c, d)]]
    }
}

/// What both have in common.
macro_rules! common {
    () => {
        type Floats = Neon;
        type Quads = int8x16_t;
        type Factors = [int8x16_t; 4];
        const OFFSET: i32 = 0;

        #[inline(always)]
        unsafe fn load(from: *const i32) -> Self {
            // SAFETY: the caller vouches for sixteen values.
            Self(unsafe {
                [vld1q_s32(from), vld1q_s32(from.add(4)), vld1q_s32(from.add(8)), vld1q_s32(from.add(12))]
            })
        }
        #[inline(always)]
        unsafe fn quads(from: *const u8) -> int8x16_t {
            // SAFETY: the caller vouches for sixteen bytes.
            unsafe { vld1q_s8(from.cast()) }
        }
        #[inline(always)]
        unsafe fn factors(from: *const i8) -> [int8x16_t; 4] {
            // SAFETY: the caller vouches for 64 weights.
            unsafe {
                [vld1q_s8(from), vld1q_s8(from.add(16)), vld1q_s8(from.add(32)), vld1q_s8(from.add(48))]
            }
        }
        #[inline(always)]
        unsafe fn floats(self) -> Neon {
            // SAFETY: NEON is there.
            Neon(self.0.map(|sums| unsafe { vcvtq_f32_s32(sums) }))
        }
        #[inline(always)]
        unsafe fn scaled(self, scale: Neon, bias: *const f32) -> Neon {
            // SAFETY: the caller vouches for sixteen values.
            unsafe { self.floats().fma(scale, load_again(bias)) }
        }
        #[inline(always)]
        unsafe fn read(from: *const u8, zero: i32) -> Neon {
            // SAFETY: the caller vouches for sixteen bytes.
            unsafe {
                let (bytes, zero) = (vld1q_s8(from.cast()), vdupq_n_s8(zero as i8));
                let low = vsubl_s8(vget_low_s8(bytes), vget_low_s8(zero));
                let high = vsubl_high_s8(bytes, zero);
                let words = [
                    vmovl_s16(vget_low_s16(low)),
                    vmovl_high_s16(low),
                    vmovl_s16(vget_low_s16(high)),
                    vmovl_high_s16(high),
                ];
                Neon(words.map(|x| vcvtq_f32_s32(x)))
            }
        }
        #[inline(always)]
        unsafe fn round(values: Neon) -> Neon {
            // SAFETY: NEON is there.
            Neon(values.0.map(|x| unsafe { vrndnq_f32(x) }))
        }
        #[inline(always)]
        unsafe fn write(values: Neon, zero: i32, to: *mut u8) {
            // SAFETY: the caller vouches for sixteen bytes. Every step saturates.
            unsafe {
                let [a, b, c, d] = values.0.map(|x| vcvtnq_s32_f32(x));
                let zero = vdupq_n_s16(zero as i16);
                let low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero);
                let high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), zero);
                vst1q_s8(to.cast(), vqmovn_high_s16(vqmovn_s16(low), high));
            }
        }
    };
}

impl Sums for DotSums {
    const PLACE: Place = quads;
    type Window = [int8x16_t; 4];
    common!();

    #[inline(always)]
    unsafe fn dot<const L: usize>(self, f: [int8x16_t; 4], x: int8x16_t) -> Self {
        // SAFETY: the caller vouches for the dot product extension.
        let sum = |i: usize| unsafe { sdot_lane::<L>(self.0[i], f[i], x) };
        Self([sum(0), sum(1), sum(2), sum(3)])
    }
    #[inline(always)]
    unsafe fn window<const FAN: usize, const J: usize>(from: *const u8) -> [int8x16_t; 4] {
        // SAFETY: the caller vouches for 64 bytes.
        unsafe {
            let [first, last] = zipped::<FAN, J>(from);
            let both = |i: usize| (vreinterpretq_s16_s8(first[i]), vreinterpretq_s16_s8(last[i]));
            let low = |(a, b)| vreinterpretq_s8_s16(vzip1q_s16(a, b));
            let high = |(a, b)| vreinterpretq_s8_s16(vzip2q_s16(a, b));
            [low(both(0)), high(both(0)), low(both(1)), high(both(1))]
        }
    }
    #[inline(always)]
    unsafe fn dot_window(self, f: [int8x16_t; 4], window: [int8x16_t; 4]) -> Self {
        // SAFETY: the caller vouches for the dot product extension.
        let sum = |i: usize| unsafe { sdot(self.0[i], f[i], window[i]) };
        Self([sum(0), sum(1), sum(2), sum(3)])
    }
}

/// `[2 halves][2 pairs][8 outputs][2 inputs]`: a register holds the same pair of inputs for eight outputs.
fn pairs(o: usize, i: usize) -> usize {
    o / 8 * 32 + i / 2 * 16 + o % 8 * 2 + i % 2
}

impl Sums for PairSums {
    const PLACE: Place = pairs;
    const ROWS: bool = true;
    const FEW_FACTORS: bool = true;
    type Window = [[int8x16_t; 2]; 2];
    common!();

    #[inline(always)]
    unsafe fn dot<const L: usize>(self, f: [int8x16_t; 4], x: int8x16_t) -> Self {
        // SAFETY: NEON is there.
        unsafe {
            let x = vreinterpretq_s16_s8(x);
            let [first, last] = match L {
                0 => [vdupq_laneq_s16::<0>(x), vdupq_laneq_s16::<1>(x)],
                1 => [vdupq_laneq_s16::<2>(x), vdupq_laneq_s16::<3>(x)],
                2 => [vdupq_laneq_s16::<4>(x), vdupq_laneq_s16::<5>(x)],
                _ => [vdupq_laneq_s16::<6>(x), vdupq_laneq_s16::<7>(x)],
            }
            .map(|x| vreinterpretq_s8_s16(x));
            self.dot_window(f, [[first; 2], [last; 2]])
        }
    }
    #[inline(always)]
    unsafe fn window<const FAN: usize, const J: usize>(from: *const u8) -> [[int8x16_t; 2]; 2] {
        // SAFETY: the caller vouches for 64 bytes.
        unsafe { zipped::<FAN, J>(from) }
    }
    #[inline(always)]
    unsafe fn dot_window(self, f: [int8x16_t; 4], [first, last]: [[int8x16_t; 2]; 2]) -> Self {
        // SAFETY: NEON is there.
        unsafe {
            let half = |i: usize| ([f[2 * i], f[2 * i + 1]], [first[i], last[i]]);
            let ((weights_0, x_0), (weights_1, x_1)) = (half(0), half(1));
            Self([
                pairs_low(self.0[0], weights_0, x_0),
                pairs_high(self.0[1], weights_0, x_0),
                pairs_low(self.0[2], weights_1, x_1),
                pairs_high(self.0[3], weights_1, x_1),
            ])
        }
    }
}
