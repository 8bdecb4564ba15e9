//! [`Lanes`] for x86-64.
//!
//! Every method is one or two instructions of the set that the type names; the wrappers in `variants.rs` enable
//! the set, and these methods are inlined into them.

use super::columns::Column;
use super::lanes::Lanes;
use std::arch::x86_64::*;

/// AVX-512 F: one register.
#[derive(Clone, Copy)]
pub struct Avx512(pub(super) __m512);

/// AVX2 and FMA: two registers.
#[derive(Clone, Copy)]
pub struct Avx2(pub(super) __m256, pub(super) __m256);

/// Implements methods whose only requirement is the CPU feature.
macro_rules! features_only {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) -> $out:ty { $body:expr })*) => {
        $(
            #[inline(always)]
            unsafe fn $name($($arg: $ty),*) -> $out {
                // SAFETY: the caller vouches for the CPU feature and for any pointer's values.
                unsafe { $body }
            }
        )*
    };
}

impl Column for Avx512 {
    type Value = f32;
    const ZEROS: &'static [f32; 16] = &[0.0; 16];

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        unsafe { Self(_mm512_loadu_ps(from)) }
    }
    #[inline(always)]
    unsafe fn load_of_group<const FAN: usize, const J: usize>(from: *const f32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        unsafe {
            let all = Self::load(from);
            let pick = |x| match (FAN, J) {
                (2, 0) => _mm512_moveldup_ps(x),
                (2, _) => _mm512_movehdup_ps(x),
                (4, 0) => _mm512_permute_ps::<0x00>(x),
                (4, 1) => _mm512_permute_ps::<0x55>(x),
                (4, 2) => _mm512_permute_ps::<0xaa>(x),
                (4, _) => _mm512_permute_ps::<0xff>(x),
                _ => x,
            };
            Self(pick(all.0))
        }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, summand: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, summand.0) })
    }
}

impl Lanes for Avx512 {
    type Quad = *const f32;

    features_only! {
        fn zero() -> Self { Self(_mm512_setzero_ps()) }
        fn splat(value: f32) -> Self { Self(_mm512_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        unsafe { _mm512_storeu_ps(to, self.0) };
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn where_positive(self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe {
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, _mm512_setzero_ps());
            Self(_mm512_mask_blend_ps(positive, no.0, yes.0))
        }
    }
    #[inline(always)]
    unsafe fn quad(from: *const f32) -> *const f32 {
        from
    }
    #[inline(always)]
    unsafe fn fma_lane<const L: usize>(self, weights: Self, quad: *const f32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and the four values that `quad` was made from.
        Self(unsafe { _mm512_fmadd_ps(weights.0, _mm512_set1_ps(*quad.add(L)), self.0) })
    }
}

impl Column for Avx2 {
    type Value = f32;
    const ZEROS: &'static [f32; 16] = &[0.0; 16];

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    unsafe fn load_of_group<const FAN: usize, const J: usize>(from: *const f32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        unsafe {
            let all = Self::load(from);
            let pick = |x| match (FAN, J) {
                (2, 0) => _mm256_moveldup_ps(x),
                (2, _) => _mm256_movehdup_ps(x),
                (4, 0) => _mm256_permute_ps::<0x00>(x),
                (4, 1) => _mm256_permute_ps::<0x55>(x),
                (4, 2) => _mm256_permute_ps::<0xaa>(x),
                (4, _) => _mm256_permute_ps::<0xff>(x),
                _ => x,
            };
            Self(pick(all.0), pick(all.1))
        }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, summand: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe {
            Self(_mm256_fmadd_ps(self.0, factor.0, summand.0), _mm256_fmadd_ps(self.1, factor.1, summand.1))
        }
    }
}

impl Lanes for Avx2 {
    type Quad = *const f32;

    features_only! {
        fn zero() -> Self { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
        fn splat(value: f32) -> Self { Self(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe { Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe { Self(_mm256_min_ps(self.0, other.0), _mm256_min_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn where_positive(self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe {
            let zero = _mm256_setzero_ps();
            let low = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, zero);
            let high = _mm256_cmp_ps::<_CMP_GT_OQ>(self.1, zero);
            Self(_mm256_blendv_ps(no.0, yes.0, low), _mm256_blendv_ps(no.1, yes.1, high))
        }
    }
    #[inline(always)]
    unsafe fn quad(from: *const f32) -> *const f32 {
        from
    }
    #[inline(always)]
    unsafe fn fma_lane<const L: usize>(self, weights: Self, quad: *const f32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and the four values that `quad` was made from.
        unsafe {
            let x = _mm256_broadcast_ss(&*quad.add(L));
            Self(_mm256_fmadd_ps(weights.0, x, self.0), _mm256_fmadd_ps(weights.1, x, self.1))
        }
    }
}
