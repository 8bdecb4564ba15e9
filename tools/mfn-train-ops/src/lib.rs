//! The training engine's coarse operation for burn: a chain of convolutions, each with batch norm and
//! (mostly) PReLU, as one differentiable step.
//!
//! A network of the MobileFaceNet family is a stem, residual depthwise blocks and a head, and each of them is a
//! chain of two or three layers `PReLU(BatchNorm(conv(x)))`. [`chain`] runs such a chain forward and registers
//! one backward step for all of it. On the CPU (burn's Flex backend) both are kernels of `mfn-kernels`
//! that keep only the raw convolution outputs, normalise on the fly and share every pass over memory; every
//! other backend gets the composition of burn's own operations in [`composition`], which also is the
//! reference that the kernels are tested against.
//!
//! # Shapes
//! Feature maps are *blocked*: `[N, C/16, H, W, 16]`, channel `c` at `[.., c / 16, .., .., c % 16]`. Channel
//! counts are multiples of 16. [`to_blocked`] and [`from_blocked`] convert from and to `[N, C, H, W]`, with
//! gradients; [`flatten`] turns the 1x1 map of a head into `[N, C]`. The input of a stem is the plain image
//! tensor `[N, 3, H, W]`. Weights are as in PyTorch: `[out, in / groups, kernel, kernel]`.
//!
//! # Use
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use mfn_train_ops::{Conv, Layer, chain, evaluate};
//!
//! let device = Device::flex().autodiff();
//! let layer = |conv: Conv| Layer {
//!     weight: Tensor::random(conv.weight_shape(), Distribution::Normal(0.0, 0.1), &device).require_grad(),
//!     gamma: Tensor::ones([conv.outputs()], &device).require_grad(),
//!     beta: Tensor::zeros([conv.outputs()], &device).require_grad(),
//!     slope: Some(Tensor::full([conv.outputs()], 0.25, &device).require_grad()),
//!     conv,
//! };
//! // The stem of scale 1: [N, 3, 112, 112] to [N, 4, 56, 56, 16].
//! let stem = [layer(Conv::stem(64)?), layer(Conv::grouped(64, 64)?)];
//! let images = Tensor::<4>::zeros([2, 3, 112, 112], &device);
//! let out = chain(images, &stem, false);
//! // A residual block; `slope: None` leaves the activation out.
//! let block = [
//!     layer(Conv::pointwise(64, 128)?),
//!     layer(Conv::depthwise(128, 1)?),
//!     Layer { slope: None, ..layer(Conv::pointwise(128, 64)?) },
//! ];
//! let out = chain(out.features, &block, true);
//! // Batch statistics for the running ones, one a layer, without gradients; the variance is the biased one.
//! let (mean, variance) = (&out.statistics[0].mean, &out.statistics[0].variance);
//! assert_eq!((mean.dims(), variance.dims()), ([128], [128]));
//! // Evaluation mode: the same layers with given statistics, no gradients.
//! let y = evaluate(out.features, &block, &out.statistics, true);
//! assert_eq!(y.dims(), [2, 4, 56, 56, 16]);
//! # Ok::<(), mfn_train_ops::UnsupportedConv>(())
//! ```

mod api;
mod autodiff;
pub mod composition;
mod conv;
mod flex;
mod layout;
mod ops;
mod pool;

pub use api::{ChainOutput, Layer, Statistics, chain, evaluate};
pub use conv::{ChainSpec, Conv, ConvKind, EPSILON, LayerSpec, UnsupportedConv};
pub use layout::{BLOCK, flatten, from_blocked, to_blocked};
pub use ops::{ChainKernels, ChainOps};
