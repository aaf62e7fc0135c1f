//! Non-linearities that are numbers wherever the number they are given is one.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use crate::tanh::saturation;

/// As [`tanh`](crate::tanh()) of tensors.
pub(super) fn tanh<B: Backend>(a: FloatTensor<B>) -> FloatTensor<B> {
    let end = saturation(a.dtype());
    B::float_tanh(B::float_clamp(a, (-end).into(), end.into()))
}
