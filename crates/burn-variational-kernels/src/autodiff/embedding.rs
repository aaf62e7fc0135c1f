//! The rows of an embedding as one node.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend};

use crate::kernels::SequenceKernels;

#[derive(Debug)]
struct EmbeddingBackward;

#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    weights: FloatTensor<B>,
    tokens: IntTensor<B>,
}

impl<B: SequenceKernels> Backward<B, 1> for EmbeddingBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Saved<B>, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [parent] = ops.parents;
        let gradient = grads.consume::<B>(&ops.node);
        let Saved { weights, tokens } = ops.state;
        if let Some(parent) = parent {
            grads.register::<B>(
                parent.id,
                <B as SequenceKernels>::embedding_backward(weights, gradient, tokens),
            );
        }
    }
}

/// The rows, and the way back.
pub(super) fn embedding<B: SequenceKernels, C: CheckpointStrategy>(
    weights: FloatTensor<Autodiff<B, C>>,
    tokens: IntTensor<B>,
) -> FloatTensor<Autodiff<B, C>> {
    let (weights, node) = weights.into_parts();
    let rows = <B as SequenceKernels>::embedding(&weights, &tokens);
    match EmbeddingBackward.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => preparation.finish(Saved { weights, tokens }, rows),
        OpsKind::UnTracked(preparation) => preparation.finish(rows),
    }
}
