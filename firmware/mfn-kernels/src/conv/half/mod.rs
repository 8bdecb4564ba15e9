//! Convolution layers in floats of 16 bits, for inference: half the memory, and twice the products an instruction.
//!
//! Maps are blocked as those of floats; a value is the bits of an IEEE 754 binary16 in a `u16`. All arithmetic is in 16
//! bits and rounds to the nearest, ties to even; a 1x1 convolution adds up 128 products at a time, and these sums in the
//! order of the inputs. So every implementation gives the same bits: CPUs with FP16 (ARMv8.2's FEAT_FP16: Cortex-A55,
//! A75, A76 and later), and plain Rust everywhere, a thousand times slower, to test and to measure.
//!
//! What is beyond 65504 becomes infinite, and sums go on as IEEE 754 says; PReLU is `x + bend min(x, 0)` with the slope
//! minus 1, which keeps NaN and makes one of minus infinity unless the slope is above 1. Layers of other kinds (an
//! image's stem, a whole map's convolution) take little time and stay in f32, with [`Halves::narrow`] and
//! [`Halves::widen`] at the border.

mod epilogue;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod lanes_neon;
mod layer;
mod number;
mod planes;
mod product;
#[cfg(target_arch = "aarch64")]
mod product_neon;
mod variants;

pub use layer::{Layer, supports};
pub use number::{from_half, to_half};

use super::epilogue::pointer;
use super::shape::BLOCK;
use epilogue::Finish;

/// How numbers of 16 bits are computed with. A value that says the CPU does it proves that the CPU can: the field is
/// private and [`Halves::native`] asks the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halves {
    native: bool,
}

/// Calls an entry point of the variant.
macro_rules! call {
    ($halves:expr, $entry:ident ( $($arg:expr),* )) => {
        match $halves.native {
            #[cfg(target_arch = "aarch64")]
            // SAFETY: this value exists only where the CPU has FP16; lengths are checked.
            true => unsafe { variants::neon::$entry($($arg),*) },
            // SAFETY: plain Rust needs no feature; lengths are checked.
            _ => unsafe { variants::plain::$entry($($arg),*) },
        }
    };
}

impl Halves {
    /// By the CPU's own instructions, where it has them.
    #[must_use]
    pub fn native() -> Option<Halves> {
        #[cfg(target_arch = "aarch64")]
        let native = std::arch::is_aarch64_feature_detected!("fp16");
        #[cfg(not(target_arch = "aarch64"))]
        let native = false;
        native.then_some(Halves { native })
    }

    /// In plain Rust: the same bits.
    #[must_use]
    pub fn plain() -> Halves {
        Halves { native: false }
    }

    /// By the CPU's own instructions where it has them, else in plain Rust.
    #[must_use]
    pub fn detect() -> Halves {
        Halves::native().unwrap_or(Halves::plain())
    }

    /// Inference, one image: convolution, bias, PReLU, and the sum with a residual unless that is empty.
    ///
    /// # Panics
    /// When a length does not fit the layer's shape.
    pub fn infer(self, layer: &Layer, input: &[u16], residual: &[u16], out: &mut [u16]) {
        let shape = &layer.shape;
        assert_eq!((input.len(), out.len()), (shape.input_len(), shape.output_len()), "maps of {shape:?}");
        assert!(residual.is_empty() || residual.len() == out.len(), "a residual like the output");
        let e = Finish {
            out: out.as_mut_ptr(),
            stride: shape.output_len() / shape.outputs * BLOCK,
            bend: layer.bend(),
            residual: pointer(residual),
        };
        call!(self, infer(layer, input, &e));
    }

    /// Rounds a blocked map of floats.
    ///
    /// # Panics
    /// When lengths differ or are not whole blocks.
    pub fn narrow(self, from: &[f32], to: &mut [u16]) {
        assert!(from.len() == to.len() && from.len().is_multiple_of(BLOCK), "maps of one size");
        call!(self, narrow(from, to));
    }

    /// The same map in floats.
    ///
    /// # Panics
    /// When lengths differ or are not whole blocks.
    pub fn widen(self, from: &[u16], to: &mut [f32]) {
        assert!(from.len() == to.len() && from.len().is_multiple_of(BLOCK), "maps of one size");
        call!(self, widen(from, to));
    }
}
