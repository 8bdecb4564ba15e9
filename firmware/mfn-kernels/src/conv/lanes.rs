//! Sixteen f32 values as one register (AVX-512), two (AVX2), four (NEON) or an array: what the generic kernels
//! of this module are written over.

use super::columns::Column;
use super::epilogue::{Epilogue, Finish};
use super::planes::Planes;
use super::product::{self, Product};

/// A block of sixteen values. All methods are unsafe because an implementation needs its CPU features;
/// pointers must be valid for the values read or written, at any alignment.
pub trait Lanes: Column<Value = f32> {
    /// Four consecutive input values, each usable as a factor of a whole block.
    type Quad: Copy;

    /// Columns of the widest tile of a 3x3 convolution of planes, 4 or 7: as many sums as registers hold.
    const COLUMNS_7: usize = 7;

    /// All zero.
    unsafe fn zero() -> Self;
    /// One value sixteen times.
    unsafe fn splat(value: f32) -> Self;
    /// Sixteen values to `to`.
    unsafe fn store(self, to: *mut f32);
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self * other`.
    unsafe fn mul(self, other: Self) -> Self;
    /// The larger of each pair.
    unsafe fn max(self, other: Self) -> Self;
    /// The smaller of each pair.
    unsafe fn min(self, other: Self) -> Self;
    /// Where `self > 0` the value of `yes`, else (and for NaN) that of `no`.
    unsafe fn where_positive(self, yes: Self, no: Self) -> Self;
    /// Prepares the four values at `from`.
    unsafe fn quad(from: *const f32) -> Self::Quad;
    /// `self + weights * quad[L]`.
    unsafe fn fma_lane<const L: usize>(self, weights: Self, quad: Self::Quad) -> Self;
    /// A convolution of planes with all that follows it, if the instruction set has a kernel of its own for it.
    #[inline(always)]
    unsafe fn planes(_p: &Planes, _f: &Finish, _block: usize) -> bool {
        false
    }
    /// See [`product::sums`].
    #[inline(always)]
    unsafe fn products<E: Epilogue<Self>, const P: usize, const B: usize>(
        p: &Product,
        e: &E,
        block: usize,
        pixel: usize,
    ) -> [[Self; B]; P] {
        // SAFETY: the caller's promise.
        unsafe { product::sums(p, e, block, pixel) }
    }
}

/// The portable implementation.
#[derive(Clone, Copy)]
pub struct Plain(pub(super) [f32; 16]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Column for Plain {
    type Value = f32;
    const ZEROS: &'static [f32; 16] = &[0.0; 16];

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen values; an array of f32 has f32's alignment.
        Self(unsafe { from.cast::<[f32; 16]>().read() })
    }
    #[inline(always)]
    unsafe fn load_of_group<const FAN: usize, const J: usize>(from: *const f32) -> Self {
        // SAFETY: as for `load`.
        let all = unsafe { Self::load(from) };
        Self(std::array::from_fn(|i| all.0[i / FAN * FAN + J]))
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, summand: Self) -> Self {
        // Not fused: without the instruction `mul_add` is a slow library call.
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + summand.0[i]))
    }
}

impl Lanes for Plain {
    type Quad = [f32; 4];

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 16])
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 16])
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { to.cast::<[f32; 16]>().write(self.0) };
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn where_positive(self, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] > 0.0 { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    unsafe fn quad(from: *const f32) -> [f32; 4] {
        // SAFETY: the caller vouches for four values.
        unsafe { from.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn fma_lane<const L: usize>(self, weights: Self, quad: [f32; 4]) -> Self {
        Self(std::array::from_fn(|i| weights.0[i] * quad[L] + self.0[i]))
    }
}
