//! The projection of all inputs as one node.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::optional_parts;
use crate::kernels::SequenceKernels;
use crate::operands::{LinearNeeds, ProjectionConstants};
use crate::steps::SequenceSteps;

/// The backward pass of a projection. Its parents: inputs, weights and bias.
#[derive(Debug)]
struct ProjectionBackward;

#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    input: FloatTensor<B>,
    constants: ProjectionConstants<B>,
    steps: SequenceSteps,
}

impl<B: SequenceKernels> Backward<B, 3> for ProjectionBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Saved<B>, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let Saved { input, constants, steps } = ops.state;
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let needs = LinearNeeds::of(&parents);
        let found = B::projection_backward(gradient, input, &constants, &steps, needs);
        found.register(parents, grads);
    }
}

/// Projects the inputs and registers the way back.
pub(super) fn projection<B: SequenceKernels, C: CheckpointStrategy>(
    input: FloatTensor<Autodiff<B, C>>,
    constants: ProjectionConstants<Autodiff<B, C>>,
    steps: SequenceSteps,
) -> FloatTensor<Autodiff<B, C>> {
    let (input, input_node) = input.into_parts();
    let (weights, weights_node) = constants.weights.into_parts();
    let (bias, bias_node) = optional_parts(constants.bias, &input);
    let masks = constants.masks.map(FloatTensor::<Autodiff<B, C>>::into_primitive);
    let constants = ProjectionConstants { weights, bias, masks };

    let parents = [input_node, weights_node, bias_node];
    let output = B::projection(input.clone(), &constants, &steps);
    match ProjectionBackward.prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => {
            preparation.finish(Saved { input, constants, steps }, output)
        }
        OpsKind::UnTracked(preparation) => preparation.finish(output),
    }
}
