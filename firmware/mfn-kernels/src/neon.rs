//! 64-bit ARM variants. Each module holds every kernel of [`crate::scalar`] under the same names.

/// A scan over rows: each row's dot product. Cortex-A cores prefetch such streams by themselves.
macro_rules! scan_rows {
    ($dot:ident, $query:ident, $rows:ident, $out:ident) => {
        for (row, out) in $rows.chunks_exact($query.len()).zip($out) {
            *out = $dot($query, row);
        }
    };
}

/// NEON, which every 64-bit ARM CPU with Linux has.
pub mod base {
    use crate::scalar;
    use std::arch::aarch64::*;

    #[inline]
    #[target_feature(enable = "neon")]
    fn load(v: &[f32; 4]) -> float32x4_t {
        // SAFETY: the array holds the 16 bytes that the load reads.
        unsafe { vld1q_f32(v.as_ptr()) }
    }

    /// See [`scalar::dot_f32`].
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        let ((a4, a1), (b4, b1)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        // Four sums hide the latency of the fused multiply-add.
        let mut acc = [vdupq_n_f32(0.0); 4];
        for (x, y) in a4.iter().zip(b4) {
            for ((acc, x), y) in acc.iter_mut().zip(x).zip(y) {
                *acc = vfmaq_f32(*acc, load(x), load(y));
            }
        }
        for (x, y) in a1.iter().zip(b1) {
            acc[0] = vfmaq_f32(acc[0], load(x), load(y));
        }
        let all = vaddq_f32(vaddq_f32(acc[0], acc[1]), vaddq_f32(acc[2], acc[3]));
        vaddvq_f32(all) + scalar::dot_f32(a_tail, b_tail)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) fn load_i8(v: &[i8; 16]) -> int8x16_t {
        // SAFETY: the array holds the 16 bytes that the load reads.
        unsafe { vld1q_s8(v.as_ptr()) }
    }

    /// See [`scalar::dot_i8`]. One product of 8-bit values fits 16 bits; pairs are added into 32.
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
        let (mut low, mut high) = (vdupq_n_s32(0), vdupq_n_s32(0));
        for (x, y) in a.iter().zip(b) {
            let (x, y) = (load_i8(x), load_i8(y));
            low = vpadalq_s16(low, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
            high = vpadalq_s16(high, vmull_high_s8(x, y));
        }
        vaddvq_s32(vaddq_s32(low, high)).wrapping_add(scalar::dot_i8(a_tail, b_tail))
    }

    /// See [`scalar::dot_rows_f32`].
    #[target_feature(enable = "neon")]
    pub fn dot_rows_f32(query: &[f32], rows: &[f32], out: &mut [f32]) {
        scan_rows!(dot_f32, query, rows, out);
    }

    /// See [`scalar::dot_rows_i8`].
    #[target_feature(enable = "neon")]
    pub fn dot_rows_i8(query: &[i8], rows: &[i8], out: &mut [i32]) {
        scan_rows!(dot_i8, query, rows, out);
    }

    /// See [`scalar::prelu_planes`].
    #[target_feature(enable = "neon")]
    pub fn prelu_planes(x: &mut [f32], slopes: &[f32], plane: usize) {
        for (values, &slope) in x.chunks_exact_mut(plane).zip(slopes.iter().cycle()) {
            let factor = vdupq_n_f32(slope);
            let (blocks, tail) = values.as_chunks_mut::<4>();
            for block in blocks {
                let v = load(block);
                let y = vbslq_f32(vcltzq_f32(v), vmulq_f32(v, factor), v);
                // SAFETY: the block holds the 16 bytes that the store writes.
                unsafe { vst1q_f32(block.as_mut_ptr(), y) };
            }
            tail.iter_mut().for_each(|v| *v = scalar::prelu(*v, slope));
        }
    }
}

/// NEON with the dot product extension: its own 8-bit kernels, the others as in [`base`].
pub mod dotprod {
    use super::base::load_i8;
    pub use super::base::{dot_f32, dot_rows_f32, prelu_planes};
    use crate::scalar;
    use std::arch::{aarch64::*, asm};

    /// Adds the products of four neighbouring bytes each to a lane of `acc`. The intrinsic
    /// (`vdotq_s32`) is not in stable Rust yet, the instruction is.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    fn sdot(mut acc: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: the instruction reads and writes these three registers only, and the function is
        // compiled for (and called on) CPUs that have it.
        unsafe {
            asm!(
                "sdot {acc:v}.4s, {a:v}.16b, {b:v}.16b",
                acc = inout(vreg) acc, a = in(vreg) a, b = in(vreg) b,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        acc
    }

    /// See [`scalar::dot_i8`].
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
        let ((a4, a1), (b4, b1)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        let mut acc = [vdupq_n_s32(0); 4];
        for (x, y) in a4.iter().zip(b4) {
            for ((acc, x), y) in acc.iter_mut().zip(x).zip(y) {
                *acc = sdot(*acc, load_i8(x), load_i8(y));
            }
        }
        for (x, y) in a1.iter().zip(b1) {
            acc[0] = sdot(acc[0], load_i8(x), load_i8(y));
        }
        let all = vaddq_s32(vaddq_s32(acc[0], acc[1]), vaddq_s32(acc[2], acc[3]));
        vaddvq_s32(all).wrapping_add(scalar::dot_i8(a_tail, b_tail))
    }

    /// See [`scalar::dot_rows_i8`].
    #[target_feature(enable = "neon,dotprod")]
    pub fn dot_rows_i8(query: &[i8], rows: &[i8], out: &mut [i32]) {
        scan_rows!(dot_i8, query, rows, out);
    }
}
