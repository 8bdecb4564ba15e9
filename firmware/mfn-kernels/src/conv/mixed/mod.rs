//! Training's 1x1 convolutions in mixed precision: factors rounded to bfloat16, products and sums in single precision.
//!
//! All that is stored stays in single precision; values are rounded where a product reads them, so the layers around
//! need not know. A CPU with AVX-512 BF16 multiplies twice as many such numbers an instruction as floats. The rounding,
//! 8 bits of each factor, is noise that training bears well (Micikevicius et al. 2018; bfloat16 has a float's range,
//! so no loss is scaled); inference never rounds so.
//!
//! Numbers lie in pairs, the first in the lower half of a `u32`: two neighbouring channels of a pixel where channels are
//! summed over, two neighbouring pixels of a channel where pixels are. Rounding is to the nearest, ties to even; numbers
//! below a float's normal range may become zero.

mod backward;
mod forward;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod lanes_x86;
mod product;
mod variants;

use super::epilogue::Statistics;
use super::stage::Input;
use super::{BLOCK, Backward, Kind, Shape};
use lanes::round;

/// How pairs are multiplied. A value that says the CPU does it proves that the CPU can: the field is private and
/// [`Mixed::native`] asks the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixed {
    native: bool,
}

/// A layer's packed weights in training.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// Of [`Shape::pack`] or, backward, [`Shape::pack_transposed`].
    Single(&'a [f32]),
    /// Those of a 1x1 convolution in [`pairs`], and how they are multiplied.
    Mixed(Mixed, &'a [u32]),
}

/// Calls an entry point of the variant.
macro_rules! call {
    ($mixed:expr, $entry:ident ( $($arg:expr),* )) => {
        match $mixed.native {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this value exists only where the CPU has AVX-512 BF16; lengths are checked.
            true => unsafe { variants::avx512::$entry($($arg),*) },
            // SAFETY: plain Rust needs no feature; lengths are checked.
            _ => unsafe { variants::plain::$entry($($arg),*) },
        }
    };
}

impl Mixed {
    /// By the CPU's own instructions, where it has them.
    #[must_use]
    pub fn native() -> Option<Mixed> {
        #[cfg(target_arch = "x86_64")]
        let native = crate::Level::Avx512.is_available() && is_x86_feature_detected!("avx512bf16");
        #[cfg(not(target_arch = "x86_64"))]
        let native = false;
        native.then_some(Mixed { native })
    }

    /// In plain Rust: the reference, far slower than single precision.
    #[must_use]
    pub fn plain() -> Mixed {
        Mixed { native: false }
    }

    /// Forward, one image, of checked lengths; see [`Kernels::conv_train`](crate::Kernels::conv_train).
    pub(super) fn train(
        self,
        shape: &Shape,
        input: Input<'_>,
        weights: &[u32],
        scratch: &mut Vec<f32>,
        e: Statistics,
    ) {
        check(shape, weights);
        call!(self, train(shape, input, weights, scratch, e));
    }

    /// Backward, one image, of checked lengths; see [`Kernels::conv_backward`](crate::Kernels::conv_backward).
    pub(super) fn backward(self, job: Backward<'_>, weights: &[u32], scratch: &mut Vec<f32>) {
        check(job.shape, weights);
        call!(self, backward(job, weights, scratch));
    }
}

fn check(shape: &Shape, weights: &[u32]) {
    assert_eq!(shape.kind, Kind::Pointwise, "only 1x1 convolutions are multiplied in pairs");
    assert_eq!(2 * weights.len(), shape.packed_len(), "pairs of packed weights of {shape:?}");
}

/// Weights packed by [`Shape::pack`] or [`Shape::pack_transposed`], rounded, neighbouring rows of sixteen in pairs.
///
/// # Panics
/// When the packed weights are not an even number of rows, or not twice the pairs.
pub fn pairs(packed: &[f32], out: &mut [u32]) {
    assert!(packed.len().is_multiple_of(2 * BLOCK) && packed.len() == 2 * out.len(), "rows in pairs");
    for (rows, out) in packed.chunks_exact(2 * BLOCK).zip(out.chunks_exact_mut(BLOCK)) {
        let (first, second) = rows.split_at(BLOCK);
        for ((out, first), second) in out.iter_mut().zip(first).zip(second) {
            *out = u32::from(round(*first)) | u32::from(round(*second)) << 16;
        }
    }
}
