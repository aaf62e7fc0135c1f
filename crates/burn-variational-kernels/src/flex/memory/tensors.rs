//! Tensors of the backend as slices of elements.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};

use crate::flex::numbers::Real;
use crate::operands::{Masks, Optional, SequenceConstants};

/// A float tensor of the backend.
pub(crate) type FlexTensor = FloatTensor<Flex>;

/// A contiguous tensor from its storage's start, which a kernel may overwrite if nobody else
/// holds it; it copies itself otherwise.
pub(crate) fn owned(tensor: FlexTensor) -> FlexTensor {
    let len = tensor.shape().num_elements() * tensor.dtype().size();
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.bytes().len() == len
    {
        tensor
    } else {
        FlexTensor::from_data(tensor.into_data())
    }
}

/// All constants contiguous.
pub(crate) fn contiguous(constants: &SequenceConstants<Flex>) -> SequenceConstants<Flex> {
    SequenceConstants {
        recurrent: constants.recurrent.to_contiguous(),
        hidden: constants.hidden.to_contiguous(),
        cell: contiguous_optional(&constants.cell),
        candidate_bias: contiguous_optional(&constants.candidate_bias),
        masks: contiguous_masks(&constants.masks),
        unit_masks: constants.unit_masks.clone().map(|mask| mask.to_contiguous()),
    }
}

pub(crate) fn contiguous_optional(tensor: &Optional<Flex>) -> Optional<Flex> {
    match tensor {
        Optional::Absent => Optional::Absent,
        Optional::Present(tensor) => Optional::Present(tensor.to_contiguous()),
    }
}

pub(crate) fn contiguous_masks(masks: &Masks<Flex>) -> Masks<Flex> {
    masks.clone().map(|masks| masks.to_contiguous())
}

/// The elements of a contiguous tensor that may be absent.
pub(crate) fn elements<T: Real>(tensor: &Optional<Flex>) -> Option<&[T]> {
    match tensor {
        Optional::Absent => None,
        Optional::Present(tensor) => Some(T::elements(tensor)),
    }
}

/// Whole numbers, all of them under `end`.
///
/// # Panics
///
/// If one is not, saying what they are.
pub(crate) fn indices(what: &str, tensor: &IntTensor<Flex>, end: usize) -> Vec<usize> {
    integers(tensor).into_iter().map(|value| index(what, value, end)).collect()
}

/// The elements of a tensor of integers, whatever their type.
pub(crate) fn integers(tensor: &IntTensor<Flex>) -> Vec<i64> {
    tensor.clone().into_data().iter::<i64>().collect()
}

/// A whole number under `end`.
///
/// # Panics
///
/// If it is not, saying what it is.
pub(crate) fn index(what: &str, value: i64, end: usize) -> usize {
    let index = usize::try_from(value).ok().filter(|&index| index < end);
    index.unwrap_or_else(|| panic!("{what} must be in 0..{end}, got {value}"))
}
