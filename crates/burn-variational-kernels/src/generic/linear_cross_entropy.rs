//! The cross-entropy of a linear layer.

use burn::backend::tensor::{FloatTensor, IndexingUpdateOp, IntTensor};
use burn::backend::{Backend, TensorMetadata};

use crate::operands::{LinearCrossEntropyTrace, LinearGradients, LinearNeeds, LinearParameters};

/// The losses, and `log softmax` for the backward pass.
pub(crate) fn linear_cross_entropy<B: Backend>(
    input: FloatTensor<B>,
    parameters: &LinearParameters<B>,
    targets: &IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (rows, n_classes) = (input.shape()[0], parameters.weights.shape()[1]);
    let mut logits = B::float_matmul(input, parameters.weights.clone());
    if let Some(bias) = parameters.bias.clone().into_option() {
        logits = B::float_add(logits, B::float_reshape(bias, [1, n_classes].into()));
    }
    let log_probabilities = B::log_softmax(logits, 1);
    let indices = B::int_reshape(targets.clone(), [rows, 1].into());
    let of_targets = B::float_gather(1, log_probabilities.clone(), indices);
    (B::float_reshape(B::float_neg(of_targets), [rows].into()), log_probabilities)
}

/// With the gradient of the logits, `(softmax - onehot) ∘ gradient`, those of the linear layer.
pub(crate) fn linear_cross_entropy_backward<B: Backend>(
    gradient: FloatTensor<B>,
    trace: LinearCrossEntropyTrace<B>,
    parameters: &LinearParameters<B>,
    needs: LinearNeeds,
) -> LinearGradients<B> {
    let LinearCrossEntropyTrace { input, kept: log_probabilities, targets } = trace;
    let [rows, n_classes] = log_probabilities.shape().dims();
    let gradient = B::float_reshape(gradient, [rows, 1].into());
    let spread = B::float_mul(B::float_exp(log_probabilities), gradient.clone());
    let indices = B::int_reshape(targets, [rows, 1].into());
    let deltas =
        B::float_scatter(1, spread, indices, B::float_neg(gradient), IndexingUpdateOp::Add);
    LinearGradients {
        input: needs.input.then(|| {
            let transposed = B::float_swap_dims(parameters.weights.clone(), 0, 1);
            B::float_matmul(deltas.clone(), transposed)
        }),
        weights: needs
            .weights
            .then(|| B::float_matmul(B::float_swap_dims(input, 0, 1), deltas.clone())),
        bias: needs.bias.then(|| B::float_reshape(B::float_sum_dim(deltas, 0), [n_classes].into())),
    }
}
