//! The backend extension: one trait that every backend answers, by kernels or by composition.

use crate::composition;
use crate::conv::ChainSpec;
use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

/// Forward pass with what the backward pass needs.
#[derive(Debug)]
pub struct Forward<B: Backend> {
    /// The last layer's output.
    pub output: FloatTensor<B>,
    /// Statistics vector, see [`ChainSpec::statistics_len`].
    pub statistics: FloatTensor<B>,
    /// Raw output of each convolution, before batch norm.
    pub raw: Vec<FloatTensor<B>>,
}

/// What the backward pass reads: the forward pass's inputs and its [`Forward`] without the output.
#[derive(Debug, Clone)]
pub struct Saved<B: Backend> {
    /// The chain's input.
    pub input: FloatTensor<B>,
    /// The chain's parameter vector.
    pub parameters: FloatTensor<B>,
    /// Statistics vector.
    pub statistics: FloatTensor<B>,
    /// Raw output of each convolution.
    pub raw: Vec<FloatTensor<B>>,
}

/// Gradients of a chain.
#[derive(Debug)]
pub struct Gradients<B: Backend> {
    /// With respect to the input; `None` when it was not asked for.
    pub input: Option<FloatTensor<B>>,
    /// With respect to the parameter vector.
    pub parameters: FloatTensor<B>,
}

/// Own kernels of a backend. A backend without them answers `None` and gets the composition.
pub trait ChainKernels: Backend {
    /// Whether [`ChainKernels::forward`] and [`ChainKernels::backward`] exist.
    const AVAILABLE: bool = false;

    /// Training forward pass. Only called when [`ChainKernels::AVAILABLE`].
    fn forward(
        _input: &FloatTensor<Self>,
        _parameters: &FloatTensor<Self>,
        _spec: &ChainSpec,
    ) -> Forward<Self> {
        unreachable!("this backend has no kernels")
    }

    /// Backward pass, with the input's gradient if `wants_input`. Only called when [`ChainKernels::AVAILABLE`].
    fn backward(
        _saved: Saved<Self>,
        _gradient: FloatTensor<Self>,
        _spec: &ChainSpec,
        _wants_input: bool,
    ) -> Gradients<Self> {
        unreachable!("this backend has no kernels")
    }
}

/// The operations. The default bodies are the composition of burn's own operations, which any backend can run and
/// which is differentiable on an autodiff backend.
#[backend_extension(Flex, Cube: cfg(feature = "vulkan"), Autodiff)]
pub trait ChainOps: Backend + ChainKernels {
    /// Training mode; see [`crate::chain`]. Returns the output and the statistics vector.
    fn chain(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        spec: ChainSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composition::chain::<Self>(input, parameters, &spec)
    }

    /// Evaluation mode; see [`crate::evaluate`].
    fn evaluate_chain(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        statistics: FloatTensor<Self>,
        spec: ChainSpec,
    ) -> FloatTensor<Self> {
        composition::evaluate::<Self>(input, parameters, statistics, &spec)
    }
}

impl ChainKernels for burn::backend::Dispatch {}

#[cfg(feature = "vulkan")]
mod cube {
    use burn::backend::Cube;
    impl super::ChainKernels for Cube {}
    impl super::ChainOps for Cube {}
}
