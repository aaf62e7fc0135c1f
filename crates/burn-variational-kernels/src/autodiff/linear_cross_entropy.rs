//! The cross-entropy of a linear layer as one node.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend};

use super::optional_parts;
use crate::kernels::SequenceKernels;
use crate::operands::{LinearCrossEntropyTrace, LinearNeeds, LinearParameters};

/// The backward pass of the losses. Its parents: inputs, weights and bias.
#[derive(Debug)]
struct LinearCrossEntropyBackward;

#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    trace: LinearCrossEntropyTrace<B>,
    parameters: LinearParameters<B>,
}

impl<B: SequenceKernels> Backward<B, 3> for LinearCrossEntropyBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Saved<B>, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let Saved { trace, parameters } = ops.state;
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let needs = LinearNeeds::of(&parents);
        let found = B::linear_cross_entropy_backward(gradient, trace, &parameters, needs);
        found.register(parents, grads);
    }
}

/// The losses of all rows, and the way back.
pub(super) fn linear_cross_entropy<B: SequenceKernels, C: CheckpointStrategy>(
    input: FloatTensor<Autodiff<B, C>>,
    parameters: LinearParameters<Autodiff<B, C>>,
    targets: IntTensor<B>,
    ignore_index: Option<i64>,
) -> FloatTensor<Autodiff<B, C>> {
    let (input, input_node) = input.into_parts();
    let (weights, weights_node) = parameters.weights.into_parts();
    let (bias, bias_node) = optional_parts(parameters.bias, &input);
    let parameters = LinearParameters { weights, bias };

    let parents = [input_node, weights_node, bias_node];
    let (losses, kept) =
        B::linear_cross_entropy(input.clone(), &parameters, &targets, ignore_index);
    match LinearCrossEntropyBackward.prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => {
            let trace = LinearCrossEntropyTrace { input, kept, targets, ignore_index };
            preparation.finish(Saved { trace, parameters }, losses)
        }
        OpsKind::UnTracked(preparation) => preparation.finish(losses),
    }
}
