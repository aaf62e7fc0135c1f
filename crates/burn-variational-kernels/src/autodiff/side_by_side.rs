//! Two tensors side by side as a node of its own: cutting them apart again as any slice would clear
//! and copy more memory than they have.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};

use crate::kernels::SequenceKernels;

#[derive(Debug)]
struct SideBySideBackward;

impl<B: SequenceKernels> Backward<B, 2> for SideBySideBackward {
    /// The width of the left one.
    type State = usize;

    fn backward(self, ops: Ops<usize, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (left, right) = B::side_by_side_backward(gradient, ops.state);
        for (node, gradient) in ops.parents.into_iter().zip([left, right]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

/// Two `[n_rows, width]` as the columns of one.
pub(super) fn side_by_side<B: SequenceKernels, C: CheckpointStrategy>(
    left: FloatTensor<Autodiff<B, C>>,
    right: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    let ((left, left_node), (right, right_node)) = (left.into_parts(), right.into_parts());
    let width = left.shape()[1];
    let both = B::side_by_side(left, right);
    match SideBySideBackward.prepare::<C>([left_node, right_node]).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => preparation.finish(width, both),
        OpsKind::UnTracked(preparation) => preparation.finish(both),
    }
}
