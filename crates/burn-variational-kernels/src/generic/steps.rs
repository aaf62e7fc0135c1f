//! Cutting and joining steps and gates.

use std::ops::Range;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};

/// Step `t` of `[seq_length, batch_size, width]`, as `[batch_size, width]`.
pub(super) fn step<B: Backend>(sequence: &FloatTensor<B>, t: usize) -> FloatTensor<B> {
    let shape = sequence.shape();
    let slices = [t..t + 1, 0..shape[1], 0..shape[2]].map(Slice::from);
    B::float_reshape(B::float_slice(sequence.clone(), &slices), [shape[1], shape[2]].into())
}

/// Some steps of `[seq_length, batch_size, width]`.
pub(super) fn steps<B: Backend>(sequence: &FloatTensor<B>, range: Range<usize>) -> FloatTensor<B> {
    let shape = sequence.shape();
    B::float_slice(sequence.clone(), &[range, 0..shape[1], 0..shape[2]].map(Slice::from))
}

/// Joins `[batch_size, width]` steps to `[seq_length, batch_size, width]`.
pub(super) fn stack<B: Backend>(steps: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let expand = |step: FloatTensor<B>| {
        let shape = step.shape();
        B::float_reshape(step, [1, shape[0], shape[1]].into())
    };
    B::float_cat(steps.into_iter().map(expand).collect(), 0)
}

/// Joins steps that came from the last to the first.
pub(super) fn stack_reversed<B: Backend>(mut steps: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    steps.reverse();
    stack::<B>(steps)
}

/// The gradient of `h_t`: that of the output, and what the next step hands back. Computed where it
/// is used, the latter shares a launch with what follows.
pub(super) fn arriving<B: Backend>(
    gradient: &FloatTensor<B>,
    t: usize,
    handed_back: impl FnOnce() -> Option<FloatTensor<B>>,
) -> FloatTensor<B> {
    let gradient = step::<B>(gradient, t);
    match handed_back() {
        Some(handed_back) => B::float_add(gradient, handed_back),
        None => gradient,
    }
}

/// Gate `k` of `[batch_size, n_gates · d_hidden]`, as `[batch_size, d_hidden]`.
pub(super) fn gate<B: Backend>(
    gates: &FloatTensor<B>,
    k: usize,
    d_hidden: usize,
) -> FloatTensor<B> {
    let rows = gates.shape()[0];
    let columns = k * d_hidden..(k + 1) * d_hidden;
    B::float_slice(gates.clone(), &[0..rows, columns].map(Slice::from))
}

/// `1 - x`.
pub(super) fn one_minus<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add_scalar(B::float_neg(x), 1.0.into())
}

/// `gradient ∘ y ∘ (1 - y)`, back through `y = σ(a)`.
pub(super) fn through_sigmoid<B: Backend>(
    gradient: FloatTensor<B>,
    y: &FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_mul(gradient, B::float_mul(y.clone(), one_minus::<B>(y.clone())))
}

/// `gradient ∘ (1 - y²)`, back through `y = tanh(a)`.
pub(super) fn through_tanh<B: Backend>(
    gradient: FloatTensor<B>,
    y: &FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_mul(gradient, one_minus::<B>(B::float_mul(y.clone(), y.clone())))
}
