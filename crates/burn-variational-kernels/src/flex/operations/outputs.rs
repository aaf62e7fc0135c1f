//! The gradient of a packed result.

use burn::backend::TensorMetadata;
use rayon::prelude::*;

use crate::flex::memory::{FlexTensor, buffer};
use crate::flex::numbers::Real;

/// Given that of `h_t` of all steps: the same, and zeros for the last cell of every row.
pub(crate) fn outputs_backward<T: Real>(gradient: &FlexTensor, batch_size: usize) -> FlexTensor {
    let [n_rows, d_hidden] = gradient.shape().dims();
    let gradient = gradient.to_contiguous();
    let mut output = buffer([n_rows + batch_size, d_hidden], gradient.dtype());
    let (states, cells) = T::elements_mut(&mut output).split_at_mut(n_rows * d_hidden);
    let chunk_len = batch_size * d_hidden;
    let chunks = states.par_chunks_mut(chunk_len).zip(T::elements(&gradient).par_chunks(chunk_len));
    chunks.for_each(|(states, gradient)| states.copy_from_slice(gradient));
    cells.fill(T::ZERO);
    output
}
