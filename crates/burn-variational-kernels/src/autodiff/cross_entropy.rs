//! The cross-entropy of rows of logits as one node.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend};

use crate::operation::SequenceKernels;

#[derive(Debug)]
struct CrossEntropyBackward;

#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    kept: FloatTensor<B>,
    targets: IntTensor<B>,
}

impl<B: SequenceKernels> Backward<B, 1> for CrossEntropyBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Saved<B>, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [logits] = ops.parents;
        let gradient = grads.consume::<B>(&ops.node);
        let Saved { kept, targets } = ops.state;
        if let Some(logits) = logits {
            let gradient = B::cross_entropy_backward(gradient, kept, targets);
            grads.register::<B>(logits.id, gradient);
        }
    }
}

/// The losses of all rows, and the way back.
pub(super) fn cross_entropy<B: SequenceKernels, C: CheckpointStrategy>(
    logits: FloatTensor<Autodiff<B, C>>,
    targets: IntTensor<B>,
) -> FloatTensor<Autodiff<B, C>> {
    let (logits, node) = logits.into_parts();
    let (losses, kept) = B::cross_entropy(logits, &targets);
    match CrossEntropyBackward.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => preparation.finish(Saved { kept, targets }, losses),
        OpsKind::UnTracked(preparation) => preparation.finish(losses),
    }
}
