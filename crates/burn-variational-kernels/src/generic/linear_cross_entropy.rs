//! The cross-entropy of a linear layer.

use burn::backend::tensor::{BoolTensor, FloatTensor, IndexingUpdateOp, IntTensor};
use burn::backend::{Backend, TensorMetadata, get_device_settings};

use crate::operands::{LinearCrossEntropyTrace, LinearGradients, LinearNeeds, LinearParameters};

/// The losses, and `log softmax` for the backward pass.
pub(crate) fn linear_cross_entropy<B: Backend>(
    input: FloatTensor<B>,
    parameters: &LinearParameters<B>,
    targets: &IntTensor<B>,
    ignore_index: Option<i64>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (rows, n_classes) = (input.shape()[0], parameters.weights.shape()[1]);
    let ignored = Ignored::<B>::new(targets, ignore_index);
    let mut logits = B::float_matmul(input, parameters.weights.clone());
    if let Some(bias) = parameters.bias.clone().into_option() {
        logits = B::float_add(logits, B::float_reshape(bias, [1, n_classes].into()));
    }
    let log_probabilities = B::log_softmax(logits, 1);
    let classes = ignored.classes(targets.clone());
    let of_targets = B::float_gather(1, log_probabilities.clone(), classes);
    let losses = ignored.clear(B::float_neg(of_targets));
    (B::float_reshape(losses, [rows].into()), log_probabilities)
}

/// With the gradient of the logits, `(softmax - onehot) ∘ gradient`, those of the linear layer.
pub(crate) fn linear_cross_entropy_backward<B: Backend>(
    gradient: FloatTensor<B>,
    trace: LinearCrossEntropyTrace<B>,
    parameters: &LinearParameters<B>,
    needs: LinearNeeds,
) -> LinearGradients<B> {
    let LinearCrossEntropyTrace { input, kept: log_probabilities, targets, ignore_index } = trace;
    let [rows, n_classes] = log_probabilities.shape().dims();
    let ignored = Ignored::<B>::new(&targets, ignore_index);
    let gradient = ignored.clear(B::float_reshape(gradient, [rows, 1].into()));
    let probabilities = B::float_exp(log_probabilities);
    let spread = ignored.clear(B::float_mul(probabilities, gradient.clone()));
    let classes = ignored.classes(targets);
    let deltas =
        B::float_scatter(1, spread, classes, B::float_neg(gradient), IndexingUpdateOp::Add);
    LinearGradients {
        input: needs.input.then(|| {
            let transposed = B::float_swap_dims(parameters.weights.clone(), 0, 1);
            ignored.clear(B::float_matmul(deltas.clone(), transposed))
        }),
        weights: needs.weights.then(|| {
            let input = B::float_swap_dims(ignored.clear(input), 0, 1);
            B::float_matmul(input, deltas.clone())
        }),
        bias: needs.bias.then(|| B::float_reshape(B::float_sum_dim(deltas, 0), [n_classes].into())),
    }
}

/// The rows that are ignored, `[rows, 1]`, if any may be. Zeros are chosen in their place: they may
/// hold what no product with 0 would clear.
struct Ignored<B: Backend>(Option<BoolTensor<B>>);

impl<B: Backend> Ignored<B> {
    fn new(targets: &IntTensor<B>, ignore_index: Option<i64>) -> Self {
        Self(ignore_index.map(|ignored| {
            let dtype = get_device_settings::<B>(&targets.device()).bool_dtype;
            let ignored = B::int_equal_elem(targets.clone(), ignored.into(), dtype);
            B::bool_reshape(ignored, [targets.shape()[0], 1].into())
        }))
    }

    /// The class of each row, `[rows, 1]`: the first one where it is ignored.
    fn classes(&self, targets: IntTensor<B>) -> IntTensor<B> {
        let rows = targets.shape()[0];
        let classes = B::int_reshape(targets, [rows, 1].into());
        match &self.0 {
            Some(ignored) => B::int_mask_fill(classes, ignored.clone(), 0.into()),
            None => classes,
        }
    }

    /// `[rows, width]` with zeros in the rows that are ignored.
    fn clear(&self, values: FloatTensor<B>) -> FloatTensor<B> {
        let Some(ignored) = &self.0 else { return values };
        let ignored = B::bool_expand(ignored.clone(), values.shape());
        B::float_mask_fill(values, ignored, 0.into())
    }
}
