//! [`Lanes`] for 64-bit ARM: four registers, products by lane.

use super::columns::Column;
use super::epilogue::{Epilogue, Finish};
use super::lanes::Lanes;
use super::planes::Planes;
use super::planes_neon;
use super::product::{Operands, Product};
use super::product_neon;
use std::arch::aarch64::*;

/// NEON: four registers.
#[derive(Clone, Copy)]
pub struct Neon(pub(super) [float32x4_t; 4]);

/// One method for all four registers.
macro_rules! each {
    ($f:expr, $($arg:expr),*) => {
        // SAFETY: NEON is part of every 64-bit ARM that this target runs on.
        Neon(unsafe { [$f($($arg[0]),*), $f($($arg[1]),*), $f($($arg[2]),*), $f($($arg[3]),*)] })
    };
}

impl Column for Neon {
    type Value = f32;
    const ZEROS: &'static [f32; 16] = &[0.0; 16];

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        Self(unsafe {
            [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]
        })
    }
    #[inline(always)]
    unsafe fn load_of_group<const FAN: usize, const J: usize>(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        unsafe {
            let pick = |x| match (FAN, J) {
                (2, 0) => vtrn1q_f32(x, x),
                (2, _) => vtrn2q_f32(x, x),
                (4, 0) => vdupq_laneq_f32::<0>(x),
                (4, 1) => vdupq_laneq_f32::<1>(x),
                (4, 2) => vdupq_laneq_f32::<2>(x),
                (4, _) => vdupq_laneq_f32::<3>(x),
                _ => x,
            };
            Self(Self::load(from).0.map(pick))
        }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, summand: Self) -> Self {
        each!(vfmaq_f32, summand.0, self.0, factor.0)
    }
}

impl Lanes for Neon {
    type Quad = float32x4_t;
    const COLUMNS_7: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: NEON is there.
        unsafe { Self::splat(0.0) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: NEON is there.
        Self([unsafe { vdupq_n_f32(value) }; 4])
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for sixteen values.
        unsafe {
            vst1q_f32(to, self.0[0]);
            vst1q_f32(to.add(4), self.0[1]);
            vst1q_f32(to.add(8), self.0[2]);
            vst1q_f32(to.add(12), self.0[3]);
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        each!(vaddq_f32, self.0, other.0)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        each!(vmulq_f32, self.0, other.0)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        each!(vmaxq_f32, self.0, other.0)
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        each!(vminq_f32, self.0, other.0)
    }
    #[inline(always)]
    unsafe fn where_positive(self, yes: Self, no: Self) -> Self {
        // SAFETY: NEON is there.
        let positive = unsafe {
            [vcgtzq_f32(self.0[0]), vcgtzq_f32(self.0[1]), vcgtzq_f32(self.0[2]), vcgtzq_f32(self.0[3])]
        };
        each!(vbslq_f32, positive, yes.0, no.0)
    }
    #[inline(always)]
    unsafe fn quad(from: *const f32) -> float32x4_t {
        // SAFETY: the caller vouches for four values.
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn fma_lane<const L: usize>(self, weights: Self, quad: float32x4_t) -> Self {
        // SAFETY: NEON is there.
        unsafe {
            // The intrinsic wants its lane as an i32 constant, which a usize parameter cannot become.
            let lane = |acc, w| match L {
                0 => vfmaq_laneq_f32::<0>(acc, w, quad),
                1 => vfmaq_laneq_f32::<1>(acc, w, quad),
                2 => vfmaq_laneq_f32::<2>(acc, w, quad),
                _ => vfmaq_laneq_f32::<3>(acc, w, quad),
            };
            Self([
                lane(self.0[0], weights.0[0]),
                lane(self.0[1], weights.0[1]),
                lane(self.0[2], weights.0[2]),
                lane(self.0[3], weights.0[3]),
            ])
        }
    }
    #[inline(always)]
    unsafe fn planes(p: &Planes, f: &Finish, block: usize) -> bool {
        let supported = planes_neon::supports(p, f);
        if supported {
            // SAFETY: the caller's promise.
            unsafe { planes_neon::convolve(p, f, block) };
        }
        supported
    }
    #[inline(always)]
    unsafe fn products<E: Epilogue<Self>, const P: usize, const B: usize>(
        p: &Product,
        e: &E,
        block: usize,
        pixel: usize,
    ) -> [[Self; B]; P] {
        // SAFETY: the caller's pixels and block; there is at least one input block.
        unsafe {
            product_neon::sums(&Operands {
                x: p.x.add(pixel * 16),
                x_stride: p.x_stride,
                inputs: p.inputs,
                weights: p.weights.add(block * p.inputs * 256),
                start: e.start(block),
            })
        }
    }
}
