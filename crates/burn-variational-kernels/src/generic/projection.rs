//! The projection of all inputs.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::weights::{MaskedWeights, Rows};
use crate::operands::{LinearGradients, LinearNeeds, ProjectionConstants};
use crate::steps::SequenceSteps;

pub(crate) fn projection<B: Backend>(
    input: FloatTensor<B>,
    constants: &ProjectionConstants<B>,
    steps: &SequenceSteps,
) -> FloatTensor<B> {
    let width = constants.weights.shape()[1];
    let weights = MaskedWeights::<B>::input(constants, steps);
    let output = weights.product(weights.mask(input, Rows::OfAllSteps));
    match constants.bias.clone().into_option() {
        Some(bias) => B::float_add(output, B::float_reshape(bias, [1, width].into())),
        None => output,
    }
}

pub(crate) fn projection_backward<B: Backend>(
    gradient: &FloatTensor<B>,
    input: FloatTensor<B>,
    constants: &ProjectionConstants<B>,
    steps: &SequenceSteps,
    needs: LinearNeeds,
) -> LinearGradients<B> {
    let width = constants.weights.shape()[1];
    let weights = MaskedWeights::<B>::input(constants, steps);
    let (all, deltas) = (Rows::OfAllSteps, || gradient.clone());
    LinearGradients {
        input: needs.input.then(|| weights.pull_back(deltas(), all)),
        weights: needs.weights.then(|| weights.weight_gradient(weights.mask(input, all), deltas())),
        bias: needs.bias.then(|| B::float_reshape(B::float_sum_dim(deltas(), 0), [width].into())),
    }
}
