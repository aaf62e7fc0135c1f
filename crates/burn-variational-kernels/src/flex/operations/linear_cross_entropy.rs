//! The cross-entropy of a linear layer on the CPU. With the probabilities `p` of a row,
//!
//! ```text
//! q = p - onehot(target)       ∂x = g q Wᵀ       ∂W = Σ (g x)ᵀ q       ∂b = Σ g q
//! ```
//!
//! where `g` is the gradient of the row's loss. It scales the narrow rows: no scaled copy of the
//! wide ones is made, and `q` takes the place of the logits.
//!
//! A row that is ignored has `q = 0`, and zeros are written where `g` or `x` of it would be read:
//! whatever they hold, it is multiplied by nothing.

use burn::backend::tensor::IntTensor;
use burn::backend::{Flex, TensorMetadata};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::flex::memory::{
    FlexTensor, Scratch, buffer, contiguous_optional, elements, index, integers,
};
use crate::flex::numbers::{Real, arch, exp};
use crate::flex::products::{Product, weighted_column_sums};
use crate::flex::sharing::{Threads, for_each_chunk};
use crate::operands::{LinearCrossEntropyTrace, LinearGradients, LinearNeeds, LinearParameters};

/// The losses, and `q` of all rows for the backward pass.
pub(crate) fn linear_cross_entropy<T: Real>(
    input: &FlexTensor,
    parameters: &LinearParameters<Flex>,
    targets: &IntTensor<Flex>,
    ignore_index: Option<i64>,
) -> (FlexTensor, FlexTensor) {
    let [d_in, n_classes] = parameters.weights.shape().dims();
    let targets = classes(targets, n_classes, ignore_index);
    let (input, weights) = (input.to_contiguous(), parameters.weights.to_contiguous());
    let bias = contiguous_optional(&parameters.bias);
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
        *loss = if let Some(target) = target {
            arch().dispatch(Loss { row, bias, target })
        } else {
            row.fill(T::ZERO);
            T::ZERO
        };
    });
    (losses, kept)
}

pub(crate) fn linear_cross_entropy_backward<T: Real>(
    gradient: &FlexTensor,
    trace: &LinearCrossEntropyTrace<Flex>,
    parameters: &LinearParameters<Flex>,
    needs: LinearNeeds,
) -> LinearGradients<Flex> {
    let [rows, n_classes] = trace.kept.shape().dims();
    let [_, d_in] = trace.input.shape().dims();
    let targets = classes(&trace.targets, n_classes, trace.ignore_index);
    let gradient = gradient.to_contiguous();
    let gradients = T::elements(&gradient).iter().zip(targets);
    let factors: Vec<Option<T>> = gradients.map(|(&g, target)| target.map(|_| g)).collect();
    let kept = T::elements(&trace.kept);
    let dtype = trace.kept.dtype();
    LinearGradients {
        input: needs.input.then(|| {
            let weights = parameters.weights.to_contiguous();
            let product = Product {
                left: (kept, n_classes, 1),
                right: (T::elements(&weights), 1, n_classes),
                dims: [rows, n_classes, d_in],
            };
            let mut output = buffer([rows, d_in], dtype);
            let values = T::elements_mut(&mut output);
            product.write(values, d_in, false, Threads::All);
            for_each_chunk(values, d_in, Threads::All, |n, row| scale(row, factors[n]));
            output
        }),
        weights: needs.weights.then(|| {
            let input = trace.input.to_contiguous();
            let input = T::elements(&input);
            let mut scaled = Scratch::new(rows * d_in);
            for_each_chunk(&mut scaled, d_in, Threads::All, |n, row| {
                row.copy_from_slice(&input[n * d_in..][..d_in]);
                scale(row, factors[n]);
            });
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
            let factor = |row: usize| factors[row].unwrap_or(T::ZERO);
            weighted_column_sums(kept, factor, T::elements_mut(&mut output));
            output
        }),
    }
}

/// The class of each row, and none of rows that are ignored.
fn classes(
    targets: &IntTensor<Flex>,
    n_classes: usize,
    ignore_index: Option<i64>,
) -> Vec<Option<usize>> {
    let class = |target| index("linear_cross_entropy: targets", target, n_classes);
    let counts = |target| Some(target) != ignore_index;
    integers(targets).into_iter().map(|target| counts(target).then(|| class(target))).collect()
}

/// Scales a row, or clears one that is ignored.
fn scale<T: Real>(row: &mut [T], factor: Option<T>) {
    match factor {
        Some(factor) => row.iter_mut().for_each(|value| *value *= factor),
        None => row.fill(T::ZERO),
    }
}

/// `x ← softmax(x + b) - onehot(target)` for one row; gives its loss.
struct Loss<'a, T> {
    row: &'a mut [T],
    bias: Option<&'a [T]>,
    target: usize,
}

/// Sums run in so many lanes, in the same order on every processor.
const LANES: usize = 16;

impl<T: Real> WithSimd for Loss<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let Self { row, bias, target } = self;
        if let Some(bias) = bias {
            for (x, &b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
        let of_target = row[target];
        let largest = fold_lanes(row, row[0], |a, b| if b > a { b } else { a });
        for x in &mut *row {
            *x = exp::<S, T>(*x - largest);
        }
        let sum = fold_lanes(row, T::ZERO, |a, b| a + b);
        let scale = T::ONE / sum;
        for x in &mut *row {
            *x *= scale;
        }
        row[target] += -T::ONE;
        // Large logits that differ little: their difference is exact, the logarithm is small.
        sum.ln() + (largest - of_target)
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
