//! The network as data: depthwise-separable stages, a path back up, one head a level.
//!
//! A stem and three stages reach the strides 8, 16 and 32; the maps of the two coarser ones come back up by
//! doubling and adding, so that small faces are judged with their surroundings in view.

use crate::arch::{Kind, Layer};
use crate::net::{Parameter, ParameterSet};
use fastrand::Rng;

/// The name that recipes and checkpoints use.
pub const NAME: &str = "detector";
/// How many levels of cells there are.
pub const LEVELS: usize = 3;
/// Pixels between the cells of each level.
pub const STRIDES: [usize; LEVELS] = [8, 16, 32];
/// Numbers a cell: cls, obj, box, points.
pub const OUTPUTS: usize = 16;
/// Channels of every map that a head looks at.
const WIDTH: usize = 64;
/// Units of each stage; the first one halves the map.
const UNITS: [usize; LEVELS] = [3, 4, 3];
/// Units of each head: the second is for the points, which one unit leaves underfitted.
const HEAD_UNITS: usize = 2;
/// Side of the input that sizes of maps are counted for.
const NOMINAL_SIDE: usize = 320;

/// The layers, chain by chain.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From the picture to stride 8, on to 16, on to 32.
    pub backbone: [Vec<Layer>; LEVELS],
    /// After the addition at stride 8 and 16.
    pub neck: [Vec<Layer>; LEVELS - 1],
    /// Before the outputs of each level.
    pub heads: [Vec<Layer>; LEVELS],
    /// The outputs of each level: 1x1 with bias, without batch norm.
    pub outputs: [Layer; LEVELS],
}

/// Appends layers to a chain and keeps track of channels and side.
struct Builder {
    layers: Vec<Layer>,
    channels: usize,
    side: usize,
}

impl Builder {
    fn at(channels: usize, stride: usize) -> Self {
        Self { layers: Vec::new(), channels, side: NOMINAL_SIDE / stride }
    }

    fn push(mut self, name: String, kind: Kind, outputs: usize, stride: usize) -> Self {
        let kernel = if matches!(kind, Kind::Pointwise | Kind::Linear) { 1 } else { 3 };
        self.layers.push(Layer {
            name,
            kind,
            kernel,
            stride,
            padding: kernel / 2,
            inputs: self.channels,
            outputs,
            groups: if kind == Kind::Depthwise3 { outputs } else { 1 },
            input_side: self.side,
            output_side: self.side / stride,
            prelu: kind != Kind::Linear,
            residual: false,
        });
        (self.channels, self.side) = (outputs, self.side / stride);
        self
    }

    /// A depthwise and a pointwise convolution.
    fn unit(self, name: &str, outputs: usize, stride: usize) -> Self {
        let channels = self.channels;
        self.push(format!("{name}.depthwise"), Kind::Depthwise3, channels, stride).push(
            format!("{name}.pointwise"),
            Kind::Pointwise,
            outputs,
            1,
        )
    }

    /// Units of which the first halves the map.
    fn stage(mut self, name: &str, units: usize) -> Self {
        for unit in 0..units {
            self = self.unit(&format!("{name}.{unit}"), WIDTH, if unit == 0 { 2 } else { 1 });
        }
        self
    }
}

impl Default for Plan {
    fn default() -> Self {
        let stem = Builder::at(3, 1)
            .push("stem".into(), Kind::Full3, 16, 2)
            .unit("stage4.0", 32, 2)
            .unit("stage4.1", 32, 1);
        let neck = |level: usize| {
            Builder::at(WIDTH, STRIDES[level]).unit(&format!("neck{}", STRIDES[level]), WIDTH, 1).layers
        };
        let head = |level: usize| {
            let units = 0..HEAD_UNITS;
            let name = |unit| format!("head{}.{unit}", STRIDES[level]);
            units.fold(Builder::at(WIDTH, STRIDES[level]), |b, u| b.unit(&name(u), WIDTH, 1)).layers
        };
        let output = |level: usize| {
            let name = format!("output{}", STRIDES[level]);
            let mut layers = Builder::at(WIDTH, STRIDES[level]).push(name, Kind::Linear, OUTPUTS, 1).layers;
            layers.remove(0)
        };
        Self {
            backbone: [
                stem.stage("stage8", UNITS[0]).layers,
                Builder::at(WIDTH, 8).stage("stage16", UNITS[1]).layers,
                Builder::at(WIDTH, 16).stage("stage32", UNITS[2]).layers,
            ],
            neck: std::array::from_fn(neck),
            heads: std::array::from_fn(head),
            outputs: std::array::from_fn(output),
        }
    }
}

impl Plan {
    /// Every layer with a batch norm, in the order of the checkpoint.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.backbone.iter().chain(&self.neck).chain(&self.heads).flatten()
    }

    /// Multiply-accumulates of a 320x320 picture.
    pub fn macs(&self) -> usize {
        self.layers().chain(&self.outputs).map(Layer::macs).sum()
    }
}

/// Fresh weights. The outputs begin at "no face" with a probability of 1 %, since nearly all cells are background.
pub fn fresh(rng: &mut Rng) -> ParameterSet {
    let plan = Plan::default();
    let mut set = ParameterSet::default();
    plan.layers().for_each(|layer| set.push_layer(layer, rng));
    for layer in &plan.outputs {
        let name = |part: &str| format!("{}.{part}", layer.name);
        set.list.push(Parameter::normal(name("weight"), &layer.weight_shape(), 0.01, rng));
        let mut bias = Parameter::bias(name("bias"), OUTPUTS);
        bias.values[0] = (0.01_f32 / 0.99).ln();
        set.list.push(bias);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_small_as_it_must_be() {
        let parameters = fresh(&mut Rng::with_seed(1)).trained();
        assert!(parameters <= 100_000, "{parameters} parameters");
        println!(
            "{parameters} parameters, {:.1} million MACs at 320x320",
            Plan::default().macs() as f64 / 1e6
        );
    }

    #[test]
    fn layers_fit_together() {
        let plan = Plan::default();
        for chain in plan.backbone.iter().chain(&plan.neck).chain(&plan.heads) {
            for pair in chain.windows(2) {
                assert_eq!(pair[0].outputs, pair[1].inputs, "{} -> {}", pair[0].name, pair[1].name);
                assert_eq!(pair[0].output_side, pair[1].input_side, "{} -> {}", pair[0].name, pair[1].name);
            }
        }
        for (chain, stride) in plan.backbone.iter().zip(STRIDES) {
            assert_eq!(chain.last().unwrap().output_side * stride, NOMINAL_SIDE);
        }
    }
}
