//! Batch norms in evaluation mode are affine: each goes into the weights and a bias of its convolution.

use crate::arch::{Architecture, Layer};
use crate::net::ParameterSet;
use anyhow::{Context, Result, ensure};
use mfn_train_ops::EPSILON;

/// A convolution or linear layer with bias, as it is exported.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedLayer {
    /// Its place and shapes in the network.
    pub layer: Layer,
    /// Weights in the order of [`Layer::weight_shape`].
    pub weight: Vec<f32>,
    /// One number a output channel.
    pub bias: Vec<f32>,
    /// One PReLU slope a output channel, where there is a PReLU.
    pub slope: Option<Vec<f32>>,
}

/// Folds every batch norm: w' = w g / sqrt(v + e), b' = b - m g / sqrt(v + e), worked out in 64 bits.
///
/// # Errors
/// When a parameter is missing, of another length, or folds to a number that is not finite.
pub fn fold(architecture: Architecture, set: &ParameterSet) -> Result<Vec<FoldedLayer>> {
    architecture.layers().into_iter().map(|layer| fold_layer(layer, set)).collect()
}

/// One layer of [`fold`].
pub(crate) fn fold_layer(layer: Layer, set: &ParameterSet) -> Result<FoldedLayer> {
    let values = |part: &str, len: usize| parameter(set, &format!("{}.{part}", layer.name), len);
    let channels = layer.outputs;
    let mut weight = values("weight", layer.weights())?.to_vec();
    let (gamma, beta) = (values("gamma", channels)?, values("beta", channels)?);
    let (mean, variance) = (values("mean", channels)?, values("variance", channels)?);
    let slope = if layer.prelu { Some(values("slope", channels)?.to_vec()) } else { None };
    let mut bias = Vec::with_capacity(channels);
    for (channel, filter) in weight.chunks_exact_mut(layer.weights() / channels).enumerate() {
        let deviation = (f64::from(variance[channel]) + f64::from(EPSILON)).sqrt();
        let factor = f64::from(gamma[channel]) / deviation;
        filter.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
        bias.push((f64::from(beta[channel]) - f64::from(mean[channel]) * factor) as f32);
    }
    let finite = weight.iter().chain(&bias).all(|v| v.is_finite());
    ensure!(finite, "layer {} holds numbers that are not finite: the run diverged", layer.name);
    Ok(FoldedLayer { weight, bias, slope, layer })
}

fn parameter<'a>(set: &'a ParameterSet, name: &str, len: usize) -> Result<&'a [f32]> {
    let place = set.place(name).with_context(|| format!("parameter {name} is missing"))?;
    let values = &set.list[place].values;
    ensure!(values.len() == len, "parameter {name} has {} numbers instead of {len}", values.len());
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_out_by_hand() {
        let mut set = ParameterSet::network(Architecture::MobileFaceNet, &mut fastrand::Rng::with_seed(1));
        for (part, value) in [("gamma", 3.0), ("beta", 0.5), ("mean", 2.0), ("variance", 4.0 - 1e-5)] {
            let place = set.place(&format!("gdc.{part}")).unwrap();
            set.list[place].values[7] = value;
        }
        let before = set.list[set.place("gdc.weight").unwrap()].values[7 * 49];
        let layers = fold(Architecture::MobileFaceNet, &set).unwrap();
        let gdc = layers.iter().find(|l| l.layer.name == "gdc").unwrap();
        // 3 / sqrt(4) = 1.5; 0.5 - 2 x 1.5 = -2.5.
        assert!((gdc.weight[7 * 49] - 1.5 * before).abs() < 1e-6 && (gdc.bias[7] + 2.5).abs() < 1e-6);
        assert!(gdc.slope.is_none());
        let numbers = |l: &FoldedLayer| l.weight.len() + l.bias.len() + l.slope.as_ref().map_or(0, Vec::len);
        assert_eq!(layers.iter().map(numbers).sum::<usize>(), 1_190_336);
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        let mut set = ParameterSet::network(Architecture::MobileFaceNet, &mut fastrand::Rng::with_seed(1));
        let place = set.place("head.beta").unwrap();
        set.list[place].values[0] = f32::NAN;
        assert!(fold(Architecture::MobileFaceNet, &set).unwrap_err().to_string().contains("head"));
    }
}
