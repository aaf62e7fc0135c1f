//! The cross-entropy of rows of logits.

use burn::backend::tensor::{FloatTensor, IndexingUpdateOp, IntTensor};
use burn::backend::{Backend, TensorMetadata};

/// The losses, and `log softmax` for the backward pass.
pub(crate) fn cross_entropy<B: Backend>(
    logits: FloatTensor<B>,
    targets: &IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let rows = logits.shape()[0];
    let log_probabilities = B::log_softmax(logits, 1);
    let indices = B::int_reshape(targets.clone(), [rows, 1].into());
    let of_targets = B::float_gather(1, log_probabilities.clone(), indices);
    (B::float_reshape(B::float_neg(of_targets), [rows].into()), log_probabilities)
}

/// `(softmax - onehot) ∘ gradient`.
pub(crate) fn cross_entropy_backward<B: Backend>(
    gradient: FloatTensor<B>,
    log_probabilities: FloatTensor<B>,
    targets: IntTensor<B>,
) -> FloatTensor<B> {
    let rows = gradient.shape()[0];
    let gradient = B::float_reshape(gradient, [rows, 1].into());
    let spread = B::float_mul(B::float_exp(log_probabilities), gradient.clone());
    let indices = B::int_reshape(targets, [rows, 1].into());
    B::float_scatter(1, spread, indices, B::float_neg(gradient), IndexingUpdateOp::Add)
}
