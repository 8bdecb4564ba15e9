//! The operations of [`Kernels`]: checks of lengths, then one call into the chosen set.

use crate::{Kernels, Level, scalar};

/// Calls the variant of a kernel that belongs to the level. Every variant's module has every
/// kernel, with the signature of the one in [`scalar`].
macro_rules! call {
    ($kernels:expr, $kernel:ident ( $($arg:expr),* )) => {
        match $kernels.level() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has AVX2 and FMA.
            Level::Avx2 => unsafe { crate::x86::avx2::$kernel($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has AVX-512 F, BW, DQ, VL.
            Level::Avx512 => unsafe { crate::x86::avx512::$kernel($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has these and VNNI.
            Level::Avx512Vnni => unsafe { crate::x86::vnni::$kernel($($arg),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has NEON.
            Level::Neon => unsafe { crate::neon::base::$kernel($($arg),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has NEON and dot products.
            Level::NeonDotProd => unsafe { crate::neon::dotprod::$kernel($($arg),*) },
            _ => scalar::$kernel($($arg),*),
        }
    };
}

impl Kernels {
    /// Sum of `a[i] * b[i]`.
    ///
    /// The order of the sum differs between levels: the result is within `n * 2^-23 * sum |a b|` of
    /// the exact one. A NaN in either slice gives NaN; infinities follow IEEE 754 (`inf * 0` and
    /// `inf - inf` are NaN).
    ///
    /// # Panics
    /// When the lengths differ.
    #[must_use]
    pub fn dot_f32(self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "dot product of slices of different lengths");
        call!(self, dot_f32(a, b))
    }

    /// Sum of `a[i] * b[i]`: exact, the same at every level, up to 131,071 values; modulo 2^32 above.
    ///
    /// # Panics
    /// When the lengths differ.
    #[must_use]
    pub fn dot_i8(self, a: &[i8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "dot product of slices of different lengths");
        call!(self, dot_i8(a, b))
    }

    /// `out[r]` = [`Kernels::dot_f32`] of `query` and row `r` of `rows`, to the bit. Rows lie one
    /// behind the other; the next ones are fetched while one is multiplied.
    ///
    /// # Panics
    /// When `query` is empty or `rows` is not `out.len()` rows of its length.
    pub fn dot_rows_f32(self, query: &[f32], rows: &[f32], out: &mut [f32]) {
        assert!(!query.is_empty(), "rows need at least one value");
        assert_eq!(Some(rows.len()), query.len().checked_mul(out.len()), "not one result a row");
        call!(self, dot_rows_f32(query, rows, out));
    }

    /// `out[r]` = [`Kernels::dot_i8`] of `query` and row `r` of `rows`.
    ///
    /// # Panics
    /// When `query` is empty or `rows` is not `out.len()` rows of its length.
    pub fn dot_rows_i8(self, query: &[i8], rows: &[i8], out: &mut [i32]) {
        assert!(!query.is_empty(), "rows need at least one value");
        assert_eq!(Some(rows.len()), query.len().checked_mul(out.len()), "not one result a row");
        call!(self, dot_rows_i8(query, rows, out));
    }

    /// PReLU (He et al. 2015, arXiv:1502.01852, eq. 1) in place over NCHW planes: images in
    /// sequence, in each of them one plane of `plane` values a slope. See [`scalar::prelu`] for one
    /// value; every level gives the same bits (NaN payloads apart).
    ///
    /// # Panics
    /// When `x` is not a whole number of images (`slopes.len() * plane` values each).
    pub fn prelu_planes(self, x: &mut [f32], slopes: &[f32], plane: usize) {
        if x.is_empty() {
            return;
        }
        let image = slopes.len().checked_mul(plane).filter(|&n| n > 0);
        assert!(
            image.is_some_and(|n| x.len().is_multiple_of(n)),
            "{} values are not whole images of {} planes of {plane}",
            x.len(),
            slopes.len()
        );
        call!(self, prelu_planes(x, slopes, plane));
    }
}
