//! `Σ (x ∘ z)ᵀ δ` over all rows: the gradients of input and recurrent weights.

use std::ops::Range;

use super::masks::{MaskValues, masked_steps};
use super::product::Product;
use super::real::Real;

/// The rows masked at a time: enough for a matrix product at full speed, and few enough to stay in
/// the cache.
const ROWS: usize = 1024;

/// What entered the weights: rows of `d_in` elements, in two parts one after the other. For
/// recurrent weights these are `h_0` and `h_1 … h_{T-1}`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs<'a, T> {
    pub(super) parts: [&'a [T]; 2],
    pub(super) masks: MaskValues<'a, T>,
    pub(super) batch_size: usize,
    pub(super) d_in: usize,
}

/// Gradients of what gates took, in rows of `stride` elements that begin with those of
/// `first_gate`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deltas<'a, T> {
    pub(super) values: &'a [T],
    pub(super) stride: usize,
    pub(super) first_gate: usize,
    /// Elements per gate.
    pub(super) d_hidden: usize,
}

/// Adds the gradient of the weights of neighbouring gates to `output`, `[d_in, width]`, whose
/// columns these gates take from `column` on.
pub(super) fn add_weight_gradient<T: Real>(
    (output, width, column): (&mut [T], usize, usize),
    inputs: Inputs<'_, T>,
    deltas: Deltas<'_, T>,
    gates: Range<usize>,
) {
    let Inputs { parts, masks, batch_size, d_in } = inputs;
    let Deltas { stride, first_gate, d_hidden, .. } = deltas;
    let mut add = |rows: &[T], first_row: usize, run: &Range<usize>| {
        let n_rows = rows.len() / d_in;
        let columns = run.len() * d_hidden;
        let start = first_row * stride + (run.start - first_gate) * d_hidden;
        let column = column + (run.start - gates.start) * d_hidden;
        if n_rows > 0 {
            let product = Product {
                left: (rows, 1, d_in),
                right: (&deltas.values[start..], stride, 1),
                dims: [d_in, n_rows, columns],
            };
            product.write(&mut output[column..], width, true);
        }
    };
    if let MaskValues::Identity = masks {
        add(parts[0], 0, &gates);
        add(parts[1], parts[0].len() / d_in, &gates);
        return;
    }
    let step_len = batch_size * d_in;
    let step = |t: usize| {
        let start = t * step_len;
        match start.checked_sub(parts[0].len()) {
            Some(start) => &parts[1][start..start + step_len],
            None => &parts[0][start..start + step_len],
        }
    };
    let n_steps = (parts[0].len() + parts[1].len()) / step_len;
    let steps_at_a_time = (ROWS / batch_size).clamp(1, n_steps);
    let mut buffer = vec![T::ZERO; steps_at_a_time * step_len];
    for run in masks.runs(gates.clone()) {
        let mask = masks.copy(masks.copy_of_gate(run.start));
        for first in (0..n_steps).step_by(steps_at_a_time) {
            let steps = steps_at_a_time.min(n_steps - first);
            let buffer = &mut buffer[..steps * step_len];
            masked_steps(buffer, mask, |t| step(first + t));
            add(buffer, first * batch_size, &run);
        }
    }
}
