//! Convolution layers in a blocked layout, for training and inference.
//!
//! A feature map of one image is `[C/16][H][W][16]`: blocks of sixteen channels, one AVX-512 register a pixel. Every
//! layer of a network reads and writes this layout, so nothing is transposed in between. The kernels
//! work on one image at a time and keep no state, so that callers spread images over threads.
//!
//! In training a layer is `PReLU(BatchNorm(conv(x)))`. Only the raw output of each convolution is
//! stored; the layer behind applies norm and activation while it reads ([`Input`]). The batch statistics are added
//! up while the convolution writes ([`Kernels::conv_train`]), and on the way back the sums that a
//! batch norm needs are added up while the layer behind writes its input's gradient
//! ([`Kernels::conv_backward`]). So every map crosses the memory bus six times a step.
//!
//! NaN and infinity: convolutions and norms follow IEEE 754. In training PReLU takes a NaN for 0 or keeps it, by
//! instruction set; in inference ([`Fused`]) it keeps it, and makes one of minus infinity unless the slope is above 1.
//! The sums' order differs between sets: results agree to rounding, not to the bit.

mod backward;
mod buffer;
mod columns;
mod epilogue;
mod forward;
pub mod half;
pub mod int8;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod lanes_neon;
#[cfg(target_arch = "x86_64")]
mod lanes_x86;
pub mod maps;
pub mod mixed;
mod norm;
mod pair;
mod plane_layout;
mod planes;
#[cfg(target_arch = "aarch64")]
mod planes_neon;
mod product;
#[cfg(target_arch = "aarch64")]
mod product_neon;
pub mod reference;
mod shape;
mod stage;
mod stem;
mod variants;

pub use backward::Backward;
pub use buffer::{Buffer, bytes, bytes_mut, halves, halves_mut};
pub use mixed::{Mixed, Weights};
pub use norm::Norm;
pub use pair::Layer;
pub use shape::{BLOCK, Kind, Shape};
pub use stage::Input;

use crate::{Kernels, Level};
use epilogue::{Finish, Statistics};
use stage::Part;

/// Calls an entry point of the level's variant.
macro_rules! call {
    ($kernels:expr, $entry:ident ( $($arg:expr),* )) => {
        match $kernels.level() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has AVX2 and FMA; lengths are checked.
            Level::Avx2 => unsafe { variants::avx2::$entry($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of these levels exists only where the CPU has AVX-512; lengths are checked.
            Level::Avx512 | Level::Avx512Vnni => unsafe { variants::avx512::$entry($($arg),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: `Kernels` of these levels exists only where the CPU has NEON; lengths are checked.
            Level::Neon | Level::NeonDotProd => unsafe { variants::neon::$entry($($arg),*) },
            // SAFETY: plain Rust needs no feature; lengths are checked.
            _ => unsafe { variants::plain::$entry($($arg),*) },
        }
    };
}
use call;

/// Bias, activation and residual of an inference layer (batch norm folded into weights and bias).
#[derive(Clone, Copy, Debug)]
pub struct Fused<'a> {
    /// One a channel.
    pub bias: &'a [f32],
    /// PReLU's slopes minus 1, so that it is `x + bend min(x, 0)`; empty: no activation.
    pub bend: &'a [f32],
    /// Added at the end; empty: nothing.
    pub residual: &'a [f32],
}

impl Fused<'_> {
    fn check(&self, channels: usize, output: usize) {
        assert_eq!(self.bias.len(), channels, "one bias a channel");
        assert!(self.bend.is_empty() || self.bend.len() == channels, "one bend a channel");
        assert!(self.residual.is_empty() || self.residual.len() == output, "a residual like the output");
    }
}

impl Kernels {
    /// Training, forward, one image: writes the raw output, and adds each channel's sum and sum of squares to
    /// `sums` (two vectors of `shape.outputs` values). `weights` are of [`Shape::pack`]; `scratch` grows as
    /// needed and may be anything.
    ///
    /// # Panics
    /// When a length does not fit the shape.
    pub fn conv_train(
        self,
        shape: &Shape,
        input: Input<'_>,
        weights: Weights<'_>,
        out: &mut [f32],
        sums: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        check_lengths(shape, &input, out);
        assert_eq!(sums.len(), 2 * shape.outputs, "two sums a channel");
        let (sum, squares) = sums.split_at_mut(shape.outputs);
        let stride = shape.output_len() / shape.outputs * BLOCK;
        let (sum, squares) = (sum.as_mut_ptr(), squares.as_mut_ptr());
        let e = Statistics { out: out.as_mut_ptr(), stride, sum, squares };
        match weights {
            Weights::Single(weights) => {
                check_weights(shape, weights);
                call!(self, train(&Part::whole(shape, input, weights), scratch, e));
            }
            Weights::Mixed(mixed, weights) => {
                mixed.train(shape, input, weights, scratch, e);
            }
        }
    }

    /// Inference, one image: convolution, bias, activation and residual in one pass.
    ///
    /// # Panics
    /// When a length does not fit the shape.
    pub fn conv_infer(
        self,
        shape: &Shape,
        input: &[f32],
        weights: &[f32],
        fused: Fused<'_>,
        out: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        let input = Input { data: input, norm: None };
        check_forward(shape, &input, weights, out);
        fused.check(shape.outputs, out.len());
        let e = Finish::new(fused, out.as_mut_ptr(), shape.output_len() / shape.outputs * BLOCK);
        call!(self, infer(&Part::whole(shape, input, weights), scratch, e));
    }

    /// Training, backward, one image: see [`Backward`].
    ///
    /// # Panics
    /// When a length does not fit the shape, or a stem's input gradient is asked for.
    pub fn conv_backward(self, job: Backward<'_>, scratch: &mut Vec<f32>) {
        check_backward(&job);
        match job.weights {
            Weights::Single(weights) => {
                check_weights(job.shape, weights);
                call!(self, backward(job, weights, scratch));
            }
            Weights::Mixed(mixed, weights) => mixed.backward(job, weights, scratch),
        }
    }

    /// `out = PReLU(norm(raw)) + residual` for one image of `channels` channels; an empty residual adds nothing.
    ///
    /// # Panics
    /// When lengths do not fit.
    pub fn conv_normalise(self, raw: &[f32], norm: &Norm<'_>, residual: &[f32], out: &mut [f32]) {
        let channels = norm.gamma.len();
        check_map(raw, norm, channels);
        assert_eq!(raw.len(), out.len(), "an output like the raw one");
        assert!(residual.is_empty() || residual.len() == raw.len(), "a residual like the raw output");
        call!(self, normalise(raw, norm.pointers(), epilogue::pointer(residual), out, channels / BLOCK));
    }

    /// Adds to `sums` (three channel vectors), for one image, the gradients of beta, gamma and slope: the sums of
    /// `du`, `du n` and `dy min(u, 0)`; see [`Backward::means`] for their use.
    ///
    /// # Panics
    /// When lengths do not fit.
    pub fn conv_reduce(self, raw: &[f32], norm: &Norm<'_>, gradient: &[f32], sums: &mut [f32]) {
        let channels = norm.gamma.len();
        check_map(raw, norm, channels);
        assert_eq!((gradient.len(), sums.len()), (raw.len(), 3 * channels), "gradient and sums");
        call!(self, reduce(raw, norm.pointers(), gradient, sums, channels / BLOCK));
    }

    /// PReLU of a map, with one slope a channel.
    pub fn map_slope(self, from: &[f32], slope: &[f32], to: &mut [f32]) {
        call!(self, slope(from, slope, to));
    }

    /// The sum of two maps of one size.
    pub fn map_add(self, left: &[f32], right: &[f32], to: &mut [f32]) {
        call!(self, add(left, right, to));
    }

    /// The largest of each 2x2 of maps of an even size, height and width.
    pub fn map_pool(self, from: &[f32], size: [usize; 2], to: &mut [f32]) {
        call!(self, pool(from, size, to));
    }
}

fn check_map(raw: &[f32], norm: &Norm<'_>, channels: usize) {
    norm.check(channels);
    assert!(channels > 0 && channels.is_multiple_of(BLOCK), "channels in whole blocks");
    assert!(raw.len().is_multiple_of(channels), "whole maps");
}

fn check_weights(shape: &Shape, weights: &[f32]) {
    shape.check();
    assert_eq!(weights.len(), shape.packed_len(), "packed weights of {shape:?}");
}

fn check_forward(shape: &Shape, input: &Input<'_>, weights: &[f32], out: &[f32]) {
    check_weights(shape, weights);
    check_lengths(shape, input, out);
}

fn check_lengths(shape: &Shape, input: &Input<'_>, out: &[f32]) {
    shape.check();
    assert_eq!(input.data.len(), shape.input_len(), "input of {shape:?}");
    assert_eq!(out.len(), shape.output_len(), "output of {shape:?}");
    if let Some(norm) = &input.norm {
        assert!(shape.kind != Kind::Stem, "no norm before a stem");
        norm.check(shape.inputs);
    }
}

fn check_backward(job: &Backward<'_>) {
    let shape = job.shape;
    check_lengths(shape, &job.input, job.raw);
    job.norm.check(shape.outputs);
    assert_eq!(job.gradient.len(), job.raw.len(), "gradient of {shape:?}");
    assert_eq!(job.means.len(), 2 * shape.outputs, "two means a channel");
    assert_eq!(job.weight_sums.len(), shape.packed_len(), "the weights' gradient of {shape:?}");
    for map in [job.input_gradient.as_deref(), job.residual].into_iter().flatten() {
        assert_eq!(map.len(), shape.input_len(), "input gradient or residual of {shape:?}");
        assert!(shape.kind != Kind::Stem, "images get no gradient");
    }
    if job.input.norm.is_some() {
        assert_eq!(job.input_sums.len(), 3 * shape.inputs, "three sums a channel");
    }
}
