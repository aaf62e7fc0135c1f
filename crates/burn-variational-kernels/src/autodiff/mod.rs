//! The operations as nodes of the autodiff graph, each with a backward pass written by hand.

mod embedding;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod factors;
mod linear_cross_entropy;
mod outputs;
mod projection;
mod sequence;
mod side_by_side;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::NodeGuard;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend};

use crate::dispatch::SequenceBackend;
use crate::generic;
use crate::kernels::SequenceKernels;
use crate::operands::{
    LinearGradients, LinearNeeds, LinearParameters, Optional, ProjectionConstants,
    SequenceConstants,
};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

impl<B: SequenceKernels, C: CheckpointStrategy> SequenceBackend for Autodiff<B, C> {
    fn projection(
        input: FloatTensor<Self>,
        constants: ProjectionConstants<Self>,
        steps: SequenceSteps,
    ) -> FloatTensor<Self> {
        projection::projection::<B, C>(input, constants, steps)
    }

    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: SequenceConstants<Self>,
        steps: SequenceSteps,
    ) -> FloatTensor<Self> {
        sequence::sequence::<B, C>(recurrence, projected, constants, steps)
    }

    fn outputs(packed: FloatTensor<Self>, batch_size: usize) -> FloatTensor<Self> {
        outputs::outputs::<B, C>(packed, batch_size)
    }

    fn side_by_side(left: FloatTensor<Self>, right: FloatTensor<Self>) -> FloatTensor<Self> {
        side_by_side::side_by_side::<B, C>(left, right)
    }

    fn squared_norm(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        generic::squared_norm::<Self>(tensor)
    }

    fn subtract_scaled(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f64,
    ) -> FloatTensor<Self> {
        generic::subtract_scaled::<Self>(a, b, scale)
    }

    fn embedding(weights: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
        embedding::embedding::<B, C>(weights, tokens)
    }

    fn linear_cross_entropy(
        input: FloatTensor<Self>,
        parameters: LinearParameters<Self>,
        targets: IntTensor<Self>,
        ignore_index: Option<i64>,
    ) -> FloatTensor<Self> {
        linear_cross_entropy::linear_cross_entropy::<B, C>(input, parameters, targets, ignore_index)
    }
}

/// The parents of a projection or a linear layer that want a gradient: input, weights and bias.
type LinearParents = [Option<NodeId>; 3];

impl LinearNeeds {
    /// The gradients that these parents want.
    fn of([input, weights, bias]: &LinearParents) -> Self {
        Self { input: input.is_some(), weights: weights.is_some(), bias: bias.is_some() }
    }
}

impl<B: Backend> LinearGradients<B> {
    /// Hands the gradients to the parents that want them.
    fn register(self, [input, weights, bias]: LinearParents, grads: &mut Gradients) {
        let Self { input: d_input, weights: d_weights, bias: d_bias } = self;
        for (node, gradient) in [(input, d_input), (weights, d_weights), (bias, d_bias)] {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node, gradient);
            }
        }
    }
}

/// The primitive and the node of a tensor that may be absent. An absent parent still needs a
/// node: that of `other` as a constant, which is there already.
fn optional_parts<B: Backend, C: CheckpointStrategy>(
    tensor: Optional<Autodiff<B, C>>,
    other: &FloatTensor<B>,
) -> (Optional<B>, NodeGuard) {
    if let Some(tensor) = tensor.into_option() {
        let (primitive, node) = tensor.into_parts();
        return (Optional::Present(primitive), node);
    }
    (Optional::Absent, Autodiff::<B, C>::from_inner(other.clone()).node())
}
