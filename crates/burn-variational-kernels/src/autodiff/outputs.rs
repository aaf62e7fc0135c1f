//! The outputs of a packed result as a node of its own: cutting them out as any slice would clear
//! and copy more memory backward than the sequence itself writes.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use crate::kernels::SequenceKernels;

#[derive(Debug)]
struct OutputsBackward;

impl<B: SequenceKernels> Backward<B, 1> for OutputsBackward {
    type State = usize;

    fn backward(self, ops: Ops<usize, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let [packed] = ops.parents;
        let gradient = grads.consume::<B>(&ops.node);
        if let Some(packed) = packed {
            grads.register::<B>(packed.id, B::outputs_backward(gradient, ops.state));
        }
    }
}

/// `h_t` of all steps, without the last cell of every row behind them.
pub(super) fn outputs<B: SequenceKernels, C: CheckpointStrategy>(
    packed: FloatTensor<Autodiff<B, C>>,
    batch_size: usize,
) -> FloatTensor<Autodiff<B, C>> {
    let (packed, node) = packed.into_parts();
    let outputs = B::outputs(&packed, batch_size);
    match OutputsBackward.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => preparation.finish(batch_size, outputs),
        OpsKind::UnTracked(preparation) => preparation.finish(outputs),
    }
}
