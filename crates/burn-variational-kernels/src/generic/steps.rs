//! Cutting and joining steps and gates. Sequences are rows, `[n_rows, width]`, step after step.

use std::ops::Range;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};

use crate::steps::SequenceSteps;

/// Some rows of `[rows, width]`.
pub(super) fn rows<B: Backend>(tensor: &FloatTensor<B>, range: Range<usize>) -> FloatTensor<B> {
    let [n_rows, width] = tensor.shape().dims();
    if range == (0..n_rows) {
        return tensor.clone();
    }
    B::float_slice(tensor.clone(), &[range, 0..width].map(Slice::from))
}

/// The rows of step `t`.
pub(super) fn step<B: Backend>(
    sequence: &FloatTensor<B>,
    steps: &SequenceSteps,
    t: usize,
) -> FloatTensor<B> {
    rows::<B>(sequence, steps.rows(t))
}

/// Joins steps in the order in which they lie.
pub(super) fn join<B: Backend>(mut steps: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    if steps.len() == 1 { steps.remove(0) } else { B::float_cat(steps, 0) }
}

/// Joins steps that came in the order of a walk.
pub(super) fn join_walked<B: Backend>(
    mut walked: Vec<FloatTensor<B>>,
    steps: &SequenceSteps,
) -> FloatTensor<B> {
    if steps.is_backwards() {
        walked.reverse();
    }
    join::<B>(walked)
}

/// Joins steps that came in the order of a walk back over the walk.
pub(super) fn join_walked_back<B: Backend>(
    mut walked: Vec<FloatTensor<B>>,
    steps: &SequenceSteps,
) -> FloatTensor<B> {
    if !steps.is_backwards() {
        walked.reverse();
    }
    join::<B>(walked)
}

/// The first `n` rows of what is carried, and where there are fewer, those of `fresh` after them.
pub(super) fn carried<B: Backend>(
    carried: Option<FloatTensor<B>>,
    fresh: &FloatTensor<B>,
    n: usize,
) -> FloatTensor<B> {
    let Some(carried) = carried else { return rows::<B>(fresh, 0..n) };
    let n_carried = carried.shape()[0];
    if n <= n_carried {
        return rows::<B>(&carried, 0..n);
    }
    join::<B>(vec![carried, rows::<B>(fresh, n_carried..n)])
}

/// What is left over when rows end: the last cells on a walk, the gradients of initial states on
/// the walk back. The rows with the longest sequences end last.
pub(super) struct Ended<B: Backend>(Vec<FloatTensor<B>>);

impl<B: Backend> Ended<B> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes the rows of what is carried that go no further than the first `n`.
    pub(super) fn take(&mut self, carried: Option<&FloatTensor<B>>, n: usize) {
        let Some(carried) = carried else { return };
        let n_carried = carried.shape()[0];
        if n < n_carried {
            self.0.push(rows::<B>(carried, n..n_carried));
        }
    }

    /// All rows of the batch.
    pub(super) fn join(mut self) -> FloatTensor<B> {
        self.0.reverse();
        join::<B>(self.0)
    }
}

/// The gradient of `h_t`: that of the output, and what the later step hands back to the rows that
/// it has. Computed where it is used, the latter shares a launch with what follows.
pub(super) fn arriving<B: Backend>(
    gradient: FloatTensor<B>,
    handed_back: Option<FloatTensor<B>>,
) -> FloatTensor<B> {
    let Some(handed_back) = handed_back else { return gradient };
    let [n, n_back] = [gradient.shape()[0], handed_back.shape()[0]];
    if n_back < n {
        let sum = B::float_add(rows::<B>(&gradient, 0..n_back), handed_back);
        return join::<B>(vec![sum, rows::<B>(&gradient, n_back..n)]);
    }
    B::float_add(gradient, rows::<B>(&handed_back, 0..n))
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
