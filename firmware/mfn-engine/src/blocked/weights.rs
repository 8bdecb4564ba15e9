//! Weights on their way from the file's order into the kernels'.

use mfn_kernels::Kernels;
use mfn_kernels::conv::int8::{Grid, Packed};
use mfn_kernels::conv::{BLOCK, Buffer, Kind};

use super::meaning::Convolution;
use super::rounding::Integers;

impl Convolution {
    /// The weights of each output, `[inputs / groups, ...]`.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<f32>> {
        let Convolution { weight, transposed, outputs, .. } = self;
        // The meaning's check saw F32.
        let values =
            weight.try_as_plain_ram().ok().and_then(|w| w.as_slice::<f32>().ok()).unwrap_or_default();
        let taps = values.len() / outputs;
        let at = move |o: usize, t: usize| if *transposed { t * outputs + o } else { o * taps + t };
        (0..*outputs).map(move |o| (0..taps).map(|t| values[at(o, t)]).collect())
    }

    /// Weights an output when the inputs of its `taps` are filled up to whole blocks.
    fn padded_taps(&self, taps: usize) -> usize {
        if self.shape.kind == Kind::Pointwise { taps.next_multiple_of(BLOCK) } else { taps }
    }
}

/// A convolution's weights, scaled by output channel, channels filled up with zeros, packed.
pub(super) fn pack(convolution: &Convolution, scale: &[f32]) -> Buffer {
    let shape = &convolution.shape;
    let mut plain = Vec::with_capacity(shape.weight_len());
    for (o, mut row) in convolution.rows().enumerate() {
        let scale = scale.get(o).copied().unwrap_or(1.0);
        row.iter_mut().for_each(|value| *value *= scale);
        row.resize(convolution.padded_taps(row.len()), 0.0);
        plain.append(&mut row);
    }
    plain.resize(shape.weight_len(), 0.0);
    let mut packed = Buffer::new(shape.packed_len());
    shape.pack(&plain, &mut packed);
    packed
}

/// A convolution's weights as integers, channels filled up with zeros, packed for an input of a grid.
pub(super) fn pack_integers(convolution: &Convolution, integers: &Integers, input: Grid) -> Packed {
    let shape = &convolution.shape;
    let taps = integers.weights.len() / convolution.outputs;
    let mut plain = Vec::with_capacity(shape.weight_len());
    for row in integers.weights.chunks_exact(taps) {
        plain.extend_from_slice(row);
        plain.resize(plain.len() + convolution.padded_taps(taps) - taps, 0);
    }
    plain.resize(shape.weight_len(), 0);
    Kernels::detect().pack_int8(shape, &plain, input.zero)
}

/// One value a channel, channels filled up with zeros; nothing stays nothing.
pub(super) fn pad(values: &[f32]) -> Buffer {
    let mut padded = Buffer::new(values.len().next_multiple_of(BLOCK));
    padded[..values.len()].copy_from_slice(values);
    padded
}
