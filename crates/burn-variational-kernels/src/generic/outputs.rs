//! The outputs in a packed result.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::steps::steps;

/// `h_1 … h_T` of `h_1 … h_T, c_T`.
pub(crate) fn outputs<B: Backend>(packed: &FloatTensor<B>) -> FloatTensor<B> {
    steps::<B>(packed, 0..packed.shape()[0] - 1)
}

/// The gradient of `h_1 … h_T` with zeros after it, for `c_T`.
pub(crate) fn outputs_backward<B: Backend>(gradient: FloatTensor<B>) -> FloatTensor<B> {
    let [_, batch_size, width] = gradient.shape().dims();
    let zeros =
        B::float_zeros([1, batch_size, width].into(), &gradient.device(), gradient.dtype().into());
    B::float_cat(vec![gradient, zeros], 0)
}
