//! A network's training passes in libtorch: what `train --device cuda` computes on an NVIDIA card.
//!
//! The losses stay with burn on the CPU: they get the features and give back their gradient.

use super::forward::{Places, chain_name};
use super::{BatchStatistic, ParameterSet};
use crate::arch::{Architecture, INPUT_SIDE, Kind, Layer};
use crate::recipe::Precision;
use anyhow::{Context, Result};
use mfn_train_ops::EPSILON;
use tch::{Device, Kind as Type, Tensor};

/// The structure of a network over a set of parameters, on a device of libtorch's.
pub struct Card {
    device: Device,
    precision: Type,
    layers: Vec<(Layer, Places)>,
}

/// A forward pass that waits for the gradient of its features.
pub struct CardPass<'a> {
    card: &'a Card,
    /// Every trained parameter of the network, one after the other.
    parameters: Tensor,
    features: Tensor,
    /// Mean and reciprocal deviation of each layer's batch.
    statistics: Vec<[Tensor; 2]>,
}

impl Card {
    /// The network of this architecture over parameters with its names.
    ///
    /// # Errors
    /// When a parameter is missing or has another shape.
    pub fn new(
        architecture: Architecture,
        set: &ParameterSet,
        device: Device,
        precision: Precision,
    ) -> Result<Self> {
        let layers = architecture.layers().into_iter().map(|layer| {
            let places = Places::find(&layer, set)?;
            Ok((layer, places))
        });
        let precision = match precision {
            Precision::Single => Type::Float,
            Precision::Mixed => Type::BFloat16,
        };
        // Every batch has the same shapes: the fastest algorithm is looked for once.
        tch::Cuda::cudnn_set_benchmark(true);
        Ok(Self { device, precision, layers: layers.collect::<Result<_>>()? })
    }

    /// Whether the parameter at this place is the network's and trained.
    pub fn owns(&self, place: usize) -> bool {
        self.trained().any(|own| own == place)
    }

    /// Runs a batch, normalised crops `[N, 3, 112, 112]`, in training mode.
    ///
    /// # Errors
    /// When libtorch fails, as for want of memory.
    pub fn forward(&self, set: &ParameterSet, images: &[f32]) -> Result<CardPass<'_>> {
        let parameters = self.upload(set)?;
        let sizes: Vec<i64> = self.trained().map(|place| set.list[place].values.len() as i64).collect();
        let mut parts = parameters.f_split_with_sizes(&sizes[..], 0)?.into_iter();
        let mut map = self.images(images)?;
        let mut entry = map.shallow_clone();
        let mut chain = "";
        let mut statistics = Vec::new();
        for (layer, places) in &self.layers {
            if chain_name(&layer.name) != chain {
                chain = chain_name(&layer.name);
                entry = map.shallow_clone();
            }
            let own: Vec<Tensor> = parts.by_ref().take(places.trained().count()).collect();
            let raw = convolve(layer, &map, &own[0])?;
            let (normal, mean, inverse) =
                raw.f_native_batch_norm(Some(&own[1]), Some(&own[2]), None, None, true, 0.0, EPSILON.into())?;
            map = match own.get(3) {
                Some(slope) => normal.f_prelu(&slope.f_to_kind(normal.f_kind()?)?)?,
                None => normal,
            };
            if layer.residual {
                map = map.f_add(&entry)?;
            }
            statistics.push([mean, inverse]);
        }
        let features = map.f_flatten(1, 3)?;
        Ok(CardPass { card: self, parameters, features, statistics })
    }

    fn trained(&self) -> impl Iterator<Item = usize> {
        self.layers.iter().flat_map(|(_, places)| places.trained())
    }

    fn upload(&self, set: &ParameterSet) -> Result<Tensor> {
        let mut flat = Vec::with_capacity(set.trained());
        self.trained().for_each(|place| flat.extend_from_slice(&set.list[place].values));
        Ok(Tensor::f_from_slice(&flat)?.f_to_device(self.device)?.f_set_requires_grad(true)?)
    }

    /// Channels stay first: with channels last, cuDNN's search for algorithms alone takes longer than it can save.
    fn images(&self, images: &[f32]) -> Result<Tensor> {
        let side = INPUT_SIDE as i64;
        let images = Tensor::f_from_slice(images)?.f_view([-1, 3, side, side])?;
        Ok(images.f_to_device(self.device)?.f_to_kind(self.precision)?)
    }
}

impl CardPass<'_> {
    /// The features, `[N, 512]`, not normalised.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn features(&self) -> Result<Vec<f32>> {
        read(&self.features)
    }

    /// Puts the gradients of the network's parameters into `all` (one vector a parameter of the set), given that of the
    /// features; returns the batch's statistics as tensors of `host`.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn backward(
        self,
        towards: &[f32],
        all: &mut [Vec<f32>],
        host: &burn::tensor::Device,
    ) -> Result<Vec<BatchStatistic>> {
        let towards = Tensor::f_from_slice(towards)?.f_view_as(&self.features)?;
        let towards = towards.f_to_device(self.card.device)?;
        self.features.f_mul(&towards)?.f_sum(Type::Float)?.f_backward()?;
        let gradient = read(&self.parameters.f_grad()?)?;
        let mut rest = &gradient[..];
        for place in self.card.trained() {
            let (own, behind) = rest.split_at(all[place].len());
            all[place].copy_from_slice(own);
            rest = behind;
        }
        self.statistics(host)
    }

    /// The variance of a layer from what libtorch keeps, `1 / sqrt(variance + EPSILON)`.
    fn statistics(&self, host: &burn::tensor::Device) -> Result<Vec<BatchStatistic>> {
        let flat = read(&Tensor::f_cat(self.statistics.as_flattened(), 0)?)?;
        let mut rest = &flat[..];
        let mut statistics = Vec::new();
        for (layer, places) in &self.card.layers {
            let (own, behind) = rest.split_at(2 * layer.outputs);
            let (mean, inverse) = own.split_at(layer.outputs);
            let variance: Vec<f32> = inverse.iter().map(|i| (1.0 / (i * i) - EPSILON).max(0.0)).collect();
            statistics.push(BatchStatistic::given(places, mean, &variance, host));
            rest = behind;
        }
        Ok(statistics)
    }
}

/// A layer's convolution. What follows the last map is in single precision: it is small, and what is compared.
fn convolve(layer: &Layer, map: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let shape = layer.weight_shape().map(|n| n as i64);
    let weight = weight.f_view(shape)?;
    let none = None::<&Tensor>;
    match layer.kind {
        Kind::GlobalDepthwise => {
            let product = map.f_to_kind(Type::Float)?.f_mul(&weight.f_view([1, -1, shape[2], shape[3]])?)?;
            Ok(product.f_sum_dim_intlist([2, 3].as_slice(), true, Type::Float)?)
        }
        Kind::Full3 if layer.groups > 1 => {
            let dense = ungrouped(&weight, layer.groups as i64)?.f_to_kind(map.f_kind()?)?;
            Ok(map.f_conv2d(&dense, none, [1, 1], [1, 1], [1, 1], 1)?)
        }
        _ => {
            let weight = weight.f_to_kind(map.f_kind()?)?;
            let (stride, padding) = ([layer.stride as i64; 2], [layer.padding as i64; 2]);
            Ok(map.f_conv2d(&weight, none, stride, padding, [1, 1], layer.groups as i64)?)
        }
    }
}

/// Weights of groups of a few channels as those of a convolution without groups, zero outside of its own:
/// `[out, in / groups, k, k]` to `[out, in, k, k]`. Many times the products, on units made for them.
fn ungrouped(weight: &Tensor, groups: i64) -> Result<Tensor> {
    let [outputs, inputs, rows, columns] =
        weight.size().try_into().ok().context("weights have four dimensions")?;
    let own = weight.f_view([groups, outputs / groups, 1, inputs, rows, columns])?;
    let mask = Tensor::f_eye(groups, (Type::Float, weight.device()))?.f_view([groups, 1, groups, 1, 1, 1])?;
    Ok(own.f_mul(&mask)?.f_reshape([outputs, groups * inputs, rows, columns])?)
}

/// The numbers of a tensor, row by row.
fn read(tensor: &Tensor) -> Result<Vec<f32>> {
    let flat = tensor.f_detach()?.f_to_kind(Type::Float)?.f_to_device(Device::Cpu)?.f_flatten(0, -1)?;
    Vec::try_from(&flat).context("a tensor could not be read back")
}
