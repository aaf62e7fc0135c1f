//! A whole sequence as one node of the autodiff graph.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients as GradientStore;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Autodiff, Backend, TensorMetadata};

use crate::Recurrence;
use crate::operation::{
    Constants, Masks, Needs, Optional, SequenceBackend, SequenceKernels, Trace,
};

/// The backward pass of a sequence. Its parents: projected inputs, recurrent weights, `h_0`, `c_0`
/// and `b_hn`. Masks are constants and no parents.
#[derive(Debug)]
struct SequenceBackward;

#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    recurrence: Recurrence,
    constants: Constants<B>,
    trace: Trace<B>,
}

impl<B: SequenceKernels> Backward<B, 5> for SequenceBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Saved<B>, 5>,
        grads: &mut GradientStore,
        _checkpointer: &mut Checkpointer,
    ) {
        let [projected, recurrent, hidden, cell, candidate_bias] = ops.parents;
        let Saved { recurrence, constants, trace } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let needs = Needs {
            recurrent: recurrent.is_some(),
            state: hidden.is_some() || cell.is_some(),
        };
        let found = B::backward(recurrence, gradient, trace, constants, needs);
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

impl<B: SequenceKernels, C: CheckpointStrategy> SequenceBackend for Autodiff<B, C> {
    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: Constants<Self>,
    ) -> FloatTensor<Self> {
        let device = projected.device();
        let dtype = projected.dtype().into();
        // An absent parent still needs a node: that of a constant.
        let split = |tensor: Optional<Self>| -> (Optional<B>, NodeGuard) {
            match tensor.into_option() {
                Some(tensor) => {
                    let (primitive, node) = tensor.into_parts();
                    (Optional::Present(primitive), node)
                }
                None => {
                    let constant = Self::float_zeros([1].into(), &device, dtype);
                    (Optional::Absent, constant.node())
                }
            }
        };
        let (projected, projected_node) = projected.into_parts();
        let (recurrent, recurrent_node) = constants.recurrent.into_parts();
        let (hidden, hidden_node) = constants.hidden.into_parts();
        let (cell, cell_node) = split(constants.cell);
        let (candidate_bias, candidate_bias_node) = split(constants.candidate_bias);
        let masks = match constants.masks {
            Masks::Identity => Masks::Identity,
            Masks::Tied(mask) => Masks::Tied(mask.into_primitive()),
            Masks::Untied(masks) => Masks::Untied(masks.into_primitive()),
        };
        let cell_mask = constants.cell_mask.into_option().map(|mask| mask.into_primitive());
        let constants =
            Constants { recurrent, hidden, cell, candidate_bias, masks, cell_mask: cell_mask.into() };

        let parents =
            [projected_node, recurrent_node, hidden_node, cell_node, candidate_bias_node];
        match SequenceBackward.prepare::<C>(parents).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => {
                let trace = B::forward_trace(recurrence, projected, &constants);
                let packed = trace.packed.clone();
                preparation.finish(Saved { recurrence, constants, trace }, packed)
            }
            OpsKind::UnTracked(preparation) => {
                preparation.finish(B::forward(recurrence, projected, constants))
            }
        }
    }
}
