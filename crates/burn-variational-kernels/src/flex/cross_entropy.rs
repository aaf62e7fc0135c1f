//! The cross-entropy of rows of logits on the CPU: the logits become the probabilities, and these
//! the gradient, in place.

use burn::backend::tensor::IntTensor;
use burn::backend::{Flex, TensorMetadata};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::FlexTensor;
use super::activation::exp;
use super::arch::arch;
use super::pool::buffer;
use super::real::Real;
use super::tensors::{indices, owned};

/// The losses, and the probabilities for the backward pass.
pub(super) fn forward<T: Real>(
    logits: FlexTensor,
    targets: &IntTensor<Flex>,
) -> (FlexTensor, FlexTensor) {
    let [rows, width] = logits.shape().dims();
    let targets = indices("cross_entropy: targets", targets, width);
    let mut probabilities = owned(logits);
    let mut losses = buffer([rows], probabilities.dtype());
    let rows = T::elements_mut(&mut probabilities).par_chunks_mut(width);
    let losses_of_rows = T::elements_mut(&mut losses).par_iter_mut();
    rows.zip(losses_of_rows).zip(&targets).for_each(|((row, loss), &target)| {
        let of_target = row[target];
        *loss = arch().dispatch(Normalise(row)) - of_target;
    });
    (losses, probabilities)
}

/// `(softmax - onehot) ∘ gradient`.
pub(super) fn backward<T: Real>(
    gradient: &FlexTensor,
    probabilities: FlexTensor,
    targets: &IntTensor<Flex>,
) -> FlexTensor {
    let [_, width] = probabilities.shape().dims();
    let targets = indices("cross_entropy: targets", targets, width);
    let gradient = gradient.to_contiguous();
    let mut output = owned(probabilities);
    let rows = T::elements_mut(&mut output).par_chunks_mut(width);
    rows.zip(T::elements(&gradient)).zip(&targets).for_each(|((row, &gradient), &target)| {
        for value in &mut *row {
            *value *= gradient;
        }
        row[target] += -gradient;
    });
    output
}

/// `x ← softmax(x)` for one row; gives `log Σ e^x`.
struct Normalise<'a, T>(&'a mut [T]);

/// Sums run in so many lanes, in the same order on every processor.
const LANES: usize = 16;

impl<T: Real> WithSimd for Normalise<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let row = self.0;
        let largest = fold_lanes(row, row[0], |a, b| if b > a { b } else { a });
        for x in &mut *row {
            *x = exp::<S, T>(*x - largest);
        }
        let sum = fold_lanes(row, T::ZERO, |a, b| a + b);
        let scale = T::ONE / sum;
        for x in row {
            *x *= scale;
        }
        largest + sum.ln()
    }
}

/// Folds a row in [`LANES`] lanes, and then the lanes.
#[inline(always)]
fn fold_lanes<T: Real>(row: &[T], start: T, fold: impl Fn(T, T) -> T) -> T {
    let mut lanes = [start; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = fold(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = fold(*lane, x);
    }
    lanes.into_iter().fold(start, fold)
}
