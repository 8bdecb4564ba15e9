//! Parameters, multiply-accumulates and the THOP count of a list of layers.

use super::Layer;
use serde::Serialize;

/// The figures by which networks are compared; all of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Weights, batch norm scales and shifts, PReLU slopes.
    pub parameters: usize,
    /// The same with each batch norm folded into a bias.
    pub folded_parameters: usize,
    /// Bytes of the folded parameters in fp32.
    pub folded_bytes: usize,
    /// Multiply-accumulates of convolutions and linear layers.
    pub macs: usize,
    /// As the THOP profiler counts: MACs, four a batch norm output, one a PReLU output.
    pub thop: usize,
}

impl Counts {
    /// Counts these layers.
    pub fn of(layers: &[Layer]) -> Self {
        let mut counts = Counts { parameters: 0, folded_parameters: 0, folded_bytes: 0, macs: 0, thop: 0 };
        for layer in layers {
            let slopes = if layer.prelu { layer.outputs } else { 0 };
            let activations = if layer.prelu { layer.output_len() } else { 0 };
            counts.parameters += layer.weights() + 2 * layer.outputs + slopes;
            counts.folded_parameters += layer.weights() + layer.outputs + slopes;
            counts.macs += layer.macs();
            counts.thop += layer.macs() + 4 * layer.output_len() + activations;
        }
        counts.folded_bytes = 4 * counts.folded_parameters;
        counts
    }
}

impl Layer {
    /// Multiply-accumulates for one image.
    pub fn macs(&self) -> usize {
        self.weights() * self.output_side * self.output_side
    }
}
