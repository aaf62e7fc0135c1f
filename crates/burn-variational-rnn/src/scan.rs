//! The one recurrence: every layer over every cell runs here.

use std::ops::Range;

use burn::tensor::Tensor;
use burn_variational_kernels::SequenceSteps;

use crate::{LayerMasks, RecurrentCell, RecurrentState, engine};

/// Runs a cell over all steps of its projected input: as one operation where the engine takes it,
/// step by step elsewhere.
///
/// # Shapes
///
/// - projected: `[n_rows, width]`, as the steps lay them
/// - state: of the batch, the longest sequence first
/// - output: `[n_rows, d_hidden]`
pub(crate) fn scan<C: RecurrentCell>(
    cell: &C,
    projected: Tensor<2>,
    state: C::State,
    masks: &LayerMasks,
    steps: &SequenceSteps,
) -> (Tensor<2>, C::State) {
    let (projected, initial) = match engine::run(cell, projected, state, masks, steps) {
        Ok(result) => return result,
        Err(arguments) => arguments,
    };
    let mut by_step = Vec::with_capacity(steps.seq_length());
    unbind_steps(projected, steps, 0..steps.seq_length(), &mut by_step);
    let mut walked = Walked::new(initial);
    let mut outputs: Vec<_> = steps
        .walk()
        .map(|t| {
            let state = walked.enter(steps.n_at(t));
            let state = cell.step(by_step[t].clone(), state, &masks.at_step(t));
            let output = C::output(&state);
            walked.carried = Some(state);
            output
        })
        .collect();
    if steps.is_backwards() {
        outputs.reverse();
    }
    (Tensor::cat(outputs, 0), walked.finish())
}

/// Appends the rows of each of some steps, halving the sequence again and again.
///
/// The gradient of a slice is as large as what it was cut from, so cutting `T` steps straight from
/// the sequence costs `T` times its size backward; halving costs `log T` times.
fn unbind_steps(
    rows: Tensor<2>,
    steps: &SequenceSteps,
    range: Range<usize>,
    by_step: &mut Vec<Tensor<2>>,
) {
    if range.len() == 1 {
        by_step.push(rows);
        return;
    }
    let (n_rows, middle) = (rows.dims()[0], range.start.midpoint(range.end));
    let cut = steps.rows(middle).start - steps.rows(range.start).start;
    unbind_steps(rows.clone().slice_dim(0, 0..cut), steps, range.start..middle, by_step);
    unbind_steps(rows.slice_dim(0, cut..n_rows), steps, middle..range.end, by_step);
}

/// The states of a walk whose rows begin and end at different steps.
struct Walked<S> {
    initial: S,
    /// After the step before.
    carried: Option<S>,
    /// Of rows that have ended, those with the longest sequences last.
    ended: Vec<S>,
}

impl<S: RecurrentState> Walked<S> {
    fn new(initial: S) -> Self {
        Self { initial, carried: None, ended: Vec::new() }
    }

    /// The state that enters a step of the first `n` rows.
    fn enter(&mut self, n: usize) -> S {
        let Some(carried) = self.carried.take() else { return rows(&self.initial, 0..n) };
        let n_carried = n_rows(&carried);
        if n < n_carried {
            self.ended.push(rows(&carried, n..n_carried));
        }
        if n <= n_carried {
            return rows(&carried, 0..n);
        }
        join(vec![carried, rows(&self.initial, n_carried..n)])
    }

    /// The state that each row ends with.
    fn finish(mut self) -> S {
        self.ended.extend(self.carried);
        self.ended.reverse();
        join(self.ended)
    }
}

fn n_rows<S: RecurrentState>(state: &S) -> usize {
    state.tensors().first().map_or(0, |(_, tensor)| tensor.dims()[0])
}

fn rows<S: RecurrentState>(state: &S, rows: Range<usize>) -> S {
    if rows == (0..n_rows(state)) {
        return state.clone();
    }
    state.clone().map(&mut |_, tensor| tensor.slice_dim(0, rows.clone()))
}

/// The rows of states one after the other.
fn join<S: RecurrentState>(mut states: Vec<S>) -> S {
    let first = states.remove(0);
    if states.is_empty() {
        return first;
    }
    let mut others: Vec<_> = states.iter().map(|state| state.tensors().into_iter()).collect();
    first.map(&mut |_, tensor| {
        let others = others.iter_mut().map(|state| state.next().expect("states of one cell").1);
        Tensor::cat(std::iter::once(tensor).chain(others).collect(), 0)
    })
}
