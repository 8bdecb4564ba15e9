//! The kernels of each implementation: entry points that enable its features.

use super::backward;
use super::forward;
use crate::conv::backward::Backward;
use crate::conv::epilogue::Statistics;
use crate::conv::shape::Shape;
use crate::conv::stage::Input;

/// The entry points of an implementation. Each is unsafe because the CPU must have it and lengths must have been
/// checked.
macro_rules! entries {
    ($(#[$feature:meta])? $vector:ty) => {
        use super::*;

        $(#[$feature])?
        pub unsafe fn train(
            shape: &Shape,
            input: Input<'_>,
            weights: &[u32],
            scratch: &mut Vec<f32>,
            mut e: Statistics,
        ) {
            // SAFETY: the caller's promise.
            unsafe { forward::forward::<$vector, _>(shape, input, weights, scratch, &mut e) };
        }

        $(#[$feature])?
        pub unsafe fn backward(job: Backward<'_>, weights: &[u32], scratch: &mut Vec<f32>) {
            // SAFETY: the caller's promise.
            unsafe { backward::backward::<$vector>(job, weights, scratch) };
        }
    };
}

/// Plain Rust.
pub mod plain {
    use crate::conv::lanes::Plain;
    entries!(Plain);
}

/// AVX-512 with BF16.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use crate::conv::lanes_x86::Avx512;
    entries!(
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512bf16,avx2,fma")]
        Avx512
    );
}
