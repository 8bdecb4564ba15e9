//! A step over bytes: an integer convolution with all that is fused behind it.

use mfn_kernels::Kernels;
use mfn_kernels::conv::int8::{Fused, Grid, Outputs, Packed, Residual, input_len};
use mfn_kernels::conv::{Buffer, Shape, bytes, bytes_mut};

/// The grid of outputs that nobody reads in bytes.
pub(super) const NO_GRID: Grid = Grid { step: 1.0, zero: 0 };

/// An integer convolution.
#[derive(Debug)]
pub(super) struct Int8 {
    pub shape: Shape,
    pub packed: Packed,
    /// The input's zero.
    pub zero: i8,
    /// Step of a sum, one a channel.
    pub scale: Buffer,
    /// One a channel.
    pub bias: Buffer,
    /// PReLU's slopes minus 1, or nothing.
    pub bend: Buffer,
    /// Where the result is rounded to before the sum with another map.
    pub rounded: Option<Grid>,
    /// The other map's grid; it is in floats if it has none.
    pub residual: Option<Grid>,
    /// The grid of the output in bytes.
    pub output: Grid,
}

impl Int8 {
    /// Makes the numbers behind the sums multiples of the output's step, for a layer whose output only bytes are wanted
    /// of and that no map is added to: one factor less for each value.
    pub(super) fn scale_to_output(&mut self) {
        let per_one = self.output.step.recip();
        self.scale.iter_mut().chain(self.bias.iter_mut()).for_each(|value| *value *= per_one);
        self.output.step = 1.0;
    }

    /// Reads bytes from `from`, adds the map at `also` (empty: nothing), writes floats to `to` and bytes to `more` (empty:
    /// not).
    pub(super) fn run(
        &self,
        from: &[f32],
        also: &[f32],
        to: &mut [f32],
        more: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        let length = self.shape.output_len();
        let residual = match self.residual {
            _ if also.is_empty() => Residual::Nothing,
            Some(grid) => Residual::Bytes(&bytes(also)[..length], grid),
            None => Residual::Floats(also),
        };
        let fused =
            Fused { scale: &self.scale, bias: &self.bias, bend: &self.bend, rounded: self.rounded, residual };
        let more = bytes_mut(more);
        let length = length.min(more.len());
        let outputs = Outputs { floats: to, bytes: &mut more[..length], grid: self.output };
        let input = &bytes(from)[..input_len(&self.shape)];
        Kernels::detect().conv_int8(&self.packed, input, self.zero, fused, outputs, scratch);
    }
}
