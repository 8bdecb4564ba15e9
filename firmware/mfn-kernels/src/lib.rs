//! SIMD kernels with scalar references, chosen at run time.
//!
//! The only crate of the project with unsafe code. A [`Kernels`] value names one instruction set
//! and exists only where the CPU has it, so its methods are safe; [`scalar`] says what each kernel
//! computes, and `tests/variants.rs` holds every variant to it. The free functions below use the
//! best set that this CPU has.
//!
//! [`allocator`] is here because it takes a foreign call, [`rounds`] and [`crew`] because threads share
//! memory in them.
//!
//! What is not here: networks, images, galleries.

pub mod allocator;
pub mod conv;
pub mod crew;
mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
mod ops;
pub mod rounds;
pub mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use level::{Kernels, Level};

/// Sum of products of two slices of one length; [`Kernels::dot_f32`] with the best instructions.
#[must_use]
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    Kernels::detect().dot_f32(a, b)
}

/// Sum of products of two slices of one length; [`Kernels::dot_i8`] with the best instructions.
#[must_use]
pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    Kernels::detect().dot_i8(a, b)
}

/// PReLU in place over channel planes; [`Kernels::prelu_planes`] with the best instructions.
pub fn prelu_planes(x: &mut [f32], slopes: &[f32], plane: usize) {
    Kernels::detect().prelu_planes(x, slopes, plane);
}
