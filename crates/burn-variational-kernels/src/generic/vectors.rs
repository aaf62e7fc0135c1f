//! What an optimiser does to whole tensors.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

/// `Σ x²`, `[1]`.
pub(crate) fn squared_norm<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sum(B::float_mul(tensor.clone(), tensor))
}

/// `a - scale · b`.
pub(crate) fn subtract_scaled<B: Backend>(
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    scale: f64,
) -> FloatTensor<B> {
    B::float_sub(a, B::float_mul_scalar(b, scale.into()))
}
