//! What entered the gates in all steps.

use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::gru::before::RESETS;
use super::masks::Entering;
use super::pass::Pass;
use super::pointwise::write;
use super::state::{entering_mask, state_before};
use super::tensors::room;
use super::walk::{AllSteps, Walk};

/// What entered the gates in every row of every step, `[blocks, n_rows, d_hidden]`, in one block for
/// all gates or in one for each: what the gradient of the recurrent weights is a product with. That is
/// `h_{t-1} ∘ z_k`, and for the candidate of a GRU that resets before it what the reset let through.
pub(super) fn entered(
    pass: &Pass<'_>,
    all: &AllSteps<'_>,
    packed: &CubeTensor,
    passed: Option<&CubeTensor>,
) -> CubeTensor {
    let n_masks = pass.constants.n_entering();
    let n_states = if passed.is_some() { RESETS } else { n_masks };
    let n_blocks = n_states + usize::from(passed.is_some());
    let entered = room([n_blocks, pass.steps.n_rows(), pass.d_hidden], packed);
    let (count, dim) = pass.launch(pass.steps.n_rows() * pass.d_hidden);
    // SAFETY: a unit reads the state before its row, in a step or initially, and masks of its row,
    // and writes what is its own.
    unsafe {
        enter::launch_unchecked(
            &packed.client,
            count,
            dim,
            packed.clone().into_buffer_arg(),
            pass.hidden.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            // Something has to be bound where nothing passed.
            passed.unwrap_or(packed).clone().into_buffer_arg(),
            all.starts(),
            entered.clone().into_buffer_arg(),
            all.walk(1),
            pass.constants.entering(),
            n_states,
            passed.is_some(),
            pass.dtype(),
        );
    }
    entered
}

#[cube(launch_unchecked)]
fn enter<F: Float>(
    packed: &[F],
    hidden: &[F],
    constants: &[F],
    passed: &[F],
    starts: &[u32],
    entered: &mut [F],
    walk: &Walk,
    entering: &Entering,
    #[comptime] n_states: usize,
    #[comptime] has_passed: bool,
    #[define(F)] _dtype: ElemType,
) {
    let row = ABSOLUTE_POS / walk.d_hidden;
    if row >= starts[walk.seq_length] as usize {
        terminate!();
    }
    let units = walk.units(starts, walk.place_of(starts, row));
    let unit = ABSOLUTE_POS - units.first_row * walk.d_hidden;
    let h = state_before::<F>(packed, hidden, &units, 0, unit);
    #[unroll]
    for k in 0..n_states {
        let mask = k * comptime!(usize::from(entering.n_masks > 1));
        let z = entering_mask::<F>(constants, entering, mask, &units, unit);
        write::<F>(entered, k * units.of_all_steps + ABSOLUTE_POS, h * z);
    }
    if comptime!(has_passed) {
        entered[n_states * units.of_all_steps + ABSOLUTE_POS] = passed[ABSOLUTE_POS];
    }
}
