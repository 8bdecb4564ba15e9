//! The network as an ONNX file: as it is, with integer weights, or with integer weights and activations.
//!
//! The integer form is the usual one of QuantizeLinear and DequantizeLinear pairs, which every runtime reads:
//! weights int8, symmetric, one scale an output channel; the maps that convolutions read int8, one scale and zero
//! point a map; biases and slopes floats. A layer's activation stands between its sums and QuantizeLinear. Sums of
//! two tensors add what was not rounded, so that the error of one block is not carried through all the others. The
//! few layers of [`Network::keeps_floats`] are as they were; the last ones have int8 weights and read floats.

use super::grid::Grid;
use super::network::{Edge, Layer, Network, Op};
use crate::onnx::{Size, Writer, int};
use std::collections::HashMap;

/// Grids by name of the tensor.
pub type Grids = HashMap<String, Grid>;

/// Which numbers are integers.
pub enum Form<'a> {
    /// None.
    Float,
    /// The weights.
    Weights,
    /// The weights, and the maps that have a grid.
    All(&'a Grids),
}

/// The file.
pub fn emit(network: &Network, form: &Form) -> Vec<u8> {
    let mut emitter = Emitter { writer: Writer::new(&network.name), form, network };
    emitter.made(&network.input.0);
    for op in &network.ops {
        match op {
            Op::Layer(layer) => emitter.layer(layer),
            Op::Add { inputs, out } => {
                emitter.writer.node("Add", out.clone(), inputs.to_vec(), vec![]);
            }
            Op::Flatten { x, out } => {
                let read = emitter.reading(x);
                emitter.writer.node("Flatten", out.clone(), vec![read], vec![int("axis", 1)]);
            }
            Op::Other(node, constants) => emitter.writer.copy(node.clone(), constants),
        }
        op.outs().into_iter().for_each(|out| emitter.made(out));
    }
    let outputs: Vec<_> = network.outputs.iter().map(view).collect();
    emitter.writer.finish_open(view(&network.input), &outputs)
}

fn view((name, shape): &Edge) -> (&str, &[Size]) {
    (name, shape)
}

struct Emitter<'a> {
    writer: Writer,
    form: &'a Form<'a>,
    network: &'a Network,
}

impl Emitter<'_> {
    fn grid(&self, name: &str) -> Option<Grid> {
        if let Form::All(grids) = self.form { grids.get(name).copied() } else { None }
    }

    /// What a layer reads in the place of a tensor: its dequantised copy, if it has a grid.
    fn reading(&self, name: &str) -> String {
        if self.grid(name).is_some() { format!("{name}.dq") } else { name.into() }
    }

    /// Rounds a tensor that was just made, if it has a grid.
    fn made(&mut self, name: &str) {
        let Some(grid) = self.grid(name) else { return };
        let scale = self.writer.floats(format!("{name}.scale"), &[], &[grid.scale]);
        let zero = self.writer.bytes(format!("{name}.zero"), &[], &[grid.zero]);
        let (x, back) = (name.to_string(), self.reading(name));
        let inputs = vec![x, scale.clone(), zero.clone()];
        let rounded = self.writer.node("QuantizeLinear", format!("{name}.q"), inputs, vec![]);
        self.writer.node("DequantizeLinear", back, vec![rounded, scale, zero], vec![]);
    }

    fn layer(&mut self, layer: &Layer) {
        let x = self.reading(&layer.x);
        let (weight, bias) = self.constants(layer);
        let (operator, attributes) = match &layer.convolution {
            Some(attributes) => ("Conv", attributes.clone()),
            None => ("Gemm", vec![int("transB", 1)]),
        };
        self.writer.node(operator, layer.sums.clone(), vec![x, weight, bias], attributes);
        if let Some(slope) = &layer.slope {
            let shape = if layer.convolution.is_some() { vec![slope.len(), 1, 1] } else { vec![slope.len()] };
            let slopes = self.writer.floats(format!("{}.slope", layer.sums), &shape, slope);
            self.writer.node("PRelu", layer.out.clone(), vec![layer.sums.clone(), slopes], vec![]);
        }
    }

    fn constants(&mut self, layer: &Layer) -> (String, String) {
        let name = |part: &str| format!("{}.{part}", layer.sums);
        let channels = [layer.channels()];
        let bias = self.writer.floats(name("bias"), &channels, &layer.bias);
        let writer = &mut self.writer;
        if matches!(self.form, Form::Float) || self.network.keeps_floats(layer) {
            return (writer.floats(name("weight"), &layer.shape, &layer.weight), bias);
        }
        let rounded = RoundedLayer::of(layer);
        let weight = writer.bytes(name("weight.q"), &layer.shape, &rounded.weight);
        let scale = writer.floats(name("weight.scale"), &channels, &rounded.scales);
        let zero = writer.bytes(name("weight.zero"), &channels, &vec![0; channels[0]]);
        let parts = vec![weight, scale, zero];
        (writer.node("DequantizeLinear", name("weight"), parts, vec![int("axis", 0)]), bias)
    }
}

/// The weights of a layer as integers.
pub struct RoundedLayer {
    /// -127 to 127.
    pub weight: Vec<i8>,
    /// The step of each output channel.
    pub scales: Vec<f32>,
}

impl RoundedLayer {
    /// The largest weight of each output channel is 127 steps.
    pub fn of(layer: &Layer) -> Self {
        let row = layer.row();
        let step = |w: &[f32]| (w.iter().fold(0.0_f32, |m, w| m.max(w.abs())) / 127.0).max(f32::MIN_POSITIVE);
        let scales: Vec<f32> = layer.weight.chunks(row).map(step).collect();
        let round = |(w, s): (&[f32], &f32)| -> Vec<i8> {
            w.iter().map(|w| (w / s).round_ties_even().clamp(-127.0, 127.0) as i8).collect()
        };
        Self { weight: layer.weight.chunks(row).zip(&scales).flat_map(round).collect(), scales }
    }
}
