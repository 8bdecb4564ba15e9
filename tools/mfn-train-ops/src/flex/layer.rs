//! A layer at the size of its input, its weights as the kernels take them, and its norm's deviations.

use crate::conv::{ConvKind, EPSILON, LayerRanges, LayerSpec};
use crate::pool::Buffer;
use mfn_kernels::conv::mixed::pairs;
use mfn_kernels::conv::{Kind, Mixed, Shape, Weights};

/// A layer at the chain's size.
pub struct SizedLayer {
    pub shape: Shape,
    pub ranges: LayerRanges,
    /// How pairs are multiplied; `None`: weights are single.
    mixed: Option<Mixed>,
}

impl SizedLayer {
    /// `mixed` says how pairs are multiplied, where the layer asks for them.
    pub fn new(layer: &LayerSpec, ranges: LayerRanges, size: [usize; 2], mixed: Option<Mixed>) -> Self {
        let conv = &layer.conv;
        let kind = match conv.kind() {
            ConvKind::Pointwise => Kind::Pointwise,
            ConvKind::Depthwise => Kind::Planes { stride: conv.stride(), fan: 1 },
            ConvKind::Grouped => Kind::Planes { stride: 1, fan: conv.inputs() / conv.groups() },
            ConvKind::Stem => Kind::Stem,
            ConvKind::Global => Kind::Global,
        };
        let shape = Shape { kind, inputs: conv.inputs(), outputs: conv.outputs(), size };
        Self { shape, ranges, mixed: mixed.filter(|_| conv.is_mixed()) }
    }

    /// The layer's weights of the chain's parameters, for the way forward.
    pub fn pack(&self, parameters: &[f32]) -> PackedWeights {
        self.packed(parameters, Shape::pack)
    }

    /// The same for the way back.
    pub fn pack_transposed(&self, parameters: &[f32]) -> PackedWeights {
        self.packed(parameters, Shape::pack_transposed)
    }

    fn packed(&self, parameters: &[f32], pack: fn(&Shape, &[f32], &mut [f32])) -> PackedWeights {
        let mut values = Buffer::take(self.shape.packed_len());
        pack(&self.shape, &parameters[self.ranges.weight.clone()], &mut values);
        let Some(mixed) = self.mixed else { return PackedWeights::Single(values) };
        let mut halves = Buffer::take(values.len() / 2);
        pairs(&values, bytemuck::cast_slice_mut(&mut halves));
        PackedWeights::Mixed(mixed, halves)
    }

    /// Values of a channel in a batch.
    pub fn count(&self, images: usize) -> f64 {
        (images * self.shape.output_len() / self.shape.outputs) as f64
    }

    /// Mean and biased variance from the sums of values and squares.
    pub fn statistics(&self, sums: &[f64], images: usize, out: &mut [f32]) {
        let count = self.count(images);
        let (means, variances) = out.split_at_mut(self.shape.outputs);
        let (sum, squares) = sums.split_at(self.shape.outputs);
        for (((mean, variance), sum), squares) in means.iter_mut().zip(variances).zip(sum).zip(squares) {
            let m = sum / count;
            *mean = m as f32;
            *variance = (squares / count - m * m).max(0.0) as f32;
        }
    }
}

/// What a norm derives from mean and variance; see [`mfn_kernels::conv::Norm`].
pub struct Deviation {
    pub inverse: Vec<f32>,
    pub offset: Vec<f32>,
}

impl Deviation {
    /// From means, then variances.
    pub fn new(statistics: &[f32]) -> Self {
        let (means, variances) = statistics.split_at(statistics.len() / 2);
        let inverse: Vec<f32> = variances.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
        let offset = means.iter().zip(&inverse).map(|(m, i)| -m * i).collect();
        Self { inverse, offset }
    }
}

/// A layer's weights as the kernels take them.
pub enum PackedWeights {
    Single(Buffer),
    /// Pairs, in a buffer of floats.
    Mixed(Mixed, Buffer),
}

impl PackedWeights {
    pub fn view(&self) -> Weights<'_> {
        match self {
            Self::Single(values) => Weights::Single(values),
            Self::Mixed(mixed, halves) => Weights::Mixed(*mixed, bytemuck::cast_slice(halves)),
        }
    }
}
