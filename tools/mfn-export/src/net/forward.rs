//! Running a network on a device: chains of layers from `mfn-train-ops`.

use super::{ParameterSet, Role};
use crate::arch::{Architecture, Kind, Layer as Shape};
use crate::recipe::Precision;
use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use mfn_train_ops::{Conv, Layer, Statistics, chain, evaluate, flatten};

/// One chain of layers that runs as a single operation.
pub(crate) struct Chain {
    /// `stem`, `down1`, `body1.0`, ..., `head`.
    name: String,
    layers: Vec<ChainLayer>,
    residual: bool,
}

/// What a chain looks at.
pub(crate) enum Input {
    /// Pictures, `[N, 3, H, W]`: only for a chain that begins with a stem.
    Images(Tensor<4>),
    /// Another chain's output, `[N, C/16, H, W, 16]`.
    Map(Tensor<5>),
}

/// A convolution and the places of its layer's parameters in the set.
struct ChainLayer {
    conv: Conv,
    at: Places,
}

/// Where a layer's parameters are in the set.
pub(super) struct Places {
    pub weight: usize,
    pub gamma: usize,
    pub beta: usize,
    pub slope: Option<usize>,
    pub mean: usize,
    pub variance: usize,
}

/// The structure of a network over a set of parameters.
pub struct Network {
    chains: Vec<Chain>,
}

/// What a pass through the network gives.
pub struct Forward {
    /// The 512 numbers of each image, not normalised: `[N, 512]`.
    pub features: Tensor<2>,
    /// Outputs of the stages that were asked for, blocked: `[N, C/16, H, W, 16]`.
    pub stages: Vec<Tensor<5>>,
    /// Mean and biased variance of each batch norm of this batch, with their places in the set
    /// and how many numbers a channel had.
    pub statistics: Vec<BatchStatistic>,
}

/// The statistics of one batch norm in one batch.
pub struct BatchStatistic {
    mean: (usize, Tensor<1>),
    variance: (usize, Tensor<1>),
}

/// Parameters as tensors of a device, ready for one pass.
pub struct Bound {
    tensors: Vec<Option<Tensor<1>>>,
    shapes: Vec<Vec<usize>>,
}

impl Bound {
    /// Copies the set to the device; with `training`, what is trained gets gradients.
    pub fn new(set: &ParameterSet, device: &Device, training: bool) -> Self {
        Self::part(set, device, training, |_| true)
    }

    /// Copies the parameters whose places are `wanted`; the others have neither values nor gradients here.
    pub fn part(set: &ParameterSet, device: &Device, training: bool, wanted: impl Fn(usize) -> bool) -> Self {
        let tensor = |p: &super::Parameter| {
            let flat = Tensor::<1>::from_data(TensorData::new(p.values.clone(), [p.values.len()]), device);
            if training && p.role != Role::Statistic { flat.require_grad() } else { flat }
        };
        Self {
            tensors: set.list.iter().enumerate().map(|(i, p)| wanted(i).then(|| tensor(p))).collect(),
            shapes: set.list.iter().map(|p| p.shape.clone()).collect(),
        }
    }

    /// The parameter at this place, as a vector.
    pub fn flat(&self, place: usize) -> Tensor<1> {
        self.tensors[place].clone().expect("parameters stay until gradients are taken")
    }

    /// The parameter at this place with `D` dimensions, leading ones of size one dropped or added.
    pub fn shaped<const D: usize>(&self, place: usize) -> Tensor<D> {
        let shape: [usize; D] = self.shapes[place].clone().try_into().expect("the shape has this rank");
        self.flat(place).reshape(shape)
    }

    /// The gradient of each trained parameter after `backward`, as plain vectors; zeros where the
    /// loss does not depend on it.
    pub fn gradients(self, set: &ParameterSet, gradients: &mut Gradients) -> Result<Vec<Vec<f32>>> {
        let mut all = Vec::with_capacity(self.tensors.len());
        for (tensor, parameter) in self.tensors.into_iter().zip(&set.list) {
            let gradient = tensor.filter(|_| parameter.role != Role::Statistic);
            all.push(match gradient.and_then(|t| t.grad_remove(gradients)) {
                Some(gradient) => floats(gradient)?,
                None if parameter.role == Role::Statistic => Vec::new(),
                None => vec![0.0; parameter.values.len()],
            });
        }
        Ok(all)
    }
}

/// The numbers of a tensor.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_data()?.try_into_vec::<f32>().context("a tensor could not be read back")
}

impl Network {
    /// The structure of this architecture over parameters with its names.
    pub fn new(architecture: Architecture, set: &ParameterSet) -> Result<Self> {
        let mut chains: Vec<Chain> = Vec::new();
        for shape in architecture.layers() {
            let name = chain_name(&shape.name);
            if chains.last().is_none_or(|c| c.name != name) {
                chains.push(Chain { name: name.to_string(), layers: Vec::new(), residual: false });
            }
            let chain = chains.last_mut().expect("one was just pushed");
            chain.residual |= shape.residual;
            chain.layers.push(chain_layer(&shape, set)?);
        }
        Ok(Self { chains })
    }

    /// The same network, trained in this precision; evaluation stays in single precision.
    #[must_use]
    pub fn in_precision(mut self, precision: Precision) -> Self {
        if precision == Precision::Mixed {
            for layer in self.chains.iter_mut().flat_map(|chain| &mut chain.layers) {
                layer.conv = layer.conv.mixed();
            }
        }
        self
    }

    /// Runs a batch `[N, 3, 112, 112]` in training mode and keeps the outputs of `stages`.
    pub fn train(&self, bound: &Bound, images: Tensor<4>, stages: &[String]) -> Forward {
        let mut kept: Vec<Option<Tensor<5>>> = vec![None; stages.len()];
        let mut statistics = Vec::new();
        let mut map: Option<Tensor<5>> = None;
        for (number, part) in self.chains.iter().enumerate() {
            let input = map.take().map_or_else(|| Input::Images(images.clone()), Input::Map);
            let features = part.train(bound, input, &mut statistics);
            for (stage, kept) in stages.iter().zip(&mut kept) {
                if self.ends(stage, number) {
                    *kept = Some(features.clone());
                }
            }
            map = Some(features);
        }
        let features = flatten(map.expect("a network has chains"));
        let stages = kept.into_iter().map(|k| k.expect("stages were checked with the recipe")).collect();
        Forward { features, stages, statistics }
    }

    /// Runs a batch in evaluation mode, with running statistics: `[N, 512]`, not normalised.
    pub fn evaluate(&self, bound: &Bound, images: Tensor<4>) -> Tensor<2> {
        let mut map: Option<Tensor<5>> = None;
        for part in &self.chains {
            let input = map.take().map_or_else(|| Input::Images(images.clone()), Input::Map);
            map = Some(part.evaluate(bound, input));
        }
        flatten(map.expect("a network has chains"))
    }

    /// Whether chain `number` is the last one of the stage, such as `body1.3` of `body1`.
    fn ends(&self, stage: &str, number: usize) -> bool {
        let belongs = |n: usize| self.chains.get(n).is_some_and(|c| c.name.split('.').next() == Some(stage));
        belongs(number) && !belongs(number + 1)
    }
}

impl BatchStatistic {
    /// Statistics that were computed elsewhere, with the places of the running ones.
    #[cfg(feature = "torch")]
    pub(super) fn given(at: &Places, mean: &[f32], variance: &[f32], device: &Device) -> Self {
        let tensor = |values| Tensor::from_floats(values, device);
        Self { mean: (at.mean, tensor(mean)), variance: (at.variance, tensor(variance)) }
    }

    /// Moves the running statistics towards this batch's; `momentum` is the share of the new ones.
    ///
    /// As in PyTorch the running variance is the unbiased one, `count / (count - 1)` times the
    /// batch's; at a thousand numbers a channel and more the difference is left out.
    pub fn apply(self, set: &mut ParameterSet, momentum: f32) -> Result<()> {
        for (place, tensor) in [self.mean, self.variance] {
            let batch = floats(tensor)?;
            for (running, new) in set.list[place].values.iter_mut().zip(batch) {
                *running += momentum * (new - *running);
            }
        }
        Ok(())
    }
}

impl Chain {
    /// The chain of these layers over parameters with their names, without residual.
    pub(crate) fn new(name: &str, shapes: &[Shape], set: &ParameterSet) -> Result<Self> {
        let layers = shapes.iter().map(|shape| chain_layer(shape, set)).collect::<Result<_>>()?;
        Ok(Self { name: name.into(), layers, residual: false })
    }

    /// Runs in training mode; the statistics of the batch are added to `statistics`.
    pub(crate) fn train(
        &self,
        bound: &Bound,
        input: Input,
        statistics: &mut Vec<BatchStatistic>,
    ) -> Tensor<5> {
        let layers = self.bind(bound);
        let out = match input {
            Input::Images(images) => chain(images, &layers, self.residual),
            Input::Map(map) => chain(map, &layers, self.residual),
        };
        statistics.extend(self.layers.iter().zip(out.statistics).map(|(layer, batch)| BatchStatistic {
            mean: (layer.at.mean, batch.mean),
            variance: (layer.at.variance, batch.variance),
        }));
        out.features
    }

    /// Runs in evaluation mode, with running statistics.
    pub(crate) fn evaluate(&self, bound: &Bound, input: Input) -> Tensor<5> {
        let layers = self.bind(bound);
        let statistics: Vec<Statistics> = self.layers.iter().map(|l| l.statistics(bound)).collect();
        match input {
            Input::Images(images) => evaluate(images, &layers, &statistics, self.residual),
            Input::Map(map) => evaluate(map, &layers, &statistics, self.residual),
        }
    }

    fn bind(&self, bound: &Bound) -> Vec<Layer> {
        let layer = |l: &ChainLayer| Layer {
            conv: l.conv,
            weight: bound.shaped(l.at.weight),
            gamma: bound.flat(l.at.gamma),
            beta: bound.flat(l.at.beta),
            slope: l.at.slope.map(|s| bound.flat(s)),
        };
        self.layers.iter().map(layer).collect()
    }
}

impl ChainLayer {
    fn statistics(&self, bound: &Bound) -> Statistics {
        Statistics { mean: bound.flat(self.at.mean), variance: bound.flat(self.at.variance) }
    }
}

/// `body1.0.expand` belongs to `body1.0`, `stem.1` to `stem`; everything after the bodies is the head.
pub(super) fn chain_name(layer: &str) -> &str {
    match layer.rsplit_once('.') {
        Some((chain, _)) => chain,
        None => "head",
    }
}

fn chain_layer(shape: &Shape, set: &ParameterSet) -> Result<ChainLayer> {
    Ok(ChainLayer { conv: conv(shape)?, at: Places::find(shape, set)? })
}

impl Places {
    /// The places of this layer's parameters; checks the weight's shape.
    pub fn find(shape: &Shape, set: &ParameterSet) -> Result<Self> {
        let place = |part: &str| {
            let name = format!("{}.{part}", shape.name);
            set.place(&name).with_context(|| format!("parameter {name} is missing"))
        };
        let weight = place("weight")?;
        let expected = shape.weight_shape();
        ensure!(
            set.list[weight].shape == expected,
            "parameter {}.weight has shape {:?} instead of {expected:?}",
            shape.name,
            set.list[weight].shape
        );
        Ok(Self {
            weight,
            gamma: place("gamma")?,
            beta: place("beta")?,
            slope: shape.prelu.then(|| place("slope")).transpose()?,
            mean: place("mean")?,
            variance: place("variance")?,
        })
    }

    /// Those that are trained, in the set's order.
    #[cfg(feature = "torch")]
    pub fn trained(&self) -> impl Iterator<Item = usize> {
        [Some(self.weight), Some(self.gamma), Some(self.beta), self.slope].into_iter().flatten()
    }
}

fn conv(shape: &Shape) -> Result<Conv> {
    Ok(match shape.kind {
        Kind::Full3 if shape.groups == 1 => Conv::stem(shape.outputs)?,
        Kind::Full3 => Conv::grouped(shape.outputs, shape.groups)?,
        Kind::Pointwise | Kind::Linear => Conv::pointwise(shape.inputs, shape.outputs)?,
        Kind::Depthwise3 => Conv::depthwise(shape.outputs, shape.stride)?,
        Kind::GlobalDepthwise => Conv::global(shape.outputs)?,
    })
}
