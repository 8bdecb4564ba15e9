//! The int8 kernels of each instruction set: register tiles, and entry points that enable its features.

use super::dense::{Dense, dense};
#[cfg(target_arch = "aarch64")]
use super::dense_neon;
use super::epilogue::{Finish, Steps};
use super::forward::{self, Tiles};
use super::lanes::PlainSums;
#[cfg(target_arch = "aarch64")]
use super::lanes_neon::{DotSums, PairSums};
use super::maps;
use super::pack::Packed;
use super::planes::{Windows, convolve};
#[cfg(target_arch = "aarch64")]
use super::planes_neon;

/// `Tiles` of a type: pixels and blocks of a dense tile, pixels at a time, columns of a depthwise tile; what makes 1x1
/// convolutions and depthwise ones of stride 1 and four columns or more, if not tiles.
macro_rules! tiles {
    ($vector:ty, $pixels:literal x $blocks:literal of $chunk:literal, $columns:literal $(, $pointwise:path, $strips:path)?) => {
        impl Tiles for $vector {
            const CHUNK: usize = $chunk;

            #[inline(always)]
            unsafe fn dense<const Q: usize>(d: &Dense, e: &Finish) {
                // SAFETY: the caller's promise.
                unsafe { dense::<Self, $pixels, $blocks, Q>(d, e) };
            }
            $(#[inline(always)]
            unsafe fn pointwise(d: &Dense, e: &Finish) {
                // SAFETY: the caller's promise.
                unsafe { $pointwise(d, e) };
            }
            const PLANE_ROOM: fn(usize) -> usize = planes_neon::room;)?
            #[inline(always)]
            unsafe fn planes<const STRIDE: usize, const FAN: usize>(w: &Windows, e: &Finish, block: usize) {
                $(if STRIDE == 1 && FAN == 1 && w.size[1] >= 4 {
                    // SAFETY: the caller's promise.
                    return unsafe { $strips(w, e, block) };
                })?
                // SAFETY: the caller's promise.
                unsafe { convolve::<Self, $columns, STRIDE, FAN>(w, e, block) };
            }
        }
    };
}

/// The entry points of an instruction set. Each is unsafe because the CPU must have it and lengths must have been
/// checked.
macro_rules! entries {
    ($(#[$feature:meta])? $vector:ty) => {
        use super::*;

        $(#[$feature])?
        pub unsafe fn infer(packed: &Packed, input: &[u8], zero: u8, scratch: &mut Vec<f32>, e: &Finish) {
            // SAFETY: the caller's promise.
            unsafe { forward::forward::<$vector>(packed, input, zero, scratch, e) };
        }

        $(#[$feature])?
        pub unsafe fn quantise(from: &[f32], steps: &Steps, to: &mut [u8]) {
            // SAFETY: the caller's promise.
            unsafe { maps::quantise::<$vector>(from, steps, to) };
        }

        $(#[$feature])?
        pub unsafe fn dequantise(from: &[u8], steps: &Steps, to: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { maps::dequantise::<$vector>(from, steps, to) };
        }

        $(#[$feature])?
        pub unsafe fn image(from: &[f32], size: [usize; 2], steps: &Steps, to: &mut [u8]) {
            // SAFETY: the caller's promise.
            unsafe { maps::image::<$vector>(from, size, steps, to) };
        }
    };
}

tiles!(PlainSums, 2 x 1 of 98, 2);

/// Plain Rust.
pub mod plain {
    entries!(PlainSums);
}

#[cfg(target_arch = "x86_64")]
tiles!(super::lanes_x86::Vnni, 14 x 2 of 98, 7);
#[cfg(target_arch = "x86_64")]
tiles!(super::lanes_x86::Avx2Sums, 2 x 1 of 98, 2);

/// AVX-512 with VNNI.
#[cfg(target_arch = "x86_64")]
pub mod vnni {
    use super::super::lanes_x86::Vnni;
    entries!(
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,avx2,fma")]
        Vnni
    );
}

/// AVX2.
#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    use super::super::lanes_x86::Avx2Sums;
    entries!(
        #[target_feature(enable = "avx2,fma")]
        Avx2Sums
    );
}

#[cfg(target_arch = "aarch64")]
tiles!(DotSums, 5 x 1 of 80, 4, dense_neon::dense::<DotSums>, planes_neon::convolve::<DotSums>);
#[cfg(target_arch = "aarch64")]
tiles!(PairSums, 2 x 2 of 80, 4, dense_neon::dense::<PairSums>, planes_neon::convolve::<PairSums>);

/// NEON with dot products.
#[cfg(target_arch = "aarch64")]
pub mod dot {
    entries!(
        #[target_feature(enable = "neon,dotprod")]
        DotSums
    );
}

/// NEON.
#[cfg(target_arch = "aarch64")]
pub mod neon {
    entries!(
        #[target_feature(enable = "neon")]
        PairSums
    );
}
