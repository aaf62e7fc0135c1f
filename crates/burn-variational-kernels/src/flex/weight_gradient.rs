//! `Σ_t (h_{t-1} ∘ z)ᵀ δ_t`: the gradient of the recurrent weights, over all steps at once.

use std::ops::Range;

use rayon::prelude::*;

use super::entering::MaskValues;
use super::real::Real;
use crate::operation::Sizes;

/// The rows of masked states made at a time: enough for a matrix product at full speed, and few
/// enough to stay in the cache.
const ROWS: usize = 1024;

/// A matrix of gradients of what the recurrent products gave: rows of `stride` elements of which
/// those from `offset` on belong to the gates at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deltas<'a, T> {
    pub(super) values: &'a [T],
    pub(super) stride: usize,
    pub(super) offset: usize,
}

/// Adds the gradient of the weights of neighbouring gates to `output`, `[d_hidden, n_gates ·
/// d_hidden]`, given the states `initial` and `states` that entered the steps.
pub(super) fn add_weight_gradient<T: Real>(
    output: &mut [T],
    sizes: Sizes,
    gates: Range<usize>,
    (initial, states): (&[T], &[T]),
    masks: &MaskValues<'_, T>,
    deltas: Deltas<'_, T>,
) {
    let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
    let row_len = batch_size * d_hidden;
    if let MaskValues::Identity = masks {
        let later = Deltas { offset: deltas.offset + batch_size * deltas.stride, ..deltas };
        add_product(output, sizes, gates.clone(), initial, batch_size, deltas);
        let n_rows = (seq_length - 1) * batch_size;
        add_product(output, sizes, gates, states, n_rows, later);
        return;
    }
    let steps_at_a_time = (ROWS / batch_size).clamp(1, seq_length);
    let mut masked = vec![T::ZERO; steps_at_a_time * row_len];
    for run in masks.runs(gates.clone()) {
        let mask = masks.copy(masks.copy_of_gate(run.start), sizes);
        for first in (0..seq_length).step_by(steps_at_a_time) {
            let steps = steps_at_a_time.min(seq_length - first);
            let masked = &mut masked[..steps * row_len];
            masked.par_chunks_mut(row_len).enumerate().for_each(|(step, masked)| {
                let state = match first + step {
                    0 => initial,
                    t => &states[(t - 1) * row_len..t * row_len],
                };
                for ((masked, &h), &z) in masked.iter_mut().zip(state).zip(mask) {
                    *masked = h * z;
                }
            });
            let skipped = first * batch_size * deltas.stride + (run.start - gates.start) * d_hidden;
            let deltas = Deltas { offset: deltas.offset + skipped, ..deltas };
            add_product(output, sizes, run.clone(), masked, steps * batch_size, deltas);
        }
    }
}

/// Adds `statesᵀ · δ` for so many rows, at the columns of these gates.
pub(super) fn add_product<T: Real>(
    output: &mut [T],
    sizes: Sizes,
    gates: Range<usize>,
    states: &[T],
    n_rows: usize,
    deltas: Deltas<'_, T>,
) {
    let Sizes { d_hidden, n_gates, .. } = sizes;
    let (width, columns) = (n_gates * d_hidden, gates.len() * d_hidden);
    if n_rows == 0 {
        return;
    }
    assert!(
        output.len() == d_hidden * width
            && states.len() >= n_rows * d_hidden
            && deltas.values.len() >= deltas.offset + (n_rows - 1) * deltas.stride + columns
    );
    // SAFETY: the output is `d_hidden × columns` at rows of `width`, the states are read as
    // `d_hidden × n_rows`, the gradients as `n_rows × columns` at rows of `stride`, all within the
    // lengths asserted above; the output is a unique borrow.
    unsafe {
        gemm::gemm(
            d_hidden,
            columns,
            n_rows,
            output.as_mut_ptr().add(gates.start * d_hidden),
            1,
            width as isize,
            true,
            states.as_ptr(),
            d_hidden as isize,
            1,
            deltas.values.as_ptr().add(deltas.offset),
            1,
            deltas.stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(0),
        );
    }
}
