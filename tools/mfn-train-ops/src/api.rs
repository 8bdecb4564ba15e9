//! The functions that networks call: [`chain`] in training, [`evaluate`] with given statistics.

use crate::conv::{ChainSpec, Conv, LayerSpec};
use crate::ops::ChainOps;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// One layer, `PReLU(BatchNorm(conv(x)))`, with the tensors of its parameters.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The convolution.
    pub conv: Conv,
    /// Its weight, of [`Conv::weight_shape`].
    pub weight: Tensor<4>,
    /// Batch norm's scale, one a channel.
    pub gamma: Tensor<1>,
    /// Batch norm's shift, one a channel.
    pub beta: Tensor<1>,
    /// PReLU's slopes, one a channel; `None`: no activation.
    pub slope: Option<Tensor<1>>,
}

/// A layer's batch statistics, one value a channel, without gradients.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Mean over batch and space.
    pub mean: Tensor<1>,
    /// Biased variance over batch and space.
    pub variance: Tensor<1>,
}

/// What [`chain`] returns.
#[derive(Debug, Clone)]
pub struct ChainOutput {
    /// The last layer's output, `[N, C/16, H, W, 16]`.
    pub features: Tensor<5>,
    /// One entry a layer, for the running statistics.
    pub statistics: Vec<Statistics>,
}

/// Runs the layers in training mode: batch norm by the statistics of this batch. `residual` adds the input to the
/// last layer's output. The input is `[N, C/16, H, W, 16]`, or `[N, 3, H, W]` when the first layer is a stem.
///
/// # Panics
/// As burn's own operations do, when a tensor's shape does not fit.
pub fn chain<const D: usize>(input: Tensor<D>, layers: &[Layer], residual: bool) -> ChainOutput {
    let (spec, parameters) = gather(&input, layers, residual);
    let (features, statistics) =
        Dispatch::chain(input.into_dispatch(), parameters.into_dispatch(), spec.clone());
    let statistics = Tensor::<1>::from_dispatch(statistics).detach();
    ChainOutput { features: Tensor::from_dispatch(features), statistics: split(&statistics, &spec) }
}

/// Runs the layers in evaluation mode, with the given (running) statistics; no gradients flow.
///
/// # Panics
/// As burn's own operations do, when a tensor's shape does not fit.
pub fn evaluate<const D: usize>(
    input: Tensor<D>,
    layers: &[Layer],
    statistics: &[Statistics],
    residual: bool,
) -> Tensor<5> {
    assert_eq!(layers.len(), statistics.len(), "one entry of statistics a layer");
    let (spec, parameters) = gather(&input, layers, residual);
    let of = |s: &Statistics| [s.mean.clone(), s.variance.clone()];
    let statistics = Tensor::cat(statistics.iter().flat_map(of).collect(), 0);
    let output = Dispatch::evaluate_chain(
        input.into_dispatch(),
        parameters.into_dispatch(),
        statistics.into_dispatch(),
        spec,
    );
    Tensor::<5>::from_dispatch(output).detach()
}

/// The specification and the one parameter vector of [`ChainSpec::ranges`]; checks every shape.
fn gather<const D: usize>(input: &Tensor<D>, layers: &[Layer], residual: bool) -> (ChainSpec, Tensor<1>) {
    let layer_spec = |layer: &Layer| LayerSpec { conv: layer.conv, activation: layer.slope.is_some() };
    let spec = ChainSpec { layers: layers.iter().map(layer_spec).collect(), residual };
    spec.check(&input.shape());
    let parameters = |layer: &Layer| {
        let outputs = layer.conv.outputs();
        assert_eq!(layer.weight.dims(), layer.conv.weight_shape(), "weight of {:?}", layer.conv);
        for vector in [Some(&layer.gamma), Some(&layer.beta), layer.slope.as_ref()].into_iter().flatten() {
            assert_eq!(vector.dims(), [outputs], "gamma, beta or slope of {:?}", layer.conv);
        }
        let weight = layer.weight.clone().flatten(0, 3);
        [Some(weight), Some(layer.gamma.clone()), Some(layer.beta.clone()), layer.slope.clone()]
    };
    (spec, Tensor::cat(layers.iter().flat_map(parameters).flatten().collect(), 0))
}

/// The statistics vector of [`ChainSpec::statistics_len`] taken apart.
fn split(statistics: &Tensor<1>, spec: &ChainSpec) -> Vec<Statistics> {
    let mut at = 0;
    let mut take = |n: usize| {
        at += n;
        statistics.clone().narrow(0, at - n, n)
    };
    let mut one = |layer: &LayerSpec| {
        let n = layer.conv.outputs();
        Statistics { mean: take(n), variance: take(n) }
    };
    spec.layers.iter().map(&mut one).collect()
}
