//! The chain under autodiff: one backward step where the backend has kernels, else the composition.

use crate::composition;
use crate::conv::{ChainSpec, ConvKind};
use crate::ops::{ChainKernels, ChainOps, Saved};
use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{Autodiff, AutodiffBackend, Backend, tensor::FloatTensor};

impl<B: ChainOps, C: CheckpointStrategy> ChainKernels for Autodiff<B, C> {}

impl<B: ChainOps, C: CheckpointStrategy> ChainOps for Autodiff<B, C> {
    fn chain(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        spec: ChainSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let image_gradient = spec.layers[0].conv.kind() == ConvKind::Stem && input.is_tracked();
        if !B::AVAILABLE || image_gradient {
            return composition::chain::<Self>(input, parameters, &spec);
        }
        let (input, input_node) = input.into_parts();
        let (parameters, parameters_node) = parameters.into_parts();
        let forward = B::forward(&input, &parameters, &spec);
        let statistics = forward.statistics.clone();
        let prepared = ChainStep.prepare::<C>([input_node, parameters_node]).compute_bound().stateful();
        let output = match prepared {
            OpsKind::Tracked(prepared) => {
                let saved = Saved { input, parameters, statistics: forward.statistics, raw: forward.raw };
                prepared.finish(State { saved, spec }, forward.output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(forward.output),
        };
        (output, <Self as AutodiffBackend>::from_inner(statistics))
    }

    fn evaluate_chain(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        statistics: FloatTensor<Self>,
        spec: ChainSpec,
    ) -> FloatTensor<Self> {
        let (input, parameters) = (input.into_primitive(), parameters.into_primitive());
        let output = B::evaluate_chain(input, parameters, statistics.into_primitive(), spec);
        <Self as AutodiffBackend>::from_inner(output)
    }
}

/// The chain's backward step.
#[derive(Debug)]
struct ChainStep;

#[derive(Debug, Clone)]
struct State<B: Backend> {
    saved: Saved<B>,
    spec: ChainSpec,
}

impl<B: ChainOps> Backward<B, 2> for ChainStep {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [input, parameters] = ops.parents;
        let State { saved, spec } = ops.state;
        let result = B::backward(saved, gradient, &spec, input.is_some());
        if let (Some(node), Some(gradient)) = (input, result.input) {
            grads.register::<B>(node.id, gradient);
        }
        if let Some(node) = parameters {
            grads.register::<B>(node.id, result.parameters);
        }
    }
}
