//! The outputs in a packed result.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::steps::{join, rows};

/// `h_t` of all steps, without the last cell of every row behind them.
pub(crate) fn outputs<B: Backend>(packed: &FloatTensor<B>, batch_size: usize) -> FloatTensor<B> {
    rows::<B>(packed, 0..packed.shape()[0] - batch_size)
}

/// The gradient of `h_t` of all steps with zeros after it, for the last cells.
pub(crate) fn outputs_backward<B: Backend>(
    gradient: FloatTensor<B>,
    batch_size: usize,
) -> FloatTensor<B> {
    let shape = [batch_size, gradient.shape()[1]].into();
    let zeros = B::float_zeros(shape, &gradient.device(), gradient.dtype().into());
    join::<B>(vec![gradient, zeros])
}
