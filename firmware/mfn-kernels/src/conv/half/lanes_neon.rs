//! [`Lanes`] for 64-bit ARM with arithmetic of 16 bits: two registers.
//!
//! Arithmetic is in assembly, one instruction each: the intrinsics want FP16 of every function that they are inlined
//! into, which generic code cannot say.

use super::lanes::Lanes;
use super::product_neon;
use crate::conv::columns::Column;
use crate::conv::product::Operands;
use std::arch::aarch64::*;
use std::arch::asm;

/// NEON with FP16: two registers of eight numbers.
#[derive(Clone, Copy)]
pub struct Neon(pub(super) [uint16x8_t; 2]);

/// One instruction of two operands for both registers.
macro_rules! each {
    ($instruction:literal, $left:expr, $right:expr) => {{
        let mut out = $left;
        for (x, y) in out.0.iter_mut().zip($right.0) {
            // SAFETY: whoever has a value of this type has the CPU's features, by the promise it was made with.
            unsafe {
                asm!(
                    concat!($instruction, " {x:v}.8h, {x:v}.8h, {y:v}.8h"),
                    x = inout(vreg) *x, y = in(vreg) y, options(pure, nomem, nostack, preserves_flags)
                );
            }
        }
        out
    }};
}

impl Column for Neon {
    type Value = u16;
    const ZEROS: &'static [u16; 16] = &[0; 16];

    #[inline(always)]
    unsafe fn load(from: *const u16) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        Self(unsafe { [vld1q_u16(from), vld1q_u16(from.add(8))] })
    }
    #[inline(always)]
    unsafe fn load_of_group<const FAN: usize, const J: usize>(from: *const u16) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        unsafe {
            let pick = |x| match (FAN, J) {
                (2, 0) => vtrn1q_u16(x, x),
                (2, _) => vtrn2q_u16(x, x),
                _ => x,
            };
            Self(Self::load(from).0.map(pick))
        }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, mut summand: Self) -> Self {
        for (i, sum) in summand.0.iter_mut().enumerate() {
            // SAFETY: as in `each`.
            unsafe {
                asm!(
                    "fmla {sum:v}.8h, {x:v}.8h, {y:v}.8h",
                    sum = inout(vreg) *sum, x = in(vreg) self.0[i], y = in(vreg) factor.0[i],
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
        }
        summand
    }
}

impl Lanes for Neon {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller vouches for the CPU's features.
        Self([unsafe { vdupq_n_u16(0) }; 2])
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u16) {
        // SAFETY: the caller vouches for sixteen values.
        unsafe {
            vst1q_u16(to, self.0[0]);
            vst1q_u16(to.add(8), self.0[1]);
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        each!("fadd", self, other)
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        each!("fmin", self, other)
    }
    #[inline(always)]
    unsafe fn narrow(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        unsafe {
            let eight = |from| {
                let low = vcvt_f16_f32(vld1q_f32(from));
                vreinterpretq_u16_f16(vcvt_high_f16_f32(low, vld1q_f32(from.add(4))))
            };
            Self([eight(from), eight(from.add(8))])
        }
    }
    #[inline(always)]
    unsafe fn widen(self, to: *mut f32) {
        for (i, x) in self.0.into_iter().enumerate() {
            // SAFETY: the caller vouches for sixteen values.
            unsafe {
                let x = vreinterpretq_f16_u16(x);
                vst1q_f32(to.add(8 * i), vcvt_f32_f16(vget_low_f16(x)));
                vst1q_f32(to.add(8 * i + 4), vcvt_high_f32_f16(x));
            }
        }
    }
    #[inline(always)]
    unsafe fn sums<const P: usize>(o: &Operands<u16>) -> [Self; P] {
        // SAFETY: the caller's promise.
        unsafe { product_neon::sums(o) }
    }
}
