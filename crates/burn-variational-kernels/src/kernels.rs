//! The operations that a backend implements.

use burn::backend::Backend;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::{FloatTensor, IntTensor};

use crate::generic;
use crate::operands::{
    Keep, LinearCrossEntropyTrace, LinearGradients, LinearNeeds, LinearParameters,
    ProjectionConstants, SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace,
};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// The operations of the engine on primitives, each beside its way back. The provided methods are
/// the generic body in backend operations; a backend with a kernel of its own overrides them.
///
/// # Shapes
///
/// - input, projected: rows of all steps as [`SequenceSteps`] lays them, `[n_rows, d_input]` and
///   `[n_rows, n_gates · d_hidden]`
/// - the rest as documented on [`SequenceConstants`], [`SequenceTrace`] and [`SequenceGradients`]
pub(crate) trait SequenceKernels: Backend {
    /// `(x_t ∘ z_x) W + b` for all steps: `[n_rows, n_gates · d_hidden]`.
    fn projection(
        input: FloatTensor<Self>,
        constants: &ProjectionConstants<Self>,
        steps: &SequenceSteps,
    ) -> FloatTensor<Self> {
        generic::projection::<Self>(input, constants, steps)
    }

    /// The gradients of [`projection`](Self::projection).
    fn projection_backward(
        gradient: FloatTensor<Self>,
        input: FloatTensor<Self>,
        constants: &ProjectionConstants<Self>,
        steps: &SequenceSteps,
        needs: LinearNeeds,
    ) -> LinearGradients<Self> {
        generic::projection_backward::<Self>(&gradient, input, constants, steps, needs)
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

    /// The outputs `h_t` of all steps in the packed result of an LSTM.
    fn outputs(packed: &FloatTensor<Self>, batch_size: usize) -> FloatTensor<Self> {
        generic::outputs::<Self>(packed, batch_size)
    }

    /// The gradient of the packed result, given that of the [`outputs`](Self::outputs): the same,
    /// and zeros for the last cells.
    fn outputs_backward(gradient: FloatTensor<Self>, batch_size: usize) -> FloatTensor<Self> {
        generic::outputs_backward::<Self>(gradient, batch_size)
    }

    /// `[n_rows, width]` and another as the columns of one.
    fn side_by_side(left: FloatTensor<Self>, right: FloatTensor<Self>) -> FloatTensor<Self> {
        generic::side_by_side::<Self>(left, right)
    }

    /// The gradients of both, given that of [`side_by_side`](Self::side_by_side): the columns
    /// before `width`, and those from it on.
    fn side_by_side_backward(
        gradient: FloatTensor<Self>,
        width: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        generic::side_by_side_backward::<Self>(gradient, width)
    }

    /// The packed result, when no gradient will be asked for.
    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> FloatTensor<Self> {
        generic::sequence::<Self>(recurrence, projected, &constants, steps, Keep::Result).packed
    }

    /// The packed result and what the backward pass needs.
    fn sequence_trace(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: &SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> SequenceTrace<Self> {
        generic::sequence::<Self>(recurrence, projected, constants, steps, Keep::Trace)
    }

    /// The gradients that are needed, and maybe others, given that of the packed result.
    fn sequence_backward(
        recurrence: Recurrence,
        gradient: FloatTensor<Self>,
        trace: SequenceTrace<Self>,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
        needs: SequenceNeeds,
    ) -> SequenceGradients<Self> {
        generic::sequence_backward::<Self>(recurrence, gradient, trace, &constants, steps, needs)
    }
}
