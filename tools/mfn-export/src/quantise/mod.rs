//! Post-training quantisation to int8: what a network does in floats, approximated by 8-bit integers that were
//! fitted to pictures of its kind.

mod cost;
mod decisions;
mod emit;
mod equalise;
mod folder;
mod grid;
mod importance;
mod network;
mod observe;
mod parse;

pub use cost::{Cost, PairCost, compare, cost};
pub use decisions::{DecisionCost, decisions};
pub use emit::{Form, emit};
pub use folder::{int8_file, with_int8};
pub use grid::{Grid, Rule};
pub use network::Network;
pub use observe::Pictures;

use anyhow::Result;
use emit::{Grids, RoundedLayer};
use equalise::{equalise, for_each_column};
use importance::importance;
use observe::{SeenTensors, observe, observe_last};

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// How the range of an activation is chosen.
    pub rule: Rule,
    /// Round the weights only: a smaller file whose activations stay floats.
    pub weights_only: bool,
}

/// The network with integers in the place of floats, as an ONNX file. Each picture is looked at [`looks`] times.
///
/// # Errors
/// When the network cannot be run on the pictures.
pub fn quantise(network: &Network, pictures: Pictures, choice: Choice) -> Result<Vec<u8>> {
    let mut network = network.clone();
    let seen = observe(&network, pictures)?;
    if choice.weights_only {
        correct(&mut network, &seen);
        return Ok(emit(&network, &Form::Weights));
    }
    equalise(&mut network, &seen);
    let seen = observe(&network, pictures)?;
    let grids = grids(&network, &seen, choice.rule);
    correct(&mut network, &seen);
    let found = observe_last(&emit(&network, &Form::All(&grids)), &network, pictures)?;
    shift_outputs(&mut network, &seen, &found);
    Ok(emit(&network, &Form::All(&grids)))
}

fn grids(network: &Network, seen: &SeenTensors, rule: Rule) -> Grids {
    let weights = importance(network);
    let grid = |name: String| {
        let (seen, weights) = (seen.get(&name)?, weights.get(&name)?);
        Some((name, Grid::choose(seen.ends, &seen.sample, weights, rule)))
    };
    network.rounded().into_iter().filter_map(grid).collect()
}

/// How often each picture is looked at.
pub fn looks(choice: Choice) -> usize {
    if choice.weights_only { 1 } else { 3 }
}

/// Takes the mean of what all rounding together does to the last layers out of their biases: a fifth of the squared
/// error, measured on a MobileFaceNet.
fn shift_outputs(network: &mut Network, seen: &SeenTensors, found: &SeenTensors) {
    for layer in network.layers_mut() {
        // Only what the last layers gave was looked at again.
        let (Some(wanted), Some(found)) = (seen.get(&layer.out), found.get(&layer.out)) else { continue };
        let shifts = wanted.mean.iter().zip(&found.mean).map(|(wanted, found)| (wanted - found) as f32);
        layer.bias.iter_mut().zip(shifts).for_each(|(bias, shift)| *bias += shift);
    }
}

/// Takes the mean of what rounding the weights changes back out of each bias: sum of (w - rounded w) x mean input.
fn correct(network: &mut Network, seen: &SeenTensors) {
    let whole = network.clone();
    for layer in network.layers_mut().filter(|layer| !whole.keeps_floats(layer)) {
        let Some(seen) = seen.get(whole.map(layer)) else { continue };
        let rounded = RoundedLayer::of(layer);
        let row = layer.row();
        let mut lost = layer.clone();
        for (i, w) in lost.weight.iter_mut().enumerate() {
            *w -= f32::from(rounded.weight[i]) * rounded.scales[i / row];
        }
        for_each_column(&mut lost, seen.mean.len(), |w, channel| *w *= seen.mean[channel] as f32);
        layer
            .bias
            .iter_mut()
            .zip(lost.weight.chunks(row))
            .for_each(|(b, lost)| *b += lost.iter().sum::<f32>());
    }
}
