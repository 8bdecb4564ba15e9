//! The layer table of the networks, for any scale.

use super::{DIMENSION, INPUT_SIDE};

/// Which operation a layer is; each has its own kernel in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 3x3 convolution over all input channels (or over groups of two, at scale 2).
    Full3,
    /// 1x1 convolution.
    Pointwise,
    /// 3x3 convolution, one filter a channel.
    Depthwise3,
    /// Convolution over the whole 7x7 map, one filter a channel.
    GlobalDepthwise,
    /// The last linear layer.
    Linear,
}

/// One convolution (or linear layer) without bias, its batch norm, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Name in checkpoints, such as `body1.0.expand`.
    pub name: String,
    /// Which operation it is.
    pub kind: Kind,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step of the kernel.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Side of the input map.
    pub input_side: usize,
    /// Side of the output map.
    pub output_side: usize,
    /// PReLU after the batch norm, one slope a channel.
    pub prelu: bool,
    /// The input of the block is added to this layer's output.
    pub residual: bool,
}

impl Layer {
    /// Shape of the weights: outputs, inputs a group, kernel, kernel.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs / self.groups, self.kernel, self.kernel]
    }

    /// How many numbers the weights are.
    pub fn weights(&self) -> usize {
        self.weight_shape().iter().product()
    }

    /// How many numbers come out for one image.
    pub fn output_len(&self) -> usize {
        self.outputs * self.output_side * self.output_side
    }
}

/// Output channels (times the scale where marked), expansion, repeats and stride of each stage.
struct Stage {
    name: &'static str,
    outputs: usize,
    expansion: usize,
    repeat: usize,
    stride: usize,
}

const fn stage(name: &'static str, outputs: usize, expansion: usize, repeat: usize, stride: usize) -> Stage {
    Stage { name, outputs, expansion, repeat, stride }
}

/// The table of the network at scale 1; outputs grow with the scale, expansions do not.
const STAGES: [Stage; 6] = [
    stage("down1", 64, 128, 1, 2),
    stage("body1", 64, 128, 4, 1),
    stage("down2", 128, 256, 1, 2),
    stage("body2", 128, 256, 6, 1),
    stage("down3", 128, 512, 1, 2),
    stage("body3", 128, 256, 2, 1),
];

/// Appends layers while keeping track of the map's channels and side.
struct Builder {
    layers: Vec<Layer>,
    channels: usize,
    side: usize,
}

impl Builder {
    fn push(&mut self, name: String, kind: Kind, outputs: usize, groups: usize, stride: usize) {
        let (kernel, padding) = match kind {
            Kind::Full3 | Kind::Depthwise3 => (3, 1),
            Kind::Pointwise | Kind::Linear => (1, 0),
            Kind::GlobalDepthwise => (self.side, 0),
        };
        let output_side = (self.side + 2 * padding - kernel) / stride + 1;
        self.layers.push(Layer {
            name,
            kind,
            kernel,
            stride,
            padding,
            inputs: self.channels,
            outputs,
            groups,
            input_side: self.side,
            output_side,
            prelu: !matches!(kind, Kind::GlobalDepthwise | Kind::Linear),
            residual: false,
        });
        (self.channels, self.side) = (outputs, output_side);
    }

    fn block(&mut self, name: &str, outputs: usize, expansion: usize, stride: usize) {
        self.push(format!("{name}.expand"), Kind::Pointwise, expansion, 1, 1);
        self.push(format!("{name}.depthwise"), Kind::Depthwise3, expansion, expansion, stride);
        self.push(format!("{name}.project"), Kind::Pointwise, outputs, 1, 1);
        let project = self.layers.last_mut().expect("a layer was just pushed");
        project.prelu = false;
        project.residual = stride == 1;
    }
}

pub(super) fn layers(scale: usize) -> Vec<Layer> {
    let mut net = Builder { layers: Vec::new(), channels: 3, side: INPUT_SIDE };
    net.push("stem.0".into(), Kind::Full3, 64 * scale, 1, 2);
    // The groups stay 64 at every scale: that is why the second convolution is depthwise only at 1.
    let second = if scale == 1 { Kind::Depthwise3 } else { Kind::Full3 };
    net.push("stem.1".into(), second, 64 * scale, 64, 1);
    for stage in &STAGES {
        for index in 0..stage.repeat {
            let name = match stage.repeat {
                1 => stage.name.to_string(),
                _ => format!("{}.{index}", stage.name),
            };
            net.block(&name, stage.outputs * scale, stage.expansion, stage.stride);
        }
    }
    net.push("head".into(), Kind::Pointwise, DIMENSION, 1, 1);
    net.push("gdc".into(), Kind::GlobalDepthwise, DIMENSION, DIMENSION, 1);
    net.push("embed".into(), Kind::Linear, DIMENSION, 1, 1);
    net.layers
}
