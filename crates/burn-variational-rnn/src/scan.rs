//! The one recurrence: every layer over every cell runs here.

use burn::tensor::Tensor;

use crate::{LayerMasks, RecurrentCell, engine};

/// Runs a cell over all steps of its projected input: as one operation where the engine takes it,
/// step by step elsewhere.
///
/// # Shapes
///
/// - projected: `[seq_length, batch_size, width]`
/// - output: `[seq_length, batch_size, d_hidden]`
pub(crate) fn scan<C: RecurrentCell>(
    cell: &C,
    projected: Tensor<3>,
    state: C::State,
    masks: &LayerMasks,
) -> (Tensor<3>, C::State) {
    let (projected, mut state) = match engine::run(cell, projected, state, masks) {
        Ok(result) => return result,
        Err(arguments) => arguments,
    };
    let mut steps = Vec::with_capacity(projected.dims()[0]);
    unbind_steps(projected, &mut steps);
    let mut outputs = Vec::with_capacity(steps.len());
    for (step, projected) in steps.into_iter().enumerate() {
        state = cell.step(projected, state, &masks.at_step(step));
        outputs.push(C::output(&state));
    }
    (Tensor::stack(outputs, 0), state)
}

/// Appends the steps of a sequence, halving it again and again.
///
/// The gradient of a slice is as large as what it was cut from, so cutting `T` steps straight from
/// the sequence costs `T` times its size backward; halving costs `log T` times.
fn unbind_steps(sequence: Tensor<3>, steps: &mut Vec<Tensor<2>>) {
    match sequence.dims()[0] {
        0 => {}
        1 => steps.push(sequence.squeeze_dim(0)),
        length => {
            let middle = length / 2;
            unbind_steps(sequence.clone().slice_dim(0, 0..middle), steps);
            unbind_steps(sequence.slice_dim(0, middle..length), steps);
        }
    }
}
