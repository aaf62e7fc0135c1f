//! Two tensors as the columns of one, and apart again, row by row.

use burn::backend::TensorMetadata;
use rayon::prelude::*;

use crate::flex::memory::{FlexTensor, buffer};
use crate::flex::numbers::Real;

/// The elements that a task copies, about. So few are not worth waking a thread.
const CHUNK: usize = 1 << 15;

pub(crate) fn side_by_side<T: Real>(left: &FlexTensor, right: &FlexTensor) -> FlexTensor {
    let (left, right) = (left.to_contiguous(), right.to_contiguous());
    let [n_rows, width] = left.shape().dims();
    let [_, right_width] = right.shape().dims();
    let mut both = buffer([n_rows, width + right_width], left.dtype());
    let (left, right) = (T::elements(&left), T::elements(&right));
    let rows = rows_of_task(width + right_width);
    let tasks = T::elements_mut(&mut both).par_chunks_mut(rows * (width + right_width));
    let tasks = tasks.zip(left.par_chunks(rows * width)).zip(right.par_chunks(rows * right_width));
    tasks.for_each(|((both, left), right)| {
        let rows = left.chunks_exact(width).zip(right.chunks_exact(right_width));
        for (both, (left, right)) in both.chunks_exact_mut(width + right_width).zip(rows) {
            both[..width].copy_from_slice(left);
            both[width..].copy_from_slice(right);
        }
    });
    both
}

/// The columns before `width`, and those from it on.
pub(crate) fn side_by_side_backward<T: Real>(
    gradient: &FlexTensor,
    width: usize,
) -> (FlexTensor, FlexTensor) {
    let gradient = gradient.to_contiguous();
    let [n_rows, both_widths] = gradient.shape().dims();
    let right_width = both_widths - width;
    let [mut left, mut right] =
        [width, right_width].map(|width| buffer([n_rows, width], gradient.dtype()));
    let rows = rows_of_task(both_widths);
    let tasks = T::elements(&gradient).par_chunks(rows * both_widths);
    let tasks = tasks
        .zip(T::elements_mut(&mut left).par_chunks_mut(rows * width))
        .zip(T::elements_mut(&mut right).par_chunks_mut(rows * right_width));
    tasks.for_each(|((both, left), right)| {
        let rows = left.chunks_exact_mut(width).zip(right.chunks_exact_mut(right_width));
        for (both, (left, right)) in both.chunks_exact(both_widths).zip(rows) {
            left.copy_from_slice(&both[..width]);
            right.copy_from_slice(&both[width..]);
        }
    });
    (left, right)
}

fn rows_of_task(width: usize) -> usize {
    CHUNK.div_ceil(width)
}
