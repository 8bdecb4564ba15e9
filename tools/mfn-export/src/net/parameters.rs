//! Weights on the host: named, shaped, one plain vector each, whatever the backend.
//!
//! Optimisers, averages and checkpoints work on these; a step copies them to the device.

use crate::arch::{Architecture, Layer};
use fastrand::Rng;

/// What a parameter is for, which decides about weight decay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights of convolutions, linear layers, adapters and class centres: decayed.
    Weight,
    /// Batch norm scales and shifts, PReLU slopes: not decayed.
    Scale,
    /// Running statistics: no gradient.
    Statistic,
}

/// One named tensor of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name in checkpoints, such as `body1.0.expand.weight`.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// The numbers, row by row.
    pub values: Vec<f32>,
}

impl Parameter {
    fn new(name: String, shape: &[usize], role: Role, values: Vec<f32>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self { name, shape: shape.to_vec(), role, values }
    }

    /// Weights drawn from a normal distribution.
    pub fn normal(name: String, shape: &[usize], deviation: f32, rng: &mut Rng) -> Self {
        let values = (0..shape.iter().product()).map(|_| deviation * gauss(rng)).collect();
        Self::new(name, shape, Role::Weight, values)
    }

    /// An offset that starts at zero.
    pub fn bias(name: String, len: usize) -> Self {
        Self::constant(name, len, Role::Scale, 0.0)
    }

    fn constant(name: String, len: usize, role: Role, value: f32) -> Self {
        Self::new(name, &[len], role, vec![value; len])
    }
}

/// All parameters of a network and of what is trained with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterSet {
    /// In the order in which they were made.
    pub list: Vec<Parameter>,
}

impl ParameterSet {
    /// Fresh weights: convolutions after He et al. 2015 by their fan-out with PReLU's slope 0.25,
    /// batch norms 1 and 0.
    pub fn network(architecture: Architecture, rng: &mut Rng) -> Self {
        let mut set = Self::default();
        for layer in architecture.layers() {
            set.push_layer(&layer, rng);
        }
        set
    }

    /// Appends fresh weights, batch norm and slopes of one layer.
    pub(crate) fn push_layer(&mut self, layer: &Layer, rng: &mut Rng) {
        let name = |part: &str| format!("{}.{part}", layer.name);
        let fan_out = layer.outputs / layer.groups * layer.kernel * layer.kernel;
        // A filter over the whole map gives one number, so what matters there is how many it sums.
        let fan = if layer.output_side == 1 { layer.weights() / layer.outputs } else { fan_out };
        let slope: f32 = if layer.prelu { 0.25 } else { 1.0 };
        let deviation = (2.0 / ((1.0 + slope * slope) * fan as f32)).sqrt();
        let channels = layer.outputs;
        self.list.push(Parameter::normal(name("weight"), &layer.weight_shape(), deviation, rng));
        self.list.push(Parameter::constant(name("gamma"), channels, Role::Scale, 1.0));
        self.list.push(Parameter::constant(name("beta"), channels, Role::Scale, 0.0));
        if layer.prelu {
            self.list.push(Parameter::constant(name("slope"), channels, Role::Scale, 0.25));
        }
        self.list.push(Parameter::constant(name("mean"), channels, Role::Statistic, 0.0));
        self.list.push(Parameter::constant(name("variance"), channels, Role::Statistic, 1.0));
    }

    /// The place of the parameter with that name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|p| p.name == name)
    }

    /// How many trained numbers there are.
    pub fn trained(&self) -> usize {
        self.list.iter().filter(|p| p.role != Role::Statistic).map(|p| p.values.len()).sum()
    }
}

/// A draw from the standard normal distribution (Box and Muller 1958).
fn gauss(rng: &mut Rng) -> f32 {
    let (u, v) = (1.0 - rng.f64(), rng.f64());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_parameters_as_the_architecture_counts() {
        for architecture in Architecture::ALL {
            let set = ParameterSet::network(architecture, &mut Rng::with_seed(1));
            assert_eq!(set.trained(), architecture.counts().parameters);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_weights() {
        let make = |seed| ParameterSet::network(Architecture::MobileFaceNet, &mut Rng::with_seed(seed));
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
    }

    #[test]
    fn weights_have_the_deviation_of_he() {
        let set = ParameterSet::network(Architecture::MobileFaceNet, &mut Rng::with_seed(1));
        let weight = &set.list[set.place("down3.expand.weight").unwrap()].values;
        let variance = weight.iter().map(|w| w * w).sum::<f32>() / weight.len() as f32;
        let expected = 2.0 / ((1.0 + 0.25_f32.powi(2)) * 512.0);
        assert!((variance / expected - 1.0).abs() < 0.02, "{variance} instead of {expected}");
    }
}
