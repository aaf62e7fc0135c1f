//! Two tensors as the columns of one, and apart again.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};

pub(crate) fn side_by_side<B: Backend>(
    left: FloatTensor<B>,
    right: FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_cat(vec![left, right], 1)
}

pub(crate) fn side_by_side_backward<B: Backend>(
    gradient: FloatTensor<B>,
    width: usize,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let [n_rows, both] = gradient.shape().dims();
    let columns = |range| B::float_slice(gradient.clone(), &[0..n_rows, range].map(Slice::from));
    (columns(0..width), columns(width..both))
}
