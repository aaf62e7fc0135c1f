//! The projection of all inputs, and its gradients.

use burn::backend::{Flex, TensorMetadata};

use crate::flex::memory::{FlexTensor, buffer, contiguous_masks, contiguous_optional, elements};
use crate::flex::numbers::Real;
use crate::flex::products::{
    Deltas, Entered, Inputs, Projection, column_sums, mask_values, weight_gradient,
};
use crate::operands::{LinearGradients, LinearNeeds, ProjectionConstants};
use crate::steps::SequenceSteps;

pub(crate) fn projection<T: Real>(
    input: &FlexTensor,
    constants: &ProjectionConstants<Flex>,
    steps: &SequenceSteps,
) -> FlexTensor {
    let [d_in, width] = constants.weights.shape().dims();
    let (input, weights) = (input.to_contiguous(), constants.weights.to_contiguous());
    let masks = contiguous_masks(&constants.masks);
    let bias = contiguous_optional(&constants.bias);
    let projection = Projection {
        weights: T::elements(&weights),
        masks: mask_values(&masks),
        steps,
        d_in,
        width,
    };
    let mut output = buffer([steps.n_rows(), width], input.dtype());
    projection.forward(T::elements(&input), elements(&bias), T::elements_mut(&mut output));
    output
}

pub(crate) fn projection_backward<T: Real>(
    gradient: &FlexTensor,
    input: &FlexTensor,
    constants: &ProjectionConstants<Flex>,
    steps: &SequenceSteps,
    needs: LinearNeeds,
) -> LinearGradients<Flex> {
    let [d_in, width] = constants.weights.shape().dims();
    let (gradient, input) = (gradient.to_contiguous(), input.to_contiguous());
    let weights = constants.weights.to_contiguous();
    let masks = contiguous_masks(&constants.masks);
    let masks = mask_values::<T>(&masks);
    let deltas = T::elements(&gradient);
    let dtype = input.dtype();
    LinearGradients {
        input: needs.input.then(|| {
            let weights = T::elements(&weights);
            let projection = Projection { weights, masks, steps, d_in, width };
            let mut output = buffer([steps.n_rows(), d_in], dtype);
            projection.backward(deltas, T::elements_mut(&mut output));
            output
        }),
        weights: needs.weights.then(|| {
            let n_gates = masks.n_copies().max(1);
            let mut output = buffer([d_in, width], dtype);
            let entered = Entered::Rows(T::elements(&input));
            let inputs = Inputs { entered, masks, steps, d_in };
            let d_hidden = width / n_gates;
            let deltas = Deltas { values: deltas, stride: width, first_gate: 0, d_hidden };
            let columns = (T::elements_mut(&mut output), width, 0);
            weight_gradient(columns, inputs, deltas, 0..n_gates);
            output
        }),
        bias: needs.bias.then(|| {
            let mut output = buffer([width], dtype);
            column_sums(deltas, T::elements_mut(&mut output));
            output
        }),
    }
}
