//! The network as an ONNX file: as it is, with integer weights, or with integer weights and activations.
//!
//! The integer form is the usual one of QuantizeLinear and DequantizeLinear pairs, which every runtime reads:
//! weights int8, symmetric, one scale an output channel; activations int8, one scale and zero point a tensor;
//! biases int32 of scale s_x * s_w. A layer's activation stands between its sums and QuantizeLinear, in floats;
//! sums of two tensors add dequantised ones; what the last layer reads and gives stays in floats.

use super::grid::Grid;
use super::network::{Layer, Network, Op};
use crate::onnx::{Writer, int};
use std::collections::HashMap;

/// Grids by name of the tensor.
pub type Grids = HashMap<String, Grid>;

/// Which numbers are integers.
pub enum Form<'a> {
    /// None.
    Float,
    /// The weights.
    Weights,
    /// Weights, biases, and the activations that have a grid.
    All(&'a Grids),
}

/// The tensors that can have a grid: all but the output, and rows that a flattening only reshapes.
pub fn tensors(network: &Network) -> Vec<String> {
    let made = network.ops.iter().filter(|op| !matches!(op, Op::Flatten { .. })).map(Op::out);
    let all = std::iter::once(network.input.0.as_str()).chain(made);
    all.filter(|name| *name != network.output.0).map(String::from).collect()
}

/// The file.
pub fn emit(network: &Network, form: &Form) -> Vec<u8> {
    let mut emitter =
        Emitter { writer: Writer::new(&network.name), form, read: HashMap::new(), grids: HashMap::new() };
    emitter.made(&network.input.0);
    for op in &network.ops {
        match op {
            Op::Layer(layer) => emitter.layer(layer),
            Op::Add { inputs, out } => {
                let inputs = inputs.iter().map(|name| emitter.reading(name)).collect();
                emitter.writer.node("Add", out.clone(), inputs, vec![]);
            }
            Op::Flatten { x, out } => {
                let read = emitter.reading(x);
                emitter.writer.node("Flatten", out.clone(), vec![read], vec![int("axis", 1)]);
                if let Some(grid) = emitter.grids.get(x.as_str()).copied() {
                    emitter.grids.insert(out.clone(), grid);
                }
            }
        }
        emitter.made(op.out());
    }
    let [input, output] = [&network.input, &network.output].map(|(name, shape)| (name.as_str(), &shape[..]));
    emitter.writer.finish(input, output)
}

struct Emitter<'a> {
    writer: Writer,
    form: &'a Form<'a>,
    /// What to read in the place of a tensor: its dequantised copy.
    read: HashMap<String, String>,
    /// The grid of each tensor that was made so far.
    grids: HashMap<String, Grid>,
}

impl Emitter<'_> {
    fn reading(&self, name: &str) -> String {
        self.read.get(name).cloned().unwrap_or_else(|| name.into())
    }

    /// Rounds a tensor that was just made, if it has a grid.
    fn made(&mut self, name: &str) {
        let Form::All(grids) = self.form else { return };
        let Some(grid) = grids.get(name).copied() else { return };
        self.grids.insert(name.into(), grid);
        let scale = self.writer.floats(format!("{name}.scale"), &[], &[grid.scale]);
        let zero = self.writer.bytes(format!("{name}.zero"), &[], &[grid.zero]);
        let parameters = [scale, zero];
        let inputs = |x: String| std::iter::once(x).chain(parameters.clone()).collect();
        let rounded = self.writer.node("QuantizeLinear", format!("{name}.q"), inputs(name.into()), vec![]);
        let back = self.writer.node("DequantizeLinear", format!("{name}.dq"), inputs(rounded), vec![]);
        self.read.insert(name.into(), back);
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
        let grid = self.grids.get(layer.x.as_str()).copied();
        let floats = |writer: &mut Writer| writer.floats(name("bias"), &[layer.channels()], &layer.bias);
        let writer = &mut self.writer;
        if matches!(self.form, Form::Float) {
            return (writer.floats(name("weight"), &layer.shape, &layer.weight), floats(writer));
        }
        let rounded = RoundedLayer::of(layer, grid);
        let channels = [layer.channels()];
        let weight = writer.bytes(name("weight.q"), &layer.shape, &rounded.weight);
        let scale = writer.floats(name("weight.scale"), &channels, &rounded.scales);
        let zero = writer.bytes(name("weight.zero"), &channels, &vec![0; channels[0]]);
        let first_axis = || vec![int("axis", 0)];
        let weight = writer.node("DequantizeLinear", name("weight"), vec![weight, scale, zero], first_axis());
        let Some(grid) = grid else { return (weight, floats(writer)) };
        let scales: Vec<f32> = rounded.scales.iter().map(|s| s * grid.scale).collect();
        let steps: Vec<i32> = layer
            .bias
            .iter()
            .zip(&scales)
            .map(|(b, s)| (f64::from(*b) / f64::from(*s)).round() as i32)
            .collect();
        let bias = writer.words(name("bias.q"), &channels, &steps);
        let scale = writer.floats(name("bias.scale"), &channels, &scales);
        (weight, writer.node("DequantizeLinear", name("bias"), vec![bias, scale], first_axis()))
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
    /// Rounds the weights; `grid` is that of the layer's input, which decides how large the bias gets in steps.
    pub fn of(layer: &Layer, grid: Option<Grid>) -> Self {
        let row = layer.row();
        let scales: Vec<f32> =
            layer.weight.chunks(row).zip(&layer.bias).map(|(w, b)| step(w, *b, grid)).collect();
        let round = |(w, s): (&[f32], &f32)| -> Vec<i8> {
            w.iter().map(|w| (w / s).round_ties_even().clamp(-127.0, 127.0) as i8).collect()
        };
        Self { weight: layer.weight.chunks(row).zip(&scales).flat_map(round).collect(), scales }
    }
}

/// The step of one output channel: its largest weight is 127 steps, and its bias fits 30 bits of s_x * s_w.
fn step(weights: &[f32], bias: f32, grid: Option<Grid>) -> f32 {
    let largest = weights.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
    let for_bias = grid.map_or(0.0, |grid| bias.abs() / (grid.scale * (1 << 30) as f32));
    (largest / 127.0).max(for_bias).max(1e-12)
}
