//! The CPU kernel: `Flex` takes it for `f32` and `f64`, and the generic body for other types.
//!
//! Each room builds on those before it: `numbers`, `memory`, `sharing`, `products`, `recurrences`,
//! `operations`.

mod memory;
mod numbers;
mod operations;
#[cfg(test)]
mod portable;
mod products;
mod recurrences;
mod sharing;
#[cfg(test)]
mod threads;

use burn::backend::ops::ModuleOps;
use burn::backend::tensor::IntTensor;
use burn::backend::{DType, Flex, TensorMetadata};

use self::memory::FlexTensor;
pub(crate) use self::memory::POOL;
use self::sharing::{in_pool, in_pool_unless_small};
use crate::generic;
use crate::kernels::SequenceKernels;
use crate::operands::{
    Keep, LinearCrossEntropyTrace, LinearGradients, LinearNeeds, LinearParameters,
    ProjectionConstants, SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace,
};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

impl SequenceKernels for Flex {
    fn projection(
        input: FlexTensor,
        constants: &ProjectionConstants<Self>,
        steps: &SequenceSteps,
    ) -> FlexTensor {
        let shape = constants.weights.shape();
        in_pool_unless_small((steps.n_rows(), shape.num_elements()), || match input.dtype() {
            DType::F32 => operations::projection::<f32>(&input, constants, steps),
            DType::F64 => operations::projection::<f64>(&input, constants, steps),
            _ => generic::projection(input, constants, steps),
        })
    }

    fn projection_backward(
        gradient: FlexTensor,
        input: FlexTensor,
        constants: &ProjectionConstants<Self>,
        steps: &SequenceSteps,
        needs: LinearNeeds,
    ) -> LinearGradients<Self> {
        in_pool(|| match input.dtype() {
            DType::F32 => {
                operations::projection_backward::<f32>(&gradient, &input, constants, steps, needs)
            }
            DType::F64 => {
                operations::projection_backward::<f64>(&gradient, &input, constants, steps, needs)
            }
            _ => generic::projection_backward(&gradient, input, constants, steps, needs),
        })
    }

    fn squared_norm(tensor: FlexTensor) -> FlexTensor {
        match tensor.dtype() {
            DType::F32 => operations::squared_norm::<f32>(&tensor),
            DType::F64 => operations::squared_norm::<f64>(&tensor),
            _ => generic::squared_norm::<Self>(tensor),
        }
    }

    fn subtract_scaled(a: FlexTensor, b: FlexTensor, scale: f64) -> FlexTensor {
        match a.dtype() {
            DType::F32 => operations::subtract_scaled::<f32>(&a, b, scale as f32),
            DType::F64 => operations::subtract_scaled::<f64>(&a, b, scale),
            _ => generic::subtract_scaled::<Self>(a, b, scale),
        }
    }

    fn embedding_backward(
        weights: FlexTensor,
        gradient: FlexTensor,
        tokens: IntTensor<Self>,
    ) -> FlexTensor {
        in_pool(|| match gradient.dtype() {
            DType::F32 => operations::embedding_backward::<f32>(&weights, &gradient, &tokens),
            DType::F64 => operations::embedding_backward::<f64>(&weights, &gradient, &tokens),
            _ => <Self as ModuleOps<Self>>::embedding_backward(weights, gradient, tokens),
        })
    }

    fn linear_cross_entropy(
        input: FlexTensor,
        parameters: &LinearParameters<Self>,
        targets: &IntTensor<Self>,
        ignored: Option<i64>,
    ) -> (FlexTensor, FlexTensor) {
        let x = input;
        in_pool(|| match x.dtype() {
            DType::F32 => operations::linear_cross_entropy::<f32>(&x, parameters, targets, ignored),
            DType::F64 => operations::linear_cross_entropy::<f64>(&x, parameters, targets, ignored),
            _ => generic::linear_cross_entropy(x, parameters, targets, ignored),
        })
    }

    fn linear_cross_entropy_backward(
        gradient: FlexTensor,
        trace: LinearCrossEntropyTrace<Self>,
        parameters: &LinearParameters<Self>,
        needs: LinearNeeds,
    ) -> LinearGradients<Self> {
        let g = gradient;
        in_pool(|| match g.dtype() {
            DType::F32 => {
                operations::linear_cross_entropy_backward::<f32>(&g, &trace, parameters, needs)
            }
            DType::F64 => {
                operations::linear_cross_entropy_backward::<f64>(&g, &trace, parameters, needs)
            }
            _ => generic::linear_cross_entropy_backward(g, trace, parameters, needs),
        })
    }

    fn outputs_backward(gradient: FlexTensor, batch_size: usize) -> FlexTensor {
        match gradient.dtype() {
            DType::F32 => operations::outputs_backward::<f32>(&gradient, batch_size),
            DType::F64 => operations::outputs_backward::<f64>(&gradient, batch_size),
            _ => generic::outputs_backward::<Self>(gradient, batch_size),
        }
    }

    fn side_by_side(left: FlexTensor, right: FlexTensor) -> FlexTensor {
        in_pool_unless_small((left.shape()[0], right.shape()[1]), || match left.dtype() {
            DType::F32 => operations::side_by_side::<f32>(&left, &right),
            DType::F64 => operations::side_by_side::<f64>(&left, &right),
            _ => generic::side_by_side::<Self>(left, right),
        })
    }

    fn side_by_side_backward(gradient: FlexTensor, width: usize) -> (FlexTensor, FlexTensor) {
        in_pool(|| match gradient.dtype() {
            DType::F32 => operations::side_by_side_backward::<f32>(&gradient, width),
            DType::F64 => operations::side_by_side_backward::<f64>(&gradient, width),
            _ => generic::side_by_side_backward::<Self>(gradient, width),
        })
    }

    fn sequence(
        recurrence: Recurrence,
        projected: FlexTensor,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> FlexTensor {
        sequence_keeping(recurrence, projected, &constants, steps, Keep::Result).packed
    }

    fn sequence_trace(
        recurrence: Recurrence,
        projected: FlexTensor,
        constants: &SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> SequenceTrace<Self> {
        sequence_keeping(recurrence, projected, constants, steps, Keep::Trace)
    }

    fn sequence_backward(
        recurrence: Recurrence,
        gradient: FlexTensor,
        trace: SequenceTrace<Self>,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
        needs: SequenceNeeds,
    ) -> SequenceGradients<Self> {
        let rec = recurrence;
        in_pool(|| match gradient.dtype() {
            DType::F32 => operations::sequence_backward::<f32>(
                rec, &gradient, trace, &constants, steps, needs,
            ),
            DType::F64 => operations::sequence_backward::<f64>(
                rec, &gradient, trace, &constants, steps, needs,
            ),
            _ => generic::sequence_backward(rec, gradient, trace, &constants, steps, needs),
        })
    }
}

fn sequence_keeping(
    recurrence: Recurrence,
    projected: FlexTensor,
    constants: &SequenceConstants<Flex>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<Flex> {
    let shape = constants.recurrent.shape();
    in_pool_unless_small((steps.n_rows(), shape.num_elements()), || match projected.dtype() {
        DType::F32 => operations::sequence::<f32>(recurrence, projected, constants, steps, keep),
        DType::F64 => operations::sequence::<f64>(recurrence, projected, constants, steps, keep),
        _ => generic::sequence(recurrence, projected, constants, steps, keep),
    })
}
