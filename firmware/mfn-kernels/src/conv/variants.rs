//! The kernels of each instruction set: register tiles, and entry points that enable its features.

use super::backward::{self, Backward};
use super::epilogue::{Epilogue, Finish, Statistics};
use super::forward;
use super::lanes::{Lanes, Plain};
use super::maps;
use super::norm::{NormBlock, NormPointers};
use super::product::{Product, WeightGradient, product, weight_gradient};
use super::stage::{Part, Tiles, ask_ahead};
use super::stem::{Stem, stem};

/// `Tiles` of a type: pixels and blocks of a product's tile, pixels at a time, channel quads and blocks of a
/// gradient's tile.
macro_rules! tiles {
    ($vector:ty, $pixels:literal x $blocks:literal of $chunk:literal, $quads:literal x $gradient_blocks:literal) => {
        impl Tiles for $vector {
            const CHUNK: usize = $chunk;

            #[inline(always)]
            unsafe fn product<E: Epilogue<Self>>(p: &Product, e: &mut E) {
                // SAFETY: the caller's promise.
                unsafe { product::<Self, E, $pixels, $blocks>(p, e) };
            }
            #[inline(always)]
            unsafe fn stem<E: Epilogue<Self>>(s: &Stem, e: &mut E) {
                // SAFETY: the caller's promise.
                unsafe { stem::<Self, E, $pixels, $blocks>(s, e) };
            }
            #[inline(always)]
            unsafe fn weight_gradient(g: &WeightGradient) {
                // SAFETY: the caller's promise.
                unsafe { weight_gradient::<Self, $quads, $gradient_blocks>(g) };
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
        pub unsafe fn train(part: &Part<'_>, scratch: &mut Vec<f32>, mut e: Statistics) {
            // SAFETY: the caller's promise.
            unsafe { forward::forward::<$vector, _>(part, scratch, &mut e) };
        }

        $(#[$feature])?
        pub unsafe fn infer(part: &Part<'_>, scratch: &mut Vec<f32>, mut e: Finish) {
            // SAFETY: the caller's promise.
            unsafe { forward::forward::<$vector, _>(part, scratch, &mut e) };
        }

        $(#[$feature])?
        pub unsafe fn backward(job: Backward<'_>, weights: &[f32], scratch: &mut Vec<f32>) {
            // SAFETY: the caller's promise.
            unsafe { backward::backward::<$vector>(job, weights, scratch) };
        }

        $(#[$feature])?
        pub unsafe fn normalise(raw: &[f32], norm: NormPointers, residual: *const f32, out: &mut [f32], blocks: usize) {
            // SAFETY: the caller's promise.
            unsafe { super::normalise::<$vector>(raw, norm, residual, out, blocks) };
        }

        $(#[$feature])?
        pub unsafe fn reduce(raw: &[f32], norm: NormPointers, gradient: &[f32], sums: &mut [f32], blocks: usize) {
            // SAFETY: the caller's promise.
            unsafe { super::reduce::<$vector>(raw, norm, gradient, sums, blocks) };
        }

        $(#[$feature])?
        pub unsafe fn slope(from: &[f32], slope: &[f32], to: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { maps::slope::<$vector>(from, slope, to) };
        }

        $(#[$feature])?
        pub unsafe fn add(left: &[f32], right: &[f32], to: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { maps::add::<$vector>(left, right, to) };
        }

        $(#[$feature])?
        pub unsafe fn pool(from: &[f32], size: [usize; 2], to: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { maps::pool::<$vector>(from, size, to) };
        }
    };
}

tiles!(Plain, 2 x 1 of 98, 1 x 1);

/// Plain Rust.
pub mod plain {
    entries!(Plain);
}

#[cfg(target_arch = "x86_64")]
tiles!(super::lanes_x86::Avx512, 14 x 2 of 98, 2 x 2);
#[cfg(target_arch = "x86_64")]
tiles!(super::lanes_x86::Avx2, 6 x 1 of 98, 1 x 1);

/// AVX-512 F.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use super::super::lanes_x86::Avx512;
    entries!(
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
        Avx512
    );
}

/// AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    use super::super::lanes_x86::Avx2;
    entries!(
        #[target_feature(enable = "avx2,fma")]
        Avx2
    );
}

#[cfg(target_arch = "aarch64")]
tiles!(super::lanes_neon::Neon, 4 x 1 of 100, 1 x 1);

/// NEON.
#[cfg(target_arch = "aarch64")]
pub mod neon {
    use super::super::lanes_neon::Neon;
    entries!(
        #[target_feature(enable = "neon")]
        Neon
    );
}

/// `out = PReLU(norm(raw)) + residual` for one image.
#[inline(always)]
unsafe fn normalise<V: Lanes>(
    raw: &[f32],
    norm: NormPointers,
    residual: *const f32,
    out: &mut [f32],
    blocks: usize,
) {
    let plane = raw.len() / blocks;
    for block in 0..blocks {
        // SAFETY: all slices have the raw output's length; a null residual is not read.
        unsafe {
            let norm = NormBlock::<V>::load(&norm, block);
            for at in (block * plane..(block + 1) * plane).step_by(16) {
                ask_ahead(raw.as_ptr().add(at));
                let mut y = norm.forward(V::load(raw.as_ptr().add(at)));
                if !residual.is_null() {
                    y = y.add(V::load(residual.add(at)));
                }
                y.store(out.as_mut_ptr().add(at));
            }
        }
    }
}

/// Adds the sums of [`NormBlock::reduce`] for one image.
#[inline(always)]
unsafe fn reduce<V: Lanes>(
    raw: &[f32],
    norm: NormPointers,
    gradient: &[f32],
    sums: &mut [f32],
    blocks: usize,
) {
    let plane = raw.len() / blocks;
    for block in 0..blocks {
        // SAFETY: gradient and raw output have one length; three channel vectors of sums.
        unsafe {
            let norm = NormBlock::<V>::load(&norm, block);
            let mut local = norm.load_sums(sums.as_ptr(), blocks * 16, block);
            for at in (block * plane..(block + 1) * plane).step_by(16) {
                ask_ahead(raw.as_ptr().add(at));
                ask_ahead(gradient.as_ptr().add(at));
                let dy = V::load(gradient.as_ptr().add(at));
                norm.reduce(&mut local, dy, V::load(raw.as_ptr().add(at)));
            }
            norm.store_sums(&local, sums.as_mut_ptr(), blocks * 16, block);
        }
    }
}
