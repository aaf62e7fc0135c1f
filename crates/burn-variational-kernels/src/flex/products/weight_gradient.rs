//! `Σ (x ∘ z)ᵀ δ` over all rows: the gradients of input and recurrent weights.

use std::ops::Range;

use super::masks::{MaskValues, write_masked};
use super::product::Product;
use crate::flex::memory::Scratch;
use crate::flex::numbers::Real;
use crate::flex::sharing::{
    MIN_UNITS, SMALL_DEPTH, Threads, fit_cache, for_each_chunk, is_narrow, least_rows, n_parts,
};
use crate::steps::SequenceSteps;

/// The rows masked at a time, and multiplied to this many columns: enough for a matrix product at
/// full speed, and few enough to stay in the cache. No more than `gemm` sums up at a time in a
/// narrow product, so that its units can be cut anywhere.
fn rows_at_a_time(inputs: &Inputs<'_, impl Real>, columns: usize) -> usize {
    let rows = if is_narrow(columns) { SMALL_DEPTH } else { 1024 };
    let batch_size = inputs.steps.batch_size();
    ((rows / batch_size).max(1) * batch_size).min(inputs.steps.n_rows())
}

/// What entered the weights, a row of `d_in` elements for each row of each step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inputs<'a, T> {
    pub(crate) entered: Entered<'a, T>,
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) steps: &'a SequenceSteps,
    pub(crate) d_in: usize,
}

/// Where the rows that entered lie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entered<'a, T> {
    /// In their order.
    Rows(&'a [T]),
    /// They are the states that the steps walked before left behind.
    States {
        /// `[batch_size, d_in]`.
        initial: &'a [T],
        /// `[n_rows, d_in]`, and perhaps more.
        states: &'a [T],
    },
}

impl<T> Inputs<'_, T> {
    /// Units of row `row` of step `t`.
    fn at(&self, t: usize, row: usize, units: &Range<usize>) -> &[T] {
        let (values, row) = match self.entered {
            Entered::Rows(values) => (values, self.steps.row(t, row)),
            Entered::States { initial, states } => match self.steps.row_before(t, row) {
                None => (initial, row),
                Some(before) => (states, before),
            },
        };
        let start = row * self.d_in;
        &values[start + units.start..start + units.end]
    }
}

/// Gradients of what gates took, in rows of `stride` elements that begin with those of
/// `first_gate`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deltas<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) stride: usize,
    pub(crate) first_gate: usize,
    /// Elements per gate.
    pub(crate) d_hidden: usize,
}

/// Writes the gradient of the weights of neighbouring gates to `output`, `[d_in, width]`, whose
/// columns these gates take from `column` on.
///
/// If the weights fit a core's own cache, every thread takes units of its own. They are shared by
/// all threads otherwise, one product after the other.
pub(crate) fn weight_gradient<T: Real>(
    (output, width, column): (&mut [T], usize, usize),
    inputs: Inputs<'_, T>,
    deltas: Deltas<'_, T>,
    gates: Range<usize>,
) {
    const MAX_UNITS: usize = 128;
    let d_in = inputs.d_in;
    if fit_cache::<T>(output.len()) {
        let columns = inputs.masks.run_len(&gates) * deltas.d_hidden;
        let depth = rows_at_a_time(&inputs, columns);
        let least = least_rows(depth, columns).max(MIN_UNITS);
        let n_parts = n_parts(d_in.div_ceil(MAX_UNITS), d_in / least);
        let start = |part: usize| part * d_in / n_parts;
        rayon::scope(|scope| {
            let mut rest = output;
            for part in 0..n_parts {
                let units = start(part)..start(part + 1);
                let output = rest.split_off_mut(..units.len() * width).expect("room for all units");
                let gates = &gates;
                scope.spawn(move |_| {
                    write_units(
                        (output, width, column),
                        (inputs, units),
                        deltas,
                        gates,
                        Threads::One,
                    );
                });
            }
        });
    } else {
        write_units((output, width, column), (inputs, 0..d_in), deltas, &gates, Threads::All);
    }
}

/// The same for some units of the inputs, to whose rows `output` is cut.
fn write_units<T: Real>(
    (output, width, column): (&mut [T], usize, usize),
    (inputs, units): (Inputs<'_, T>, Range<usize>),
    deltas: Deltas<'_, T>,
    gates: &Range<usize>,
    threads: Threads,
) {
    let Inputs { masks, steps, .. } = inputs;
    let Deltas { stride, first_gate, d_hidden, .. } = deltas;
    let n_rows = steps.n_rows();
    let rows_at_a_time = rows_at_a_time(&inputs, masks.run_len(gates) * d_hidden);
    let mut buffer = Scratch::new(rows_at_a_time * units.len());
    for run in masks.runs(gates.clone()) {
        let mask = masks.of_gate(run.start);
        let column = column + (run.start - gates.start) * d_hidden;
        for first in (0..n_rows).step_by(rows_at_a_time) {
            let rows = rows_at_a_time.min(n_rows - first);
            let entered = &mut buffer[..rows * units.len()];
            for_each_chunk(entered, units.len(), threads, |place, output| {
                let (t, row) = steps.at(first + place);
                let input = inputs.at(t, row, &units);
                let mask = mask.map(|mask| mask.at(steps, (t, row), &units));
                write_masked(output, input, mask);
            });
            let start = first * stride + (run.start - first_gate) * d_hidden;
            let product = Product {
                left: (entered, 1, units.len()),
                right: (&deltas.values[start..], stride, 1),
                dims: [units.len(), rows, run.len() * d_hidden],
            };
            product.write(&mut output[column..], width, first > 0, threads);
        }
    }
}
