//! [`Sums`] for x86-64: AVX-512 with VNNI, and AVX2.

use super::lanes::{Place, Sums, quads};
use crate::conv::lanes_x86::{Avx2, Avx512};
use std::arch::x86_64::*;

/// AVX-512 F, BW and VNNI: one register; unsigned bytes times signed weights.
#[derive(Clone, Copy)]
pub struct Vnni(__m512i);

/// From pixels by lanes (four channels each) to `[channel][4 pixels]`, in each group of `FAN` channels the `J`-th.
const fn interleaving<const FAN: usize, const J: usize>() -> [u8; 16] {
    let mut pattern = [0; 16];
    let mut at = 0;
    while at < 16 {
        let (channel, pixel) = (at / 4, at % 4);
        pattern[at] = (pixel * 4 + channel / FAN * FAN + J) as u8;
        at += 1;
    }
    pattern
}

impl Sums for Vnni {
    const OFFSET: i32 = 128;
    const PLACE: Place = quads;
    type Floats = Avx512;
    type Quads = *const u8;
    type Factors = __m512i;
    type Window = __m512i;

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }
    #[inline(always)]
    unsafe fn quads(from: *const u8) -> *const u8 {
        from
    }
    #[inline(always)]
    unsafe fn factors(from: *const i8) -> __m512i {
        // SAFETY: the caller vouches for the CPU feature and 64 values.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }
    #[inline(always)]
    unsafe fn dot<const L: usize>(self, factors: __m512i, quads: *const u8) -> Self {
        // SAFETY: the caller vouches for the CPU feature and the bytes that `quads` was made from.
        unsafe {
            let quad = _mm512_set1_epi32(quads.add(4 * L).cast::<i32>().read_unaligned());
            Self(_mm512_dpbusd_epi32(self.0, quad, factors))
        }
    }
    #[inline(always)]
    unsafe fn window<const FAN: usize, const J: usize>(from: *const u8) -> __m512i {
        // SAFETY: the caller vouches for the CPU feature and 64 bytes; the pattern has sixteen.
        unsafe {
            let lanes = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let pattern = const { interleaving::<FAN, J>() };
            let pattern = _mm512_broadcast_i32x4(_mm_loadu_si128(pattern.as_ptr().cast()));
            let pixels = _mm512_permutexvar_epi32(lanes, _mm512_loadu_si512(from.cast()));
            _mm512_shuffle_epi8(pixels, pattern)
        }
    }
    #[inline(always)]
    unsafe fn dot_window(self, factors: __m512i, window: __m512i) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        Self(unsafe { _mm512_dpbusd_epi32(self.0, window, factors) })
    }
    #[inline(always)]
    unsafe fn floats(self) -> Avx512 {
        // SAFETY: the caller vouches for the CPU feature.
        Avx512(unsafe { _mm512_cvtepi32_ps(self.0) })
    }
    #[inline(always)]
    unsafe fn read(from: *const u8, zero: i32) -> Avx512 {
        // SAFETY: the caller vouches for the CPU feature and sixteen bytes.
        unsafe {
            let bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()));
            Avx512(_mm512_cvtepi32_ps(_mm512_sub_epi32(bytes, _mm512_set1_epi32(zero))))
        }
    }
    #[inline(always)]
    unsafe fn round(values: Avx512) -> Avx512 {
        // SAFETY: the caller vouches for the CPU feature.
        Avx512(unsafe { _mm512_roundscale_ps::<0>(values.0) })
    }
    #[inline(always)]
    unsafe fn write(values: Avx512, zero: i32, to: *mut u8) {
        // SAFETY: the caller vouches for the CPU feature and sixteen bytes.
        unsafe {
            let steps = _mm512_add_epi32(_mm512_cvtps_epi32(values.0), _mm512_set1_epi32(zero));
            let bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(steps, _mm512_setzero_si512()));
            _mm_storeu_si128(to.cast(), bytes);
        }
    }
}

/// AVX2: four registers of `[4 outputs][2 halves of a sum]`; bytes are widened to 16 bits.
#[derive(Clone, Copy)]
pub struct Avx2Sums([__m256i; 4]);

impl Avx2Sums {
    #[inline(always)]
    unsafe fn add_products(self, factors: [__m256i; 4], values: [__m256i; 4]) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        let add = |i: usize| unsafe { _mm256_add_epi32(self.0[i], _mm256_madd_epi16(factors[i], values[i])) };
        Self([add(0), add(1), add(2), add(3)])
    }

    /// Eight whole sums of two registers.
    #[inline(always)]
    unsafe fn whole(a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b)) }
    }
}

impl Sums for Avx2Sums {
    const OFFSET: i32 = 0;
    const PLACE: Place = quads;
    type Floats = Avx2;
    type Quads = *const u8;
    type Factors = [__m256i; 4];
    type Window = [__m256i; 4];

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller vouches for the CPU feature and sixteen values.
        let load = |i: usize| unsafe { _mm256_cvtepu32_epi64(_mm_loadu_si128(from.add(4 * i).cast())) };
        Self([load(0), load(1), load(2), load(3)])
    }
    #[inline(always)]
    unsafe fn quads(from: *const u8) -> *const u8 {
        from
    }
    #[inline(always)]
    unsafe fn factors(from: *const i8) -> [__m256i; 4] {
        // SAFETY: the caller vouches for the CPU feature and 64 values.
        let widen = |i: usize| unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(from.add(16 * i).cast())) };
        [widen(0), widen(1), widen(2), widen(3)]
    }
    #[inline(always)]
    unsafe fn dot<const L: usize>(self, factors: [__m256i; 4], quads: *const u8) -> Self {
        // SAFETY: the caller vouches for the CPU feature and the bytes that `quads` was made from.
        unsafe {
            let quad = _mm_set1_epi32(quads.add(4 * L).cast::<i32>().read_unaligned());
            self.add_products(factors, [_mm256_cvtepi8_epi16(quad); 4])
        }
    }
    #[inline(always)]
    unsafe fn window<const FAN: usize, const J: usize>(from: *const u8) -> [__m256i; 4] {
        // SAFETY: the caller vouches for the CPU feature and 64 bytes; the pattern has sixteen.
        unsafe {
            let pixel = |i: usize| _mm_loadu_si128(from.add(16 * i).cast());
            let pairs = |a, b| [_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)];
            let (first, last) = (pairs(pixel(0), pixel(1)), pairs(pixel(2), pixel(3)));
            let channels = [
                _mm_unpacklo_epi16(first[0], last[0]),
                _mm_unpackhi_epi16(first[0], last[0]),
                _mm_unpacklo_epi16(first[1], last[1]),
                _mm_unpackhi_epi16(first[1], last[1]),
            ];
            let pattern = const { spreading::<FAN, J>() };
            let pattern = _mm_loadu_si128(pattern.as_ptr().cast());
            channels.map(|x| _mm256_cvtepi8_epi16(if FAN == 1 { x } else { _mm_shuffle_epi8(x, pattern) }))
        }
    }
    #[inline(always)]
    unsafe fn dot_window(self, factors: [__m256i; 4], window: [__m256i; 4]) -> Self {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe { self.add_products(factors, window) }
    }
    #[inline(always)]
    unsafe fn floats(self) -> Avx2 {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe {
            let (low, high) = (Self::whole(self.0[0], self.0[1]), Self::whole(self.0[2], self.0[3]));
            Avx2(_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high))
        }
    }
    #[inline(always)]
    unsafe fn read(from: *const u8, zero: i32) -> Avx2 {
        // SAFETY: the caller vouches for the CPU feature and sixteen bytes.
        let half = |i: usize| unsafe {
            let bytes = _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.add(8 * i).cast()));
            _mm256_cvtepi32_ps(_mm256_sub_epi32(bytes, _mm256_set1_epi32(zero)))
        };
        Avx2(half(0), half(1))
    }
    #[inline(always)]
    unsafe fn round(values: Avx2) -> Avx2 {
        // SAFETY: the caller vouches for the CPU feature.
        unsafe { Avx2(_mm256_round_ps::<0>(values.0), _mm256_round_ps::<0>(values.1)) }
    }
    #[inline(always)]
    unsafe fn write(values: Avx2, zero: i32, to: *mut u8) {
        // SAFETY: the caller vouches for the CPU feature and sixteen bytes.
        unsafe {
            let zero = _mm256_set1_epi32(zero);
            let steps = |x| _mm256_add_epi32(_mm256_cvtps_epi32(x), zero);
            // Packing works within 128 bits: its quarters come out as 0, 2, 1, 3.
            let words = _mm256_packs_epi32(steps(values.0), steps(values.1));
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(to.cast(), _mm_packs_epi16(low, high));
        }
    }
}

/// In `[4 channels][4 pixels]`, for each channel the `J`-th of its group of `FAN`.
const fn spreading<const FAN: usize, const J: usize>() -> [u8; 16] {
    let mut pattern = [0; 16];
    let mut at = 0;
    while at < 16 {
        let (channel, pixel) = (at / 4, at % 4);
        pattern[at] = ((channel / FAN * FAN + J) * 4 + pixel) as u8;
        at += 1;
    }
    pattern
}
