//! The gradient of a packed result.

use burn::backend::TensorMetadata;
use rayon::prelude::*;

use crate::flex::memory::{FlexTensor, buffer};
use crate::flex::numbers::Real;

/// Given that of its outputs `h_1 … h_T`: the same, and zeros for `c_T`.
pub(crate) fn outputs_backward<T: Real>(gradient: &FlexTensor) -> FlexTensor {
    let [seq_length, batch_size, d_hidden] = gradient.shape().dims();
    let gradient = gradient.to_contiguous();
    let mut output = buffer([seq_length + 1, batch_size, d_hidden], gradient.dtype());
    let step_len = batch_size * d_hidden;
    let steps = T::elements_mut(&mut output).par_chunks_mut(step_len);
    let gradients = T::elements(&gradient).par_chunks(step_len).map(Some).chain([None]);
    steps.zip(gradients).for_each(|(step, gradient)| match gradient {
        Some(gradient) => step.copy_from_slice(gradient),
        None => step.fill(T::ZERO),
    });
    output
}
