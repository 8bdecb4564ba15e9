//! The kernels of each implementation, and the entry points that enable its features.

use super::epilogue::Finish;
use super::lanes::{Lanes, Plain};
use super::layer::Layer;
use super::planes::convolve;
use super::product::pointwise;
use crate::conv::shape::{BLOCK, Kind};

/// The entry points of an implementation. Each is unsafe because the CPU must have it and lengths must have been
/// checked.
macro_rules! entries {
    ($(#[$feature:meta])? $vector:ty) => {
        use super::*;

        $(#[$feature])?
        pub unsafe fn infer(layer: &Layer, input: &[u16], e: &Finish) {
            // SAFETY: the caller's promise.
            unsafe { super::infer::<$vector>(layer, input, e) };
        }

        $(#[$feature])?
        pub unsafe fn narrow(from: &[f32], to: &mut [u16]) {
            // SAFETY: the caller's promise.
            unsafe { super::narrow::<$vector>(from, to) };
        }

        $(#[$feature])?
        pub unsafe fn widen(from: &[u16], to: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { super::widen::<$vector>(from, to) };
        }
    };
}

/// Plain Rust.
pub mod plain {
    entries!(Plain);
}

/// NEON with FP16.
#[cfg(target_arch = "aarch64")]
pub mod neon {
    use super::super::lanes_neon::Neon;
    entries!(
        #[target_feature(enable = "neon,fp16")]
        Neon
    );
}

#[inline(always)]
unsafe fn infer<V: Lanes>(layer: &Layer, input: &[u16], e: &Finish) {
    // SAFETY: the caller's promise.
    unsafe {
        match layer.shape.kind {
            Kind::Pointwise => pointwise::<V>(layer, input, e),
            Kind::Planes { stride: 2, .. } => convolve::<V, 1, 2>(layer, input, e),
            Kind::Planes { fan: 2, .. } => convolve::<V, 2, 1>(layer, input, e),
            Kind::Planes { .. } => convolve::<V, 1, 1>(layer, input, e),
            Kind::Stem | Kind::Global => unreachable!("no layer of this kind is made"),
        }
    }
}

#[inline(always)]
unsafe fn narrow<V: Lanes>(from: &[f32], to: &mut [u16]) {
    for at in (0..from.len()).step_by(BLOCK) {
        // SAFETY: whole blocks of both.
        unsafe { V::narrow(from.as_ptr().add(at)).store(to.as_mut_ptr().add(at)) };
    }
}

#[inline(always)]
unsafe fn widen<V: Lanes>(from: &[u16], to: &mut [f32]) {
    for at in (0..from.len()).step_by(BLOCK) {
        // SAFETY: whole blocks of both.
        unsafe { V::load(from.as_ptr().add(at)).widen(to.as_mut_ptr().add(at)) };
    }
}
