//! Convolution layers of bytes with 32-bit sums, for inference.
//!
//! Maps are blocked as those of floats, a byte a value. What a byte stands for is the caller's [`Grid`]; how it is
//! stored is the instruction set's business ([`Kernels::quantise_int8`] writes it, [`Kernels::dequantise_int8`] reads it): some multiply
//! unsigned bytes only. So bytes and [`Packed`] weights are for one instruction set.
//!
//! Sums are exact. What follows is in floats: scale and bias, PReLU, rounding to a grid, a residual, and the output in
//! floats or bytes. Numbers beyond 2^31 steps, NaN and infinity become some byte of the grid, by instruction set.

mod dense;
#[cfg(target_arch = "aarch64")]
mod dense_neon;
#[cfg(target_arch = "aarch64")]
mod dots_neon;
mod epilogue;
mod forward;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod lanes_neon;
#[cfg(target_arch = "x86_64")]
mod lanes_x86;
mod maps;
mod pack;
mod planes;
#[cfg(target_arch = "aarch64")]
mod planes_neon;
#[cfg(target_arch = "aarch64")]
mod rows_neon;
mod variants;

pub use maps::image_len;
pub use pack::{Packed, supports};

use super::epilogue::pointer;
use super::shape::{BLOCK, Kind, Shape};
use crate::{Kernels, Level};
use epilogue::{Finish, Steps};
use lanes::{Place, PlainSums, Sums};

/// `(q - zero) * step` for q from -128 to 127.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// The step, above 0.
    pub step: f32,
    /// What stands for 0.
    pub zero: i8,
}

/// A map that is added.
#[derive(Clone, Copy, Debug)]
pub enum Residual<'a> {
    /// None.
    Nothing,
    /// In floats.
    Floats(&'a [f32]),
    /// In bytes of a grid.
    Bytes(&'a [u8], Grid),
}

/// What an inference layer does after its sums, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Fused<'a> {
    /// What a sum is multiplied by, one a channel: the input's step times the weights'.
    pub scale: &'a [f32],
    /// One a channel.
    pub bias: &'a [f32],
    /// PReLU's slopes minus 1; empty: no activation.
    pub bend: &'a [f32],
    /// Rounded to this grid (and back) before the residual is added.
    pub rounded: Option<Grid>,
    /// Added at the end.
    pub residual: Residual<'a>,
}

/// Where a layer's output goes: in floats, in bytes of a grid, or both; an empty slice is not written.
#[derive(Debug)]
pub struct Outputs<'a> {
    /// In floats.
    pub floats: &'a mut [f32],
    /// In bytes.
    pub bytes: &'a mut [u8],
    /// The grid of the bytes.
    pub grid: Grid,
}

/// Calls an entry point of the level's variant.
macro_rules! call {
    ($kernels:expr, $entry:ident ( $($arg:expr),* )) => {
        match $kernels.level() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of these levels exists only where the CPU has AVX2 and FMA; lengths are checked.
            Level::Avx2 | Level::Avx512 => unsafe { variants::avx2::$entry($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has AVX-512 with VNNI; lengths are checked.
            Level::Avx512Vnni => unsafe { variants::vnni::$entry($($arg),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has NEON; lengths are checked.
            Level::Neon => unsafe { variants::neon::$entry($($arg),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: `Kernels` of this level exists only where the CPU has dot products; lengths are checked.
            Level::NeonDotProd => unsafe { variants::dot::$entry($($arg),*) },
            // SAFETY: plain Rust needs no feature; lengths are checked.
            _ => unsafe { variants::plain::$entry($($arg),*) },
        }
    };
}

/// What is special about an instruction set.
struct Form {
    /// What a stored byte is more than the grid's number.
    offset: i32,
    /// The order of weights.
    place: Place,
    /// See [`Sums::ROWS`].
    rows: bool,
}

impl Kernels {
    fn int8_form(self) -> Form {
        fn of<V: Sums>() -> Form {
            Form { offset: V::OFFSET, place: V::PLACE, rows: V::ROWS }
        }
        match self.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => of::<lanes_x86::Vnni>(),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => of::<lanes_neon::PairSums>(),
            _ => of::<PlainSums>(),
        }
    }

    fn steps(self, grid: Grid) -> Steps {
        let zero = f32::from(grid.zero);
        Steps {
            step: grid.step,
            per_one: grid.step.recip(),
            zero: i32::from(grid.zero) + self.int8_form().offset,
            ends: [-128.0 - zero, 127.0 - zero],
        }
    }

    /// Inference, one image: `packed`'s layer over bytes whose 0 is `zero` (as it was packed for). A stem reads an image
    /// of [`Kernels::image_int8`]. `scratch` grows as needed and may be anything.
    ///
    /// # Panics
    /// When a length does not fit the shape, or `packed` is another instruction set's.
    pub fn conv_int8(
        self,
        packed: &Packed,
        input: &[u8],
        zero: i8,
        fused: Fused<'_>,
        outputs: Outputs<'_>,
        scratch: &mut Vec<f32>,
    ) {
        check(self, packed, input, &fused, &outputs);
        let (residual, byte_residual, grid) = match fused.residual {
            Residual::Nothing => (std::ptr::null(), std::ptr::null(), outputs.grid),
            Residual::Floats(values) => (pointer(values), std::ptr::null(), outputs.grid),
            Residual::Bytes(bytes, grid) => (std::ptr::null(), pointer(bytes), grid),
        };
        let e = Finish {
            scale: fused.scale.as_ptr(),
            bias: fused.bias.as_ptr(),
            bend: pointer(fused.bend),
            rounded: fused.rounded.map(|grid| self.steps(grid)),
            residual,
            byte_residual,
            residual_steps: self.steps(grid),
            floats: pointer_mut(outputs.floats),
            bytes: pointer_mut(outputs.bytes),
            steps: self.steps(outputs.grid),
            stride: packed.shape.output_len() / packed.shape.outputs * BLOCK,
        };
        let zero = (i32::from(zero) + self.int8_form().offset) as u8;
        call!(self, infer(packed, input, zero, scratch, &e));
    }

    /// Rounds a blocked map of floats to a grid.
    ///
    /// # Panics
    /// When lengths differ or are not whole blocks.
    pub fn quantise_int8(self, from: &[f32], grid: Grid, to: &mut [u8]) {
        assert!(from.len() == to.len() && from.len().is_multiple_of(BLOCK), "maps of one size");
        call!(self, quantise(from, &self.steps(grid), to));
    }

    /// The floats that a blocked map of bytes stands for.
    ///
    /// # Panics
    /// When lengths differ or are not whole blocks.
    pub fn dequantise_int8(self, from: &[u8], grid: Grid, to: &mut [f32]) {
        assert!(from.len() == to.len() && from.len().is_multiple_of(BLOCK), "maps of one size");
        call!(self, dequantise(from, &self.steps(grid), to));
    }

    /// Rounds a plain `[3, H, W]` image to a grid, for a stem; `to` has [`image_len`] bytes.
    ///
    /// # Panics
    /// When lengths do not fit.
    pub fn image_int8(self, from: &[f32], size: [usize; 2], grid: Grid, to: &mut [u8]) {
        assert_eq!((from.len(), to.len()), (3 * size[0] * size[1], image_len(size)), "an image of {size:?}");
        call!(self, image(from, size, &self.steps(grid), to));
    }
}

/// Null for nothing.
fn pointer_mut<T>(slice: &mut [T]) -> *mut T {
    if slice.is_empty() { std::ptr::null_mut() } else { slice.as_mut_ptr() }
}

fn check(kernels: Kernels, packed: &Packed, input: &[u8], fused: &Fused<'_>, outputs: &Outputs<'_>) {
    let shape = &packed.shape;
    assert_eq!(packed.level, kernels.level(), "weights packed for this instruction set");
    assert_eq!(input.len(), input_len(shape), "input of {shape:?}");
    assert_eq!((fused.scale.len(), fused.bias.len()), (shape.outputs, shape.outputs), "one a channel");
    let fits = |length: usize, whole: usize| length == 0 || length == whole;
    assert!(fits(fused.bend.len(), shape.outputs), "one bend a channel");
    let residual = match fused.residual {
        Residual::Nothing => 0,
        Residual::Floats(values) => values.len(),
        Residual::Bytes(bytes, _) => bytes.len(),
    };
    for length in [residual, outputs.floats.len(), outputs.bytes.len()] {
        assert!(fits(length, shape.output_len()), "maps like the output of {shape:?}");
    }
}

/// Bytes of a layer's input.
#[must_use]
pub fn input_len(shape: &Shape) -> usize {
    if shape.kind == Kind::Stem { image_len(shape.size) } else { shape.input_len() }
}
