//! The projection of all inputs.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::weights::{MaskedWeights, rows};
use crate::operands::{LinearGradients, LinearNeeds, ProjectionConstants};

pub(crate) fn projection<B: Backend>(
    input: FloatTensor<B>,
    constants: &ProjectionConstants<B>,
) -> FloatTensor<B> {
    let [seq_length, batch_size, _] = input.shape().dims();
    let width = constants.weights.shape()[1];
    let weights = MaskedWeights::<B>::input(constants, batch_size);
    let mut output = weights.product(weights.mask(input));
    if let Some(bias) = constants.bias.clone().into_option() {
        output = B::float_add(output, B::float_reshape(bias, [1, width].into()));
    }
    B::float_reshape(output, [seq_length, batch_size, width].into())
}

pub(crate) fn projection_backward<B: Backend>(
    gradient: &FloatTensor<B>,
    input: FloatTensor<B>,
    constants: &ProjectionConstants<B>,
    needs: LinearNeeds,
) -> LinearGradients<B> {
    let [_, batch_size, _] = input.shape().dims();
    let width = constants.weights.shape()[1];
    let weights = MaskedWeights::<B>::input(constants, batch_size);
    let deltas = rows::<B>(gradient.clone());
    LinearGradients {
        input: needs
            .input
            .then(|| B::float_reshape(weights.pull_back(deltas.clone()), input.shape())),
        weights: needs
            .weights
            .then(|| weights.weight_gradient(weights.mask(input), deltas.clone())),
        bias: needs.bias.then(|| B::float_reshape(B::float_sum_dim(deltas, 0), [width].into())),
    }
}
