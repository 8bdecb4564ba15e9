//! A convolutional network as the quantiser sees it: layers with their activation, sums, one flattening, and what
//! only moves values or comes behind the last layers; and which of them stay in floats. Files are read in `parse`.

use crate::onnx::Size;
use std::collections::HashMap;
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};

/// Name and shape of an input or output.
pub type Edge = (String, Vec<Size>);

/// A network whose batch norms are folded and whose activations belong to their layers.
#[derive(Clone, Debug)]
pub struct Network {
    /// The graph's name.
    pub name: String,
    /// The picture.
    pub input: Edge,
    /// What is computed from it.
    pub outputs: Vec<Edge>,
    /// In the order of the file.
    pub ops: Vec<Op>,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Op {
    /// Convolution or linear layer, with its activation.
    Layer(Layer),
    /// The sum of two tensors of one shape.
    Add {
        /// The summands.
        inputs: [String; 2],
        /// Name of the sum.
        out: String,
    },
    /// `[1, C, H, W]` as `[1, C * H * W]`.
    Flatten {
        /// The maps.
        x: String,
        /// Name of the row.
        out: String,
    },
    /// A node without weights, which stays as it is, with its constants. It reads and gives floats.
    Other(NodeProto, Vec<TensorProto>),
}

/// A layer with weights.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What it reads.
    pub x: String,
    /// Name of its sums, before the activation.
    pub sums: String,
    /// Name of its output; that of the sums where there is no activation.
    pub out: String,
    /// Groups of channels that see only each other; 1 for a linear layer.
    pub groups: usize,
    /// Strides and pads; `None` for a linear layer.
    pub convolution: Option<Vec<AttributeProto>>,
    /// `[O, I / groups, kernel, kernel]` or `[O, I]`.
    pub shape: Vec<usize>,
    /// In the order of the shape.
    pub weight: Vec<f32>,
    /// One number an output channel.
    pub bias: Vec<f32>,
    /// What negative sums are multiplied by, one number an output channel: PReLU, LeakyRelu, and Relu (0).
    pub slope: Option<Vec<f32>>,
}

impl Layer {
    /// Output channels.
    pub fn channels(&self) -> usize {
        self.shape[0]
    }

    /// Weights of one output channel.
    pub fn row(&self) -> usize {
        self.weight.len() / self.channels()
    }
}

impl Op {
    /// Names of its outputs.
    pub fn outs(&self) -> Vec<&str> {
        match self {
            Op::Layer(Layer { out, .. }) | Op::Add { out, .. } | Op::Flatten { out, .. } => vec![out],
            Op::Other(node, _) => node.output.iter().map(String::as_str).collect(),
        }
    }

    /// Names of what it reads; constants are left out.
    pub fn reads(&self) -> Vec<&str> {
        match self {
            Op::Layer(Layer { x, .. }) | Op::Flatten { x, .. } => vec![x],
            Op::Add { inputs, .. } => inputs.iter().map(String::as_str).collect(),
            Op::Other(node, constants) => {
                let constant = |name: &&str| name.is_empty() || constants.iter().any(|c| c.name == *name);
                node.input.iter().map(String::as_str).filter(|name| !constant(name)).collect()
            }
        }
    }
}

impl Network {
    /// The layers.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.ops.iter().filter_map(|op| if let Op::Layer(layer) = op { Some(layer) } else { None })
    }

    /// Row -> the map that was flattened into it.
    pub fn flattened(&self) -> HashMap<String, String> {
        let one =
            |op: &Op| if let Op::Flatten { x, out } = op { Some((out.clone(), x.clone())) } else { None };
        self.ops.iter().filter_map(one).collect()
    }

    /// The map that a layer reads, also where it reads it as a row.
    pub fn map<'a>(&'a self, layer: &'a Layer) -> &'a str {
        let flattened = self.ops.iter().find_map(|op| match op {
            Op::Flatten { x, out } if *out == layer.x => Some(x),
            _ => None,
        });
        flattened.unwrap_or(&layer.x)
    }

    /// Whether no layer reads what comes of this one.
    pub fn is_last(&self, layer: &Layer) -> bool {
        let mut from = vec![layer.out.as_str()];
        for op in &self.ops {
            if op.reads().iter().any(|name| from.contains(name)) {
                if matches!(op, Op::Layer(_)) {
                    return false;
                }
                from.extend(op.outs());
            }
        }
        true
    }

    /// Whether weights and inputs of a layer stay floats: the layers that read the input, layers in groups right
    /// after them, a layer in groups right before the last one, and the layer before that. Of a MobileFaceNet they
    /// are 5 % of the multiplications and, rounded, half of the error: at the input few values are summed, so
    /// nothing evens out, and after the last block no sum hides it.
    pub fn keeps_floats(&self, layer: &Layer) -> bool {
        let first = |layer: &Layer| layer.x == self.input.0;
        let gathers = |layer: &Layer| layer.groups > 1 && self.read_by(layer, |l| self.is_last(l));
        let after_first = || self.layers().any(|l| l.out == layer.x && first(l));
        first(layer) || layer.groups > 1 && after_first() || gathers(layer) || self.read_by(layer, gathers)
    }

    fn read_by(&self, layer: &Layer, which: impl Fn(&Layer) -> bool) -> bool {
        self.layers().any(|l| self.map(l) == layer.out && which(l))
    }

    /// The tensors that are rounded: those that layers read, other than the last one and those that keep floats.
    pub fn rounded(&self) -> Vec<String> {
        let layers = self.layers().filter(|layer| !self.is_last(layer) && !self.keeps_floats(layer));
        let mut maps: Vec<String> = layers.map(|layer| self.map(layer).to_string()).collect();
        maps.sort_unstable();
        maps.dedup();
        maps
    }

    /// As [`Network::layers`], to change them.
    pub fn layers_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        self.ops.iter_mut().filter_map(|op| if let Op::Layer(layer) = op { Some(layer) } else { None })
    }
}
