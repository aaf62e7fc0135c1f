//! The operations that a backend implements.

use burn::backend::Backend;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::{FloatTensor, IntTensor};

use crate::generic;
use crate::operands::{
    Keep, LinearCrossEntropyTrace, LinearGradients, LinearNeeds, LinearParameters,
    ProjectionConstants, SequenceConstants, SequenceGradients, SequenceTrace,
};
use crate::recurrence::Recurrence;

/// The operations of the engine on primitives, each beside its way back. The provided methods are
/// the generic body in backend operations; a backend with a kernel of its own overrides them.
///
/// # Shapes
///
/// - projected: `[seq_length, batch_size, n_gates · d_hidden]`, both lengths at least 1
/// - the rest as documented on [`SequenceConstants`], [`SequenceTrace`] and [`SequenceGradients`]
pub(crate) trait SequenceKernels: Backend {
    /// `(x_t ∘ z_x) W + b` for all steps: `[seq_length, batch_size, n_gates · d_hidden]`.
    fn projection(
        input: FloatTensor<Self>,
        constants: &ProjectionConstants<Self>,
    ) -> FloatTensor<Self> {
        generic::projection::<Self>(input, constants)
    }

    /// The gradients of [`projection`](Self::projection).
    fn projection_backward(
        gradient: FloatTensor<Self>,
        input: FloatTensor<Self>,
        constants: &ProjectionConstants<Self>,
        needs: LinearNeeds,
    ) -> LinearGradients<Self> {
        generic::projection_backward::<Self>(&gradient, input, constants, needs)
    }

    /// `Σ x²`, `[1]`.
    fn squared_norm(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        generic::squared_norm::<Self>(tensor)
    }

    /// `a - scale · b`.
    fn subtract_scaled(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f64,
    ) -> FloatTensor<Self> {
        generic::subtract_scaled::<Self>(a, b, scale)
    }

    /// Rows of `weights`, `[n_types, width]`, by `tokens`: `[batch_size, seq_length, width]`.
    fn embedding(weights: &FloatTensor<Self>, tokens: &IntTensor<Self>) -> FloatTensor<Self> {
        <Self as ModuleOps<Self>>::embedding(weights.clone(), tokens.clone())
    }

    /// The gradient of `weights`, given that of the rows.
    fn embedding_backward(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        tokens: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        <Self as ModuleOps<Self>>::embedding_backward(weights, gradient, tokens)
    }

    /// `-log softmax(x_n W + b)[target_n]` of every row `n` of `[rows, d_input]`, as `[rows]`, and
    /// what the backward pass needs of the logits. Rows whose target is `ignore_index` have loss 0.
    fn linear_cross_entropy(
        input: FloatTensor<Self>,
        parameters: &LinearParameters<Self>,
        targets: &IntTensor<Self>,
        ignore_index: Option<i64>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        generic::linear_cross_entropy::<Self>(input, parameters, targets, ignore_index)
    }

    /// The gradients of [`linear_cross_entropy`](Self::linear_cross_entropy), given that of each
    /// row's loss. Rows that are ignored give none, whatever they hold and are given.
    fn linear_cross_entropy_backward(
        gradient: FloatTensor<Self>,
        trace: LinearCrossEntropyTrace<Self>,
        parameters: &LinearParameters<Self>,
        needs: LinearNeeds,
    ) -> LinearGradients<Self> {
        generic::linear_cross_entropy_backward::<Self>(gradient, trace, parameters, needs)
    }

    /// The outputs `h_1 … h_T` in the packed result of an LSTM.
    fn outputs(packed: &FloatTensor<Self>) -> FloatTensor<Self> {
        generic::outputs::<Self>(packed)
    }

    /// The gradient of the packed result, given that of the [`outputs`](Self::outputs): the same,
    /// and zeros for `c_T`.
    fn outputs_backward(gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        generic::outputs_backward::<Self>(gradient)
    }

    /// The packed result, when no gradient will be asked for.
    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: SequenceConstants<Self>,
    ) -> FloatTensor<Self> {
        generic::sequence::<Self>(recurrence, projected, &constants, Keep::Result).packed
    }

    /// The packed result and what the backward pass needs.
    fn sequence_trace(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: &SequenceConstants<Self>,
    ) -> SequenceTrace<Self> {
        generic::sequence::<Self>(recurrence, projected, constants, Keep::Trace)
    }

    /// The gradients, given that of the packed result. That of the recurrent weights, which is a
    /// matrix product, only if it is needed.
    fn sequence_backward(
        recurrence: Recurrence,
        gradient: FloatTensor<Self>,
        trace: SequenceTrace<Self>,
        constants: SequenceConstants<Self>,
        needs_recurrent: bool,
    ) -> SequenceGradients<Self> {
        generic::sequence_backward::<Self>(recurrence, gradient, trace, &constants, needs_recurrent)
    }
}
