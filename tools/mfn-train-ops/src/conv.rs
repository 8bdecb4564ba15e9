//! What a chain consists of: the convolutions, their checked shapes, and where each parameter lies.

use crate::layout::BLOCK;
use std::ops::Range;

/// Added to the batch variance before the square root, as PyTorch's batch norm does by default.
pub const EPSILON: f32 = 1e-5;

/// Which convolution a layer is. None of them has a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvKind {
    /// 1x1, dense.
    Pointwise,
    /// 3x3, padding 1, one channel a group, stride 1 or 2.
    Depthwise,
    /// 3x3, padding 1, stride 2, dense, from the plain `[N, 3, H, W]` image tensor; only as first layer.
    Stem,
    /// 3x3, padding 1, stride 1, more than one channel a group.
    Grouped,
    /// 7x7 without padding over a 7x7 map, one channel a group: `[N, C/16, 7, 7, 16]` to `[N, C/16, 1, 1, 16]`.
    Global,
}

/// A convolution whose shape this crate can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    kind: ConvKind,
    inputs: usize,
    outputs: usize,
    stride: usize,
    groups: usize,
    mixed: bool,
}

/// A convolution that the blocked layout cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unsupported convolution: {kind:?} from {inputs} to {outputs} channels: {why}")]
pub struct UnsupportedConv {
    kind: ConvKind,
    inputs: usize,
    outputs: usize,
    why: &'static str,
}

impl Conv {
    /// 1x1 convolution.
    ///
    /// # Errors
    /// When a channel count is not a positive multiple of 16.
    pub fn pointwise(inputs: usize, outputs: usize) -> Result<Self, UnsupportedConv> {
        Self::new(ConvKind::Pointwise, [inputs, outputs], 1, 1).checked()
    }

    /// Depthwise 3x3 convolution with padding 1.
    ///
    /// # Errors
    /// When the channel count is not a positive multiple of 16, or the stride neither 1 nor 2.
    pub fn depthwise(channels: usize, stride: usize) -> Result<Self, UnsupportedConv> {
        let conv = Self::new(ConvKind::Depthwise, [channels; 2], stride, channels);
        if !(1..=2).contains(&stride) {
            return Err(conv.unsupported("the stride is neither 1 nor 2"));
        }
        conv.checked()
    }

    /// The stem: 3x3, stride 2, padding 1, from three image channels.
    ///
    /// # Errors
    /// When `outputs` is not a positive multiple of 16.
    pub fn stem(outputs: usize) -> Result<Self, UnsupportedConv> {
        Self::new(ConvKind::Stem, [3, outputs], 2, 1).checked()
    }

    /// Grouped 3x3 convolution with padding 1 and as many outputs as inputs; one channel a group makes it a
    /// [`Conv::depthwise`].
    ///
    /// # Errors
    /// When `channels` is not a positive multiple of 16, or a group is neither 1, 2, 4, 8 nor 16 channels.
    pub fn grouped(channels: usize, groups: usize) -> Result<Self, UnsupportedConv> {
        if groups == channels {
            return Self::depthwise(channels, 1);
        }
        let conv = Self::new(ConvKind::Grouped, [channels; 2], 1, groups);
        if groups == 0 || !channels.is_multiple_of(groups) || !BLOCK.is_multiple_of(channels / groups) {
            return Err(conv.unsupported("a group must have 1, 2, 4, 8 or 16 channels"));
        }
        conv.checked()
    }

    /// The global depthwise convolution over a 7x7 map.
    ///
    /// # Errors
    /// When the channel count is not a positive multiple of 16.
    pub fn global(channels: usize) -> Result<Self, UnsupportedConv> {
        Self::new(ConvKind::Global, [channels; 2], 1, channels).checked()
    }

    /// The same convolution, in training by factors rounded to bfloat16 with sums in single precision: about twice as
    /// fast where it is 1x1 and the CPU has AVX-512 BF16, and without effect elsewhere.
    #[must_use]
    pub fn mixed(self) -> Self {
        Self { mixed: true, ..self }
    }

    fn new(kind: ConvKind, [inputs, outputs]: [usize; 2], stride: usize, groups: usize) -> Self {
        Self { kind, inputs, outputs, stride, groups, mixed: false }
    }

    fn checked(self) -> Result<Self, UnsupportedConv> {
        let blocked = |channels: usize| channels > 0 && channels.is_multiple_of(BLOCK);
        if !blocked(self.outputs) || (self.kind != ConvKind::Stem && !blocked(self.inputs)) {
            return Err(self.unsupported("channel counts must be positive multiples of 16"));
        }
        Ok(self)
    }

    fn unsupported(self, why: &'static str) -> UnsupportedConv {
        UnsupportedConv { kind: self.kind, inputs: self.inputs, outputs: self.outputs, why }
    }

    /// Which convolution it is.
    pub fn kind(&self) -> ConvKind {
        self.kind
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Stride in both directions.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Channel groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Whether it is a 1x1 convolution by rounded factors; see [`Conv::mixed`].
    pub(crate) fn is_mixed(&self) -> bool {
        self.mixed && self.kind == ConvKind::Pointwise
    }

    /// Side of the kernel: 1, 3 or 7.
    pub fn kernel(&self) -> usize {
        match self.kind {
            ConvKind::Pointwise => 1,
            ConvKind::Depthwise | ConvKind::Stem | ConvKind::Grouped => 3,
            ConvKind::Global => 7,
        }
    }

    /// Zero padding on every side.
    pub fn padding(&self) -> usize {
        usize::from(self.kernel() == 3)
    }

    /// The weight's shape, `[out, in / groups, kernel, kernel]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs / self.groups, self.kernel(), self.kernel()]
    }

    /// Output height and width of an input's.
    pub fn output_size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let side = |n: usize| (n + 2 * self.padding()).saturating_sub(self.kernel()) / self.stride + 1;
        [side(height), side(width)]
    }
}

/// A layer of a [`ChainSpec`]: its convolution, and whether PReLU follows the batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSpec {
    /// The convolution.
    pub conv: Conv,
    /// Whether PReLU with one slope a channel follows.
    pub activation: bool,
}

/// Where a layer's parameters lie in the chain's one parameter vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRanges {
    /// The weight, `[out, in / groups, kernel, kernel]` row by row.
    pub weight: Range<usize>,
    /// Batch norm's scale.
    pub gamma: Range<usize>,
    /// Batch norm's shift.
    pub beta: Range<usize>,
    /// PReLU's slopes; empty without activation.
    pub slope: Range<usize>,
}

/// Layers in order, and whether the chain's input is added to its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainSpec {
    /// The layers.
    pub layers: Vec<LayerSpec>,
    /// Whether the input is added after the last batch norm (which then has no activation).
    pub residual: bool,
}

impl ChainSpec {
    /// Where each layer's parameters lie in the one vector that the operation takes: weight, gamma, beta, slope
    /// of the first layer, then those of the second, and so on.
    pub fn ranges(&self) -> Vec<LayerRanges> {
        let mut end = 0;
        let mut take = |n: usize| {
            let start = end;
            end += n;
            start..end
        };
        let one = |layer: &LayerSpec| {
            let outputs = layer.conv.outputs();
            LayerRanges {
                weight: take(layer.conv.weight_shape().iter().product()),
                gamma: take(outputs),
                beta: take(outputs),
                slope: take(if layer.activation { outputs } else { 0 }),
            }
        };
        self.layers.iter().map(one).collect()
    }

    /// Length of the statistics vector: mean, then biased variance of the first layer, and so on.
    pub fn statistics_len(&self) -> usize {
        self.layers.iter().map(|layer| 2 * layer.conv.outputs()).sum()
    }
}

impl ChainSpec {
    /// Panics with a clear line when an input of this shape cannot run through the layers; programming errors only,
    /// since networks are built from checked [`Conv`]s.
    pub(crate) fn check(&self, input: &[usize]) {
        let first = self.layers.first().expect("a chain has at least one layer").conv;
        let (mut channels, mut size) = match (first.kind(), input) {
            (ConvKind::Stem, &[_, channels, h, w]) => (channels, [h, w]),
            (kind, &[_, blocks, h, w, BLOCK]) if kind != ConvKind::Stem => (blocks * BLOCK, [h, w]),
            _ => panic!("an input of shape {input:?} does not fit a chain that begins with {first:?}"),
        };
        for (i, LayerSpec { conv, .. }) in self.layers.iter().enumerate() {
            assert_eq!(conv.inputs(), channels, "channels before layer {i}, {conv:?}");
            assert!(conv.kind() != ConvKind::Stem || i == 0, "a stem is the first layer");
            assert!(conv.kind() != ConvKind::Global || size == [7, 7], "{conv:?} over {size:?}");
            (channels, size) = (conv.outputs(), conv.output_size(size));
        }
        let last = self.layers[self.layers.len() - 1];
        let keeps = || first.inputs() == channels && self.layers.iter().all(|l| l.conv.stride() == 1);
        assert!(!self.residual || (keeps() && !last.activation), "the residual does not fit {self:?}");
    }
}
