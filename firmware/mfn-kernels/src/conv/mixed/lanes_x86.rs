//! [`Pairs`] for AVX-512 BF16.

use super::lanes::Pairs;
use crate::conv::lanes_x86::Avx512;
use std::arch::x86_64::*;

/// From the rounded values of one register, then of the other, to pairs: 0, 16, 1, 17, and so on.
static INTERLEAVED: [u16; 32] = {
    let mut order = [0; 32];
    let mut i = 0;
    while i < 32 {
        order[i] = (i / 2 + i % 2 * 16) as u16;
        i += 1;
    }
    order
};

impl Pairs for Avx512 {
    type Factors = __m512bh;

    #[inline(always)]
    unsafe fn store_rounded(self, to: *mut u32) {
        // SAFETY: the caller vouches for the CPU feature and eight pairs.
        unsafe {
            let rounded: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(self.0));
            _mm256_storeu_si256(to.cast(), rounded);
        }
    }
    #[inline(always)]
    unsafe fn store_paired(self, other: Self, to: *mut u32) {
        // SAFETY: the caller vouches for the CPU feature and sixteen pairs; 32 numbers of the order.
        unsafe {
            let rounded: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(other.0, self.0));
            let order = _mm512_loadu_si512(INTERLEAVED.as_ptr().cast());
            _mm512_storeu_si512(to.cast(), _mm512_permutexvar_epi16(order, rounded));
        }
    }
    #[inline(always)]
    unsafe fn factors(from: *const u32) -> __m512bh {
        // SAFETY: the caller vouches for the CPU feature and sixteen pairs; any bits are numbers.
        unsafe { std::mem::transmute(_mm512_loadu_si512(from.cast())) }
    }
    #[inline(always)]
    unsafe fn dot(self, factors: __m512bh, x: *const u32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and a pair; any bits are numbers.
        unsafe {
            let x: __m512bh = std::mem::transmute(_mm512_set1_epi32(x.read_unaligned().cast_signed()));
            Self(_mm512_dpbf16_ps(self.0, factors, x))
        }
    }
}
