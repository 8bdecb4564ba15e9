//! A wider network that computes what a narrower one does, to begin a training with (Chen, Goodfellow and Shlens 2016,
//! "Net2Net").
//!
//! A channel of the narrow network becomes several neighbours in the wide one, which share what it hands on: with
//! random shares that add up to 1, so that they learn different things from the first step on.

use super::{Parameter, ParameterSet};
use anyhow::{Context, Result, ensure};
use fastrand::Rng;

/// What one of two copies hands on lies between this and the rest of 1.
const LEAST_SHARE: f32 = 0.3;

/// Fills `wide`, of the same parameters but for their sizes, from `narrow`.
///
/// # Errors
/// When a parameter is missing, or its sizes are no multiples of the narrow one's.
pub fn widen(narrow: &ParameterSet, mut wide: ParameterSet, rng: &mut Rng) -> Result<ParameterSet> {
    for to in &mut wide.list {
        let place = narrow.place(&to.name);
        let from = &narrow.list[place.with_context(|| format!("parameter {} is missing", to.name))?];
        let fits = from.shape.len() == to.shape.len()
            && from.shape.iter().zip(&to.shape).all(|(a, b)| *a > 0 && b.is_multiple_of(*a));
        ensure!(fits, "parameter {}: {:?} is not widened to {:?}", to.name, from.shape, to.shape);
        fill(from, to, rng);
    }
    Ok(wide)
}

/// Vectors are repeated channel by channel; matrices and filters in their outputs, and shared among their inputs.
fn fill(from: &Parameter, to: &mut Parameter, rng: &mut Rng) {
    let times = |axis: usize| to.shape.get(axis).map_or(1, |len| len / from.shape[axis]);
    let inputs = if is_adapter(&from.name) { times(0) } else { times(1) };
    let columns = from.shape.get(1).copied().unwrap_or(1);
    let rest: usize = from.shape.iter().skip(2).product();
    let wide_columns = to.shape.get(1).copied().unwrap_or(1);
    let (row_step, column_step) = (times(0), times(1));
    let shares: Vec<Vec<f32>> = (0..from.values.len()).map(|_| shares(inputs, rng)).collect();
    for (at, value) in to.values.iter_mut().enumerate() {
        let (row, column) = (at / (wide_columns * rest), at / rest % wide_columns);
        let source = (row / row_step * columns + column / column_step) * rest + at % rest;
        let copy = if is_adapter(&from.name) { row % inputs } else { column % inputs };
        *value = from.values[source] * shares[source][copy];
    }
}

/// Adapters are stored inputs first, everything else outputs first.
fn is_adapter(name: &str) -> bool {
    name.starts_with("hint.")
}

/// Shares of so many copies.
fn shares(copies: usize, rng: &mut Rng) -> Vec<f32> {
    let weights: Vec<f32> =
        (0..copies).map(|_| LEAST_SHARE + (1.0 - 2.0 * LEAST_SHARE) * rng.f32()).collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Architecture, INPUT_SIDE};
    use crate::device::cpu;
    use crate::net::{Bound, Network, floats};
    use burn::tensor::{Distribution, Tensor};

    #[test]
    fn the_wide_network_computes_what_the_narrow_one_does() {
        let mut rng = Rng::with_seed(5);
        let (small, large) = (Architecture::MobileFaceNet, Architecture::MMobileFaceNet);
        let mut narrow = ParameterSet::network(small, &mut rng);
        // Norms and slopes that tell channels apart.
        for parameter in narrow.list.iter_mut().filter(|p| p.shape.len() == 1) {
            parameter.values.iter_mut().for_each(|value| *value *= 0.5 + rng.f32());
        }
        let wide = widen(&narrow, ParameterSet::network(large, &mut rng), &mut rng).unwrap();
        let images =
            Tensor::<4>::random([2, 3, INPUT_SIDE, INPUT_SIDE], Distribution::Uniform(-1.0, 1.0), &cpu());
        let features = |architecture, set: &ParameterSet| {
            let network = Network::new(architecture, set).unwrap();
            floats(network.evaluate(&Bound::new(set, &cpu(), false), images.clone())).unwrap()
        };
        let (a, b) = (features(small, &narrow), features(large, &wide));
        let largest = a.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!(largest > 1e-3, "{largest}");
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-3 * largest, "{a} {b}");
        }
    }

    #[test]
    fn copies_differ_in_what_they_hand_on() {
        let mut rng = Rng::with_seed(6);
        let from = Parameter::normal("a.weight".into(), &[2, 3], 1.0, &mut rng);
        let mut to = Parameter::normal("a.weight".into(), &[2, 6], 1.0, &mut rng);
        fill(&from, &mut to, &mut rng);
        for (value, pair) in from.values.iter().zip(to.values.chunks(2)) {
            assert!((pair[0] + pair[1] - value).abs() < 1e-6 && pair[0] != pair[1]);
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let set = |len| ParameterSet { list: vec![Parameter::bias("x".into(), len)] };
        let mut rng = Rng::with_seed(7);
        assert!(widen(&set(3), set(4), &mut rng).unwrap_err().to_string().contains("parameter x"));
        assert!(widen(&ParameterSet::default(), set(4), &mut rng).is_err());
    }
}
