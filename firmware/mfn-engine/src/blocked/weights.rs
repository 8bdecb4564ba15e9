//! Weights on their way from the file's order into the kernels'.

use mfn_kernels::conv::{BLOCK, Buffer, Kind};

use super::meaning::Convolution;

/// A convolution's weights, scaled by output channel, channels filled up with zeros, packed.
pub(super) fn pack(convolution: &Convolution, scale: &[f32]) -> Buffer {
    let Convolution { shape, weight, transposed, outputs, .. } = convolution;
    // The meaning's check saw F32.
    let values = weight.try_as_plain_ram().ok().and_then(|w| w.as_slice::<f32>().ok()).unwrap_or_default();
    let taps = values.len() / outputs;
    let padded_taps = if shape.kind == Kind::Pointwise { taps.next_multiple_of(BLOCK) } else { taps };
    let mut plain = vec![0.0; shape.outputs * padded_taps];
    for (o, row) in plain.chunks_exact_mut(padded_taps).take(*outputs).enumerate() {
        for (t, slot) in row[..taps].iter_mut().enumerate() {
            let value = if *transposed { values[t * outputs + o] } else { values[o * taps + t] };
            *slot = value * scale.get(o).copied().unwrap_or(1.0);
        }
    }
    let mut packed = Buffer::new(shape.packed_len());
    shape.pack(&plain, &mut packed);
    packed
}

/// One value a channel, channels filled up with zeros; nothing stays nothing.
pub(super) fn pad(values: &[f32]) -> Buffer {
    let mut padded = Buffer::new(values.len().next_multiple_of(BLOCK));
    padded[..values.len()].copy_from_slice(values);
    padded
}
