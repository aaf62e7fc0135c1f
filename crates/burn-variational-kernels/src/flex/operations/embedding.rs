//! The gradient of an embedding on the CPU.

use burn::backend::tensor::IntTensor;
use burn::backend::{Flex, TensorMetadata};
use rayon::prelude::*;

use crate::flex::memory::{FlexTensor, buffer, indices};
use crate::flex::numbers::Real;

/// Adds up the gradients of the rows of each type, in the order of the tokens.
pub(crate) fn embedding_backward<T: Real>(
    weights: &FlexTensor,
    gradient: &FlexTensor,
    tokens: &IntTensor<Flex>,
) -> FlexTensor {
    let [n_types, width] = weights.shape().dims();
    let gradient = gradient.to_contiguous();
    let mut output = buffer([n_types, width], gradient.dtype());
    let rows = T::elements_mut(&mut output);
    rows.par_chunks_mut(1 << 15).for_each(|chunk| chunk.fill(T::ZERO));
    let tokens = indices("embedding: tokens", tokens, n_types);
    for (token, gradient) in tokens.into_iter().zip(T::elements(&gradient).chunks_exact(width)) {
        for (sum, &part) in rows[token * width..][..width].iter_mut().zip(gradient) {
            *sum += part;
        }
    }
    output
}
