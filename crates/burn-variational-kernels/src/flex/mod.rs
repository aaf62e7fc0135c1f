//! The CPU kernel: `Flex` takes it for `f32` and `f64`, and the generic body for other types.

mod activation;
mod entering;
mod lstm;
mod panels;
mod real;
mod schedule;
mod shared;
mod weight_gradient;

use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, Flex, TensorMetadata};

use self::entering::MaskValues;
use self::real::Real;
use self::weight_gradient::{Deltas, add_weight_gradient};
use crate::operation::{
    Constants, Gradients, Keep, Masks, Needs, Optional, SequenceKernels, Sizes, Trace,
};
use crate::{Recurrence, generic};

type FlexTensor = FloatTensor<Flex>;

impl SequenceKernels for Flex {
    fn forward(
        recurrence: Recurrence,
        projected: FlexTensor,
        constants: Constants<Self>,
    ) -> FlexTensor {
        forward(recurrence, projected, &constants, Keep::Result).packed
    }

    fn forward_trace(
        recurrence: Recurrence,
        projected: FlexTensor,
        constants: &Constants<Self>,
    ) -> Trace<Self> {
        forward(recurrence, projected, constants, Keep::Trace)
    }

    fn backward(
        recurrence: Recurrence,
        gradient: FlexTensor,
        trace: Trace<Self>,
        constants: Constants<Self>,
        needs: Needs,
    ) -> Gradients<Self> {
        match gradient.dtype() {
            DType::F32 => backward::<f32>(recurrence, gradient, trace, constants, needs),
            DType::F64 => backward::<f64>(recurrence, gradient, trace, constants, needs),
            _ => generic::backward(recurrence, gradient, trace, &constants, needs),
        }
    }
}

fn forward(
    recurrence: Recurrence,
    projected: FlexTensor,
    constants: &Constants<Flex>,
    keep: Keep,
) -> Trace<Flex> {
    match projected.dtype() {
        DType::F32 => forward_of::<f32>(recurrence, projected, constants, keep),
        DType::F64 => forward_of::<f64>(recurrence, projected, constants, keep),
        _ => generic::forward(recurrence, projected, constants, keep),
    }
}

fn forward_of<T: Real>(
    recurrence: Recurrence,
    projected: FlexTensor,
    constants: &Constants<Flex>,
    keep: Keep,
) -> Trace<Flex> {
    let sizes = Sizes::new::<Flex>(recurrence, projected.shape()[0], &constants.hidden);
    let constants = contiguous(constants.clone());
    match recurrence {
        Recurrence::Lstm => {
            let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
            let mut gates = owned(projected);
            let kept = if keep == Keep::Trace { seq_length } else { seq_length.min(2) };
            let mut cells = empty(&gates, [kept, batch_size, d_hidden]);
            let mut packed = empty(&gates, [seq_length + 1, batch_size, d_hidden]);
            lstm::forward(
                sizes,
                lstm::Forward {
                    recurrent: T::elements(&constants.recurrent),
                    masks: mask_values::<T>(&constants.masks),
                    cell_mask: elements::<T>(&constants.cell_mask),
                    hidden: T::elements(&constants.hidden),
                    cell: elements::<T>(&constants.cell).expect("an LSTM carries a cell"),
                    gates: T::elements_mut(&mut gates),
                    cells: T::elements_mut(&mut cells),
                    packed: T::elements_mut(&mut packed),
                },
            );
            Trace { packed, gates: Some(gates), inner: Some(cells) }
        }
        _ => generic::forward(recurrence, projected, &constants, keep),
    }
}

fn backward<T: Real>(
    recurrence: Recurrence,
    gradient: FlexTensor,
    trace: Trace<Flex>,
    constants: Constants<Flex>,
    needs: Needs,
) -> Gradients<Flex> {
    let constants = contiguous(constants);
    let gradient = gradient.to_contiguous();
    match recurrence {
        Recurrence::Lstm => {
            let mut gates = owned(trace.gates.expect("a traced LSTM keeps its gates"));
            let cells = trace.inner.expect("a traced LSTM keeps its cells");
            let sizes = Sizes::new::<Flex>(recurrence, gates.shape()[0], &constants.hidden);
            let Sizes { batch_size, d_hidden, n_gates, .. } = sizes;
            let mut d_initial = empty(&gates, [batch_size, d_hidden]);
            let mut d_cell = empty(&gates, [batch_size, d_hidden]);
            let masks = mask_values::<T>(&constants.masks);
            lstm::backward(
                sizes,
                lstm::Backward {
                    recurrent: T::elements(&constants.recurrent),
                    masks,
                    cell_mask: elements::<T>(&constants.cell_mask),
                    cell: elements::<T>(&constants.cell).expect("an LSTM carries a cell"),
                    cells: T::elements(&cells),
                    gradient: T::elements(&gradient),
                    gates: T::elements_mut(&mut gates),
                    d_hidden: T::elements_mut(&mut d_initial),
                    d_cell: T::elements_mut(&mut d_cell),
                },
            );
            let d_recurrent = needs.recurrent.then(|| {
                let mut output = empty(&gates, [d_hidden, n_gates * d_hidden]);
                let deltas = Deltas {
                    values: T::elements(&gates),
                    stride: n_gates * d_hidden,
                    offset: 0,
                };
                add_weight_gradient(
                    T::elements_mut(&mut output),
                    sizes,
                    0..n_gates,
                    (T::elements(&constants.hidden), T::elements(&trace.packed)),
                    &masks,
                    deltas,
                );
                output
            });
            Gradients {
                projected: gates,
                recurrent: d_recurrent,
                hidden: Some(d_initial),
                cell: Some(d_cell),
                candidate_bias: None,
            }
        }
        _ => generic::backward(recurrence, gradient, trace, &constants, needs),
    }
}

/// Zeros of the type of another tensor.
fn empty<const D: usize>(like: &FlexTensor, dims: [usize; D]) -> FlexTensor {
    FlexTensor::zeros(dims.into(), like.dtype())
}

/// A contiguous tensor from its storage's start, which a kernel may overwrite if nobody else
/// holds it; it copies itself otherwise.
fn owned(tensor: FlexTensor) -> FlexTensor {
    let len = tensor.shape().num_elements() * tensor.dtype().size();
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.bytes().len() == len
    {
        tensor
    } else {
        FlexTensor::from_data(tensor.into_data())
    }
}

fn contiguous(constants: Constants<Flex>) -> Constants<Flex> {
    let optional = |tensor: Optional<Flex>| -> Optional<Flex> {
        tensor.into_option().map(|tensor| tensor.to_contiguous()).into()
    };
    Constants {
        recurrent: constants.recurrent.to_contiguous(),
        hidden: constants.hidden.to_contiguous(),
        cell: optional(constants.cell),
        candidate_bias: optional(constants.candidate_bias),
        masks: match constants.masks {
            Masks::Identity => Masks::Identity,
            Masks::Tied(mask) => Masks::Tied(mask.to_contiguous()),
            Masks::Untied(masks) => Masks::Untied(masks.to_contiguous()),
        },
        cell_mask: optional(constants.cell_mask),
    }
}

fn elements<T: Real>(tensor: &Optional<Flex>) -> Option<&[T]> {
    match tensor {
        Optional::Absent => None,
        Optional::Present(tensor) => Some(T::elements(tensor)),
    }
}

fn mask_values<T: Real>(masks: &Masks<Flex>) -> MaskValues<'_, T> {
    match masks {
        Masks::Identity => MaskValues::Identity,
        Masks::Tied(mask) => MaskValues::Tied(T::elements(mask)),
        Masks::Untied(masks) => MaskValues::Untied(T::elements(masks)),
    }
}
