//! The cross-entropy of a linear layer on the CPU. With the probabilities `p` of a row,
//!
//! ```text
//! q = p - onehot(target)       ∂x = g q Wᵀ       ∂W = Σ (g x)ᵀ q       ∂b = Σ g q
//! ```
//!
//! where `g` is the gradient of the row's loss: narrow rows are scaled by it and never the wide
//! ones, which take the place of the logits.

use burn::backend::tensor::IntTensor;
use burn::backend::{Flex, TensorMetadata};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::FlexTensor;
use super::activation::exp;
use super::arch::arch;
use super::pool::{Scratch, buffer};
use super::product::Product;
use super::projection::weighted_column_sums;
use super::real::Real;
use super::tensors::{contiguous_optional, elements, indices};
use super::threads::Threads;
use crate::operation::{LossTrace, ProjectionConstants, ProjectionGradients, ProjectionNeeds};

/// The losses, and `q` of all rows for the backward pass.
pub(super) fn forward<T: Real>(
    input: &FlexTensor,
    constants: &ProjectionConstants<Flex>,
    targets: &IntTensor<Flex>,
) -> (FlexTensor, FlexTensor) {
    let [d_in, n_classes] = constants.weights.shape().dims();
    let targets = indices("linear_cross_entropy: targets", targets, n_classes);
    let (input, weights) = (input.to_contiguous(), constants.weights.to_contiguous());
    let bias = contiguous_optional(&constants.bias);
    let bias = elements::<T>(&bias);
    let mut kept = buffer([targets.len(), n_classes], input.dtype());
    let mut losses = buffer([targets.len()], input.dtype());
    let product = Product {
        left: (T::elements(&input), d_in, 1),
        right: (T::elements(&weights), n_classes, 1),
        dims: [targets.len(), d_in, n_classes],
    };
    let logits = T::elements_mut(&mut kept);
    product.write(logits, n_classes, false, Threads::All);
    let rows = logits.par_chunks_mut(n_classes).zip(T::elements_mut(&mut losses));
    rows.zip(&targets).for_each(|((row, loss), &target)| {
        let of_target = bias.map_or(row[target], |bias| row[target] + bias[target]);
        *loss = arch().dispatch(Softmax { row, bias }) - of_target;
        row[target] += -T::ONE;
    });
    (losses, kept)
}

pub(super) fn backward<T: Real>(
    gradient: &FlexTensor,
    trace: &LossTrace<Flex>,
    constants: &ProjectionConstants<Flex>,
    needs: ProjectionNeeds,
) -> ProjectionGradients<Flex> {
    let [rows, n_classes] = trace.kept.shape().dims();
    let [_, d_in] = trace.input.shape().dims();
    let gradient = gradient.to_contiguous();
    let gradient = T::elements(&gradient);
    let kept = T::elements(&trace.kept);
    let dtype = trace.kept.dtype();
    ProjectionGradients {
        input: needs.input.then(|| {
            let weights = constants.weights.to_contiguous();
            let product = Product {
                left: (kept, n_classes, 1),
                right: (T::elements(&weights), 1, n_classes),
                dims: [rows, n_classes, d_in],
            };
            let mut output = buffer([rows, d_in], dtype);
            let values = T::elements_mut(&mut output);
            product.write(values, d_in, false, Threads::All);
            scale_rows(values, gradient);
            output
        }),
        weights: needs.weights.then(|| {
            let input = trace.input.to_contiguous();
            let mut scaled = Scratch::new(rows * d_in);
            scaled.copy_from_slice(T::elements(&input));
            scale_rows(&mut scaled, gradient);
            let product = Product {
                left: (&scaled, 1, d_in),
                right: (kept, n_classes, 1),
                dims: [d_in, rows, n_classes],
            };
            let mut output = buffer([d_in, n_classes], dtype);
            product.write(T::elements_mut(&mut output), n_classes, false, Threads::All);
            output
        }),
        bias: needs.bias.then(|| {
            let mut output = buffer([n_classes], dtype);
            weighted_column_sums(kept, |row| gradient[row], T::elements_mut(&mut output));
            output
        }),
    }
}

fn scale_rows<T: Real>(values: &mut [T], scales: &[T]) {
    let width = values.len() / scales.len();
    for (row, &scale) in values.chunks_exact_mut(width).zip(scales) {
        for value in row {
            *value *= scale;
        }
    }
}

/// `x ← softmax(x + b)` for one row; gives `log Σ e^(x + b)`.
struct Softmax<'a, T> {
    row: &'a mut [T],
    bias: Option<&'a [T]>,
}

/// Sums run in so many lanes, in the same order on every processor.
const LANES: usize = 16;

impl<T: Real> WithSimd for Softmax<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let Self { row, bias } = self;
        if let Some(bias) = bias {
            for (x, &b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
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
