//! How much an error in each channel of a map counts: as much as the weights that read it make of it until the end
//! of its block, where all channels count alike.

use super::equalise::for_each_column;
use super::network::Network;
use std::collections::HashMap;

/// By name of the map: for each channel the sum over its readers' outputs of squared weight times what the output
/// counts. Slopes are left out: they act on some values only.
pub fn importance(network: &Network) -> HashMap<String, Vec<f64>> {
    let mut known: HashMap<String, Vec<f64>> = HashMap::new();
    for layer in network.layers().collect::<Vec<_>>().into_iter().rev() {
        let within = if layer.slope.is_some() { known.get(&layer.out) } else { None };
        let counts = within.cloned().unwrap_or_else(|| vec![1.0; layer.channels()]);
        let name = network.map(layer);
        let maker = network.layers().find(|l| l.out == name).map(|l| l.channels());
        let channels = maker.unwrap_or(layer.shape[1] * layer.groups);
        let mut squares = layer.clone();
        for (weights, count) in squares.weight.chunks_mut(layer.row()).zip(&counts) {
            weights.iter_mut().for_each(|w| *w = (f64::from(*w * *w) * count) as f32);
        }
        let columns = known.entry(name.into()).or_insert_with(|| vec![0.0; channels]);
        for_each_column(&mut squares, channels, |w, channel| columns[channel] += f64::from(*w));
    }
    known
}
