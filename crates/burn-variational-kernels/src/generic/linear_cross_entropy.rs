//! The cross-entropy of a linear layer.

use burn::backend::tensor::{FloatTensor, IndexingUpdateOp, IntTensor};
use burn::backend::{Backend, TensorMetadata};

use super::{project, project_backward};
use crate::operation::{LossTrace, ProjectionConstants, ProjectionGradients, ProjectionNeeds};

/// The losses, and `log softmax` for the backward pass.
pub(crate) fn linear_cross_entropy<B: Backend>(
    input: FloatTensor<B>,
    constants: &ProjectionConstants<B>,
    targets: &IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (rows, n_classes) = (input.shape()[0], constants.weights.shape()[1]);
    let logits = project::<B>(one_step::<B>(input), constants);
    let log_probabilities = B::log_softmax(B::float_reshape(logits, [rows, n_classes].into()), 1);
    let indices = B::int_reshape(targets.clone(), [rows, 1].into());
    let of_targets = B::float_gather(1, log_probabilities.clone(), indices);
    (B::float_reshape(B::float_neg(of_targets), [rows].into()), log_probabilities)
}

/// With the gradient of the logits, `(softmax - onehot) ∘ gradient`, those of the linear layer.
pub(crate) fn linear_cross_entropy_backward<B: Backend>(
    gradient: FloatTensor<B>,
    trace: LossTrace<B>,
    constants: &ProjectionConstants<B>,
    needs: ProjectionNeeds,
) -> ProjectionGradients<B> {
    let LossTrace { input, kept: log_probabilities, targets } = trace;
    let rows = gradient.shape()[0];
    let gradient = B::float_reshape(gradient, [rows, 1].into());
    let spread = B::float_mul(B::float_exp(log_probabilities), gradient.clone());
    let indices = B::int_reshape(targets, [rows, 1].into());
    let deltas =
        B::float_scatter(1, spread, indices, B::float_neg(gradient), IndexingUpdateOp::Add);
    let dims = input.shape();
    let deltas = one_step::<B>(deltas);
    let found = project_backward::<B>(&deltas, one_step::<B>(input), constants, needs);
    let input = found.input.map(|input| B::float_reshape(input, dims));
    ProjectionGradients { input, ..found }
}

/// Rows as a sequence of one step.
fn one_step<B: Backend>(rows: FloatTensor<B>) -> FloatTensor<B> {
    let [n_rows, width] = rows.shape().dims();
    B::float_reshape(rows, [1, n_rows, width].into())
}
