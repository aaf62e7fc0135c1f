//! The CPU kernel: `Flex` takes it for `f32` and `f64`, and the generic body for other types.

mod activation;
mod backward;
mod entering;
mod forward;
mod gru;
mod lstm;
mod masks;
mod panels;
mod pointwise;
mod pool;
mod product;
mod projection;
mod pull_back;
mod real;
mod rnn;
mod schedule;
mod shared;
mod tensors;
mod weight_gradient;

use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, Flex, TensorMetadata};

use crate::operation::{
    Constants, Gradients, Keep, ProjectionConstants, ProjectionGradients, ProjectionNeeds,
    SequenceKernels, Trace,
};
use crate::{Recurrence, generic};

type FlexTensor = FloatTensor<Flex>;

impl SequenceKernels for Flex {
    fn project(input: FlexTensor, constants: &ProjectionConstants<Self>) -> FlexTensor {
        match input.dtype() {
            DType::F32 => forward::project::<f32>(&input, constants),
            DType::F64 => forward::project::<f64>(&input, constants),
            _ => generic::project(input, constants),
        }
    }

    fn project_backward(
        gradient: FlexTensor,
        input: FlexTensor,
        constants: &ProjectionConstants<Self>,
        needs: ProjectionNeeds,
    ) -> ProjectionGradients<Self> {
        match input.dtype() {
            DType::F32 => backward::project::<f32>(&gradient, &input, constants, needs),
            DType::F64 => backward::project::<f64>(&gradient, &input, constants, needs),
            _ => generic::project_backward(&gradient, input, constants, needs),
        }
    }

    fn forward(
        recurrence: Recurrence,
        projected: FlexTensor,
        constants: Constants<Self>,
    ) -> FlexTensor {
        run(recurrence, projected, &constants, Keep::Result).packed
    }

    fn forward_trace(
        recurrence: Recurrence,
        projected: FlexTensor,
        constants: &Constants<Self>,
    ) -> Trace<Self> {
        run(recurrence, projected, constants, Keep::Trace)
    }

    fn backward(
        recurrence: Recurrence,
        gradient: FlexTensor,
        trace: Trace<Self>,
        constants: Constants<Self>,
        needs_recurrent: bool,
    ) -> Gradients<Self> {
        let backward = match gradient.dtype() {
            DType::F32 => backward::sequence::<f32>,
            DType::F64 => backward::sequence::<f64>,
            _ => {
                return generic::backward(
                    recurrence,
                    gradient,
                    trace,
                    &constants,
                    needs_recurrent,
                );
            }
        };
        backward(recurrence, &gradient, trace, &constants, needs_recurrent)
    }
}

fn run(
    recurrence: Recurrence,
    projected: FlexTensor,
    constants: &Constants<Flex>,
    keep: Keep,
) -> Trace<Flex> {
    match projected.dtype() {
        DType::F32 => forward::sequence::<f32>(recurrence, projected, constants, keep),
        DType::F64 => forward::sequence::<f64>(recurrence, projected, constants, keep),
        _ => generic::forward(recurrence, projected, constants, keep),
    }
}
