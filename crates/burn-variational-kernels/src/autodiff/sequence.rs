//! A whole sequence as one node of the autodiff graph.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::optional_parts;
use crate::kernels::SequenceKernels;
use crate::operands::{SequenceConstants, SequenceNeeds, SequenceTrace};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// The backward pass of a sequence. Its parents: projected inputs, recurrent weights, `h_0`, `c_0`
/// and `b_hn`. Masks are constants and no parents.
#[derive(Debug)]
struct SequenceBackward;

#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    recurrence: Recurrence,
    constants: SequenceConstants<B>,
    steps: SequenceSteps,
    trace: SequenceTrace<B>,
}

impl<B: SequenceKernels> Backward<B, 5> for SequenceBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Saved<B>, 5>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [projected, recurrent, hidden, cell, candidate_bias] = ops.parents;
        let Saved { recurrence, constants, steps, trace } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let needs = SequenceNeeds {
            recurrent: recurrent.is_some(),
            hidden: hidden.is_some(),
            cell: cell.is_some(),
            candidate_bias: candidate_bias.is_some(),
        };
        let found = B::sequence_backward(recurrence, gradient, trace, constants, &steps, needs);
        let parents = [
            (projected, Some(found.projected)),
            (recurrent, found.recurrent),
            (hidden, found.hidden),
            (cell, found.cell),
            (candidate_bias, found.candidate_bias),
        ];
        for (node, gradient) in parents {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

/// Runs a sequence and registers its way back.
pub(super) fn sequence<B: SequenceKernels, C: CheckpointStrategy>(
    recurrence: Recurrence,
    projected: FloatTensor<Autodiff<B, C>>,
    constants: SequenceConstants<Autodiff<B, C>>,
    steps: SequenceSteps,
) -> FloatTensor<Autodiff<B, C>> {
    let (projected, projected_node) = projected.into_parts();
    let (recurrent, recurrent_node) = constants.recurrent.into_parts();
    let (hidden, hidden_node) = constants.hidden.into_parts();
    let (cell, cell_node) = optional_parts(constants.cell, &projected);
    let (candidate_bias, bias_node) = optional_parts(constants.candidate_bias, &projected);
    // Masks are constants: their nodes are let go of.
    let masks = constants.masks.map(FloatTensor::<Autodiff<B, C>>::into_primitive);
    let unit_masks = constants.unit_masks.map(FloatTensor::<Autodiff<B, C>>::into_primitive);
    let constants =
        SequenceConstants { recurrent, hidden, cell, candidate_bias, masks, unit_masks };

    let parents = [projected_node, recurrent_node, hidden_node, cell_node, bias_node];
    match SequenceBackward.prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => {
            let trace = B::sequence_trace(recurrence, projected, &constants, &steps);
            let packed = trace.packed.clone();
            preparation.finish(Saved { recurrence, constants, steps, trace }, packed)
        }
        OpsKind::UnTracked(preparation) => {
            preparation.finish(B::sequence(recurrence, projected, constants, &steps))
        }
    }
}
