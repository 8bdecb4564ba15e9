//! x86-64 variants. Each module holds every kernel of [`crate::scalar`] under the same names.
//!
//! Unaligned loads throughout: on every CPU with AVX2 they cost nothing where data is aligned.

/// Bytes ahead that a scan over rows asks memory for: found by trial on a Zen 4 server.
const PREFETCH: usize = 4096;

/// A scan over rows: each row's dot product, with the cache lines of a later row asked for first.
macro_rules! scan_rows {
    ($dot:ident, $query:ident, $rows:ident, $out:ident) => {
        for (row, out) in $rows.chunks_exact($query.len()).zip($out) {
            super::prefetch_row(row);
            *out = $dot($query, row);
        }
    };
}

/// Asks for the cache lines `PREFETCH` bytes behind those of a row.
#[inline(always)]
fn prefetch_row<T>(row: &[T]) {
    let start = row.as_ptr().cast::<u8>();
    for line in (0..size_of_val(row)).step_by(64) {
        prefetch(start.wrapping_add(line + PREFETCH));
    }
}

/// Asks for the cache line at `at`, which may be any address: none is read.
#[inline(always)]
pub(crate) fn prefetch<T>(at: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: every x86-64 has the instruction, a hint that never faults whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
}

/// AVX2 and FMA.
pub mod avx2 {
    use crate::scalar;
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn load(v: &[f32; 8]) -> __m256 {
        // SAFETY: the array holds the 32 bytes that the load reads.
        unsafe { _mm256_loadu_ps(v.as_ptr()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn sum(v: __m256) -> f32 {
        let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
        _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)))
    }

    /// See [`scalar::dot_f32`].
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        let ((a4, a1), (b4, b1)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        // Four sums hide the latency of the fused multiply-add.
        let mut acc = [_mm256_setzero_ps(); 4];
        for (x, y) in a4.iter().zip(b4) {
            for ((acc, x), y) in acc.iter_mut().zip(x).zip(y) {
                *acc = _mm256_fmadd_ps(load(x), load(y), *acc);
            }
        }
        for (x, y) in a1.iter().zip(b1) {
            acc[0] = _mm256_fmadd_ps(load(x), load(y), acc[0]);
        }
        let all = _mm256_add_ps(_mm256_add_ps(acc[0], acc[1]), _mm256_add_ps(acc[2], acc[3]));
        sum(all) + scalar::dot_f32(a_tail, b_tail)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn widen(v: &[i8; 16]) -> __m256i {
        // SAFETY: the array holds the 16 bytes that the load reads.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(v.as_ptr().cast()) })
    }

    /// See [`scalar::dot_i8`]. Products of 8-bit values in pairs fit 32 bits without saturation.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
        let mut acc = _mm256_setzero_si256();
        for (x, y) in a.iter().zip(b) {
            acc = _mm256_add_epi32(acc, _mm256_madd_epi16(widen(x), widen(y)));
        }
        let v = _mm_add_epi32(_mm256_castsi256_si128(acc), _mm256_extracti128_si256::<1>(acc));
        let v = _mm_add_epi32(v, _mm_shuffle_epi32::<0b01_00_11_10>(v));
        let v = _mm_add_epi32(v, _mm_shuffle_epi32::<0b10_11_00_01>(v));
        _mm_cvtsi128_si32(v).wrapping_add(scalar::dot_i8(a_tail, b_tail))
    }

    /// See [`scalar::dot_rows_f32`].
    #[target_feature(enable = "avx2,fma")]
    pub fn dot_rows_f32(query: &[f32], rows: &[f32], out: &mut [f32]) {
        scan_rows!(dot_f32, query, rows, out);
    }

    /// See [`scalar::dot_rows_i8`].
    #[target_feature(enable = "avx2")]
    pub fn dot_rows_i8(query: &[i8], rows: &[i8], out: &mut [i32]) {
        scan_rows!(dot_i8, query, rows, out);
    }

    /// See [`scalar::prelu_planes`]. The choice is between factors, not results (times 1 is exact):
    /// the compiler makes a masked store of a chosen result, which is ten times slower on AMD CPUs.
    #[target_feature(enable = "avx2,fma")]
    pub fn prelu_planes(x: &mut [f32], slopes: &[f32], plane: usize) {
        let (zero, one) = (_mm256_setzero_ps(), _mm256_set1_ps(1.0));
        for (values, &slope) in x.chunks_exact_mut(plane).zip(slopes.iter().cycle()) {
            let factor = _mm256_set1_ps(slope);
            let (blocks, tail) = values.as_chunks_mut::<8>();
            for block in blocks {
                let v = load(block);
                let below = _mm256_cmp_ps::<_CMP_LT_OQ>(v, zero);
                let y = _mm256_mul_ps(v, _mm256_blendv_ps(one, factor, below));
                // SAFETY: the block holds the 32 bytes that the store writes.
                unsafe { _mm256_storeu_ps(block.as_mut_ptr(), y) };
            }
            tail.iter_mut().for_each(|v| *v = scalar::prelu(*v, slope));
        }
    }
}

/// AVX-512 F and BW.
pub mod avx512 {
    use crate::scalar;
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(v: &[f32; 16]) -> __m512 {
        // SAFETY: the array holds the 64 bytes that the load reads.
        unsafe { _mm512_loadu_ps(v.as_ptr()) }
    }

    /// The first lanes from `v` (fewer than 16), the others zero.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load_tail(v: &[f32]) -> (__mmask16, __m512) {
        let mask = (1u16 << v.len().min(15)) - 1;
        // SAFETY: the mask keeps the load to the slice's own values; masked lanes are not read.
        (mask, unsafe { _mm512_maskz_loadu_ps(mask, v.as_ptr()) })
    }

    /// See [`scalar::dot_f32`].
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
        let ((a4, a1), (b4, b1)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        // Four sums hide the latency of the fused multiply-add.
        let mut acc = [_mm512_setzero_ps(); 4];
        for (x, y) in a4.iter().zip(b4) {
            for ((acc, x), y) in acc.iter_mut().zip(x).zip(y) {
                *acc = _mm512_fmadd_ps(load(x), load(y), *acc);
            }
        }
        for (x, y) in a1.iter().zip(b1) {
            acc[0] = _mm512_fmadd_ps(load(x), load(y), acc[0]);
        }
        if !a_tail.is_empty() {
            acc[1] = _mm512_fmadd_ps(load_tail(a_tail).1, load_tail(b_tail).1, acc[1]);
        }
        _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(acc[0], acc[1]), _mm512_add_ps(acc[2], acc[3])))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn widen(v: &[i8; 32]) -> __m512i {
        // SAFETY: the array holds the 32 bytes that the load reads.
        _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(v.as_ptr().cast()) })
    }

    /// See [`scalar::dot_i8`]. Products of 8-bit values in pairs fit 32 bits without saturation.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<32>(), b.as_chunks::<32>());
        let mut acc = _mm512_setzero_si512();
        for (x, y) in a.iter().zip(b) {
            acc = _mm512_add_epi32(acc, _mm512_madd_epi16(widen(x), widen(y)));
        }
        _mm512_reduce_add_epi32(acc).wrapping_add(scalar::dot_i8(a_tail, b_tail))
    }

    /// See [`scalar::dot_rows_f32`].
    #[target_feature(enable = "avx512f")]
    pub fn dot_rows_f32(query: &[f32], rows: &[f32], out: &mut [f32]) {
        scan_rows!(dot_f32, query, rows, out);
    }

    /// See [`scalar::dot_rows_i8`].
    #[target_feature(enable = "avx512f,avx512bw")]
    pub fn dot_rows_i8(query: &[i8], rows: &[i8], out: &mut [i32]) {
        scan_rows!(dot_i8, query, rows, out);
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn prelu(v: __m512, factor: __m512, one: __m512) -> __m512 {
        let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(v, _mm512_setzero_ps());
        _mm512_mul_ps(v, _mm512_mask_blend_ps(below, one, factor))
    }

    /// See [`scalar::prelu_planes`], and the AVX2 variant for the choice of factors.
    #[target_feature(enable = "avx512f")]
    pub fn prelu_planes(x: &mut [f32], slopes: &[f32], plane: usize) {
        let one = _mm512_set1_ps(1.0);
        for (values, &slope) in x.chunks_exact_mut(plane).zip(slopes.iter().cycle()) {
            let factor = _mm512_set1_ps(slope);
            let (blocks, tail) = values.as_chunks_mut::<16>();
            for block in blocks {
                let y = prelu(load(block), factor, one);
                // SAFETY: the block holds the 64 bytes that the store writes.
                unsafe { _mm512_storeu_ps(block.as_mut_ptr(), y) };
            }
            let (mask, v) = load_tail(tail);
            let y = prelu(v, factor, one);
            // SAFETY: the mask keeps the store to the tail's own values; others are not written.
            unsafe { _mm512_mask_storeu_ps(tail.as_mut_ptr(), mask, y) };
        }
    }
}

/// AVX-512 with VNNI: its own 8-bit kernels, the others as in [`avx512`].
pub mod vnni {
    pub use super::avx512::{dot_f32, dot_rows_f32, prelu_planes};
    use crate::scalar;
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(v: &[i8; 64]) -> __m512i {
        // SAFETY: the array holds the 64 bytes that the load reads.
        unsafe { _mm512_loadu_si512(v.as_ptr().cast()) }
    }

    /// See [`scalar::dot_i8`]. The instruction multiplies unsigned by signed bytes: `a` goes in as
    /// `a + 128`, and `128 * sum(b)` is taken off again (all modulo 2^32).
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<64>(), b.as_chunks::<64>());
        let offset = _mm512_set1_epi8(i8::MIN);
        let (mut acc, mut excess) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (x, y) in a.iter().zip(b) {
            let y = load(y);
            acc = _mm512_dpbusd_epi32(acc, _mm512_xor_si512(load(x), offset), y);
            excess = _mm512_dpbusd_epi32(excess, offset, y);
        }
        let whole = _mm512_reduce_add_epi32(_mm512_sub_epi32(acc, excess));
        whole.wrapping_add(scalar::dot_i8(a_tail, b_tail))
    }

    /// See [`scalar::dot_rows_i8`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub fn dot_rows_i8(query: &[i8], rows: &[i8], out: &mut [i32]) {
        scan_rows!(dot_i8, query, rows, out);
    }
}
