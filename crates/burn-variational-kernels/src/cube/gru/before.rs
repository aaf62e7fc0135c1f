//! The reset gate before the product: two products and two kernels a step, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{CANDIDATE, GATES, RESET, UPDATE, through_update, update};
use crate::cube::masks::{Entering, Rows, UnitMasks, masked};
use crate::cube::operations::{Gradients, Kept};
use crate::cube::pass::Pass;
use crate::cube::pointwise::{sigmoid, tanh, through_sigmoid};
use crate::cube::products::Products;
use crate::cube::state::{arriving, hand_on, past, state_before, unmasked};
use crate::cube::step::{Step, Units};
use crate::cube::tensors::owned;
use crate::operands::{Keep, Optional};

/// The gates that read the state as it is: the reset and the update.
const RESETS: usize = 2;

pub(in crate::cube) fn forward(
    pass: &Pass<'_>,
    [resets, candidates]: [&Products; 2],
    projected: CubeTensor,
    keep: Keep,
) -> Kept<CubeBackend> {
    let (n_rows, batch_size) = (pass.steps.n_rows(), pass.steps.batch_size());
    let gates = owned(projected);
    let packed = pass.rows(n_rows, pass.d_hidden);
    let inner = (keep == Keep::Trace).then(|| pass.rows(n_rows, pass.d_hidden));
    let (state, product) = (pass.state(), resets.room(batch_size));
    let (passed, candidate) = (candidates.room(batch_size), candidates.room(batch_size));
    for step in Step::walk(pass.steps) {
        pass.begin(&step, &state);
        let (count, dim) = pass.launch(step.n * pass.d_hidden);
        resets.run(&state, &product, step.n);
        // SAFETY: a unit reads and writes what is its own in rows of the step and of the batch,
        // which the tensors have, and masks of the steps that it is given.
        unsafe {
            reset_step::launch_unchecked(
                &state.client,
                count.clone(),
                dim,
                gates.clone().into_buffer_arg(),
                product.clone().into_buffer_arg(),
                state.clone().into_buffer_arg(),
                passed.clone().into_buffer_arg(),
                // Something has to be bound where nothing is kept.
                inner.as_ref().unwrap_or(&candidate).clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.entering_candidate(),
                resets.is_apart(),
                keep == Keep::Trace,
                pass.dtype(),
            );
        }
        candidates.run(&passed, &candidate, step.n);
        // SAFETY: as above.
        unsafe {
            candidate_step::launch_unchecked(
                &state.client,
                count,
                dim,
                gates.clone().into_buffer_arg(),
                candidate.clone().into_buffer_arg(),
                packed.clone().into_buffer_arg(),
                state.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.unit_masks(),
                pass.dtype(),
            );
        }
    }
    let gates = (keep == Keep::Trace).then_some(gates);
    Kept { packed, gates: Optional::from(gates), inner: Optional::from(inner) }
}

/// The reset and the update gate, and what the reset lets through to the candidate.
#[cube(launch_unchecked)]
fn reset_step<F: Float>(
    gates: &mut [F],
    product: &[F],
    state: &[F],
    passed: &mut [F],
    inner: &mut [F],
    constants: &[F],
    units: &Units,
    entering: &Entering,
    entering_candidate: ComptimeOption<Rows>,
    #[comptime] apart: bool,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let at_r = units.gate(unit, RESET, GATES);
    let at_u = units.gate(unit, UPDATE, GATES);
    let r = sigmoid::<F>(gates[at_r] + product[units.gate_of_step(unit, RESET, RESETS, apart)]);
    let u = sigmoid::<F>(gates[at_u] + product[units.gate_of_step(unit, UPDATE, RESETS, apart)]);
    let before = state[unmasked(entering, units, unit)];
    let through = masked::<F>(r * before, constants, entering_candidate, units, unit);
    gates[at_r] = r;
    gates[at_u] = u;
    passed[unit] = through;
    if comptime!(keep) {
        inner[units.place(unit)] = through;
    }
}

#[cube(launch_unchecked)]
fn candidate_step<F: Float>(
    gates: &mut [F],
    product: &[F],
    packed: &mut [F],
    state: &mut [F],
    constants: &[F],
    units: &Units,
    entering: &Entering,
    masks: &UnitMasks,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let u = gates[units.gate(unit, UPDATE, GATES)];
    let n = tanh::<F>(gates[at_n] + product[unit]);
    let before = state[unmasked(entering, units, unit)];
    let h = update::<F>(u, n, before, constants, masks, units, unit);
    gates[at_n] = n;
    packed[units.place(unit)] = h;
    hand_on::<F>(state, h, constants, entering, units, unit);
}

pub(in crate::cube) fn backward(
    pass: &Pass<'_>,
    [resets, candidates]: [&Products; 2],
    gradient: &CubeTensor,
    packed: &CubeTensor,
    gates: CubeTensor,
) -> Gradients<CubeBackend> {
    let batch_size = pass.steps.batch_size();
    // Gradients take the place of the gates.
    let gates = owned(gates);
    let d_hidden = pass.rows(batch_size, pass.d_hidden);
    let (back, deltas) = (pass.back(), resets.room(batch_size));
    let (of_candidates, d_passed) = (candidates.room(batch_size), candidates.room(batch_size));
    for step in Step::walk(pass.steps).rev() {
        let (count, dim) = pass.launch(step.n * pass.d_hidden);
        // SAFETY: as in `forward`.
        unsafe {
            candidate_step_back::launch_unchecked(
                &back.client,
                count.clone(),
                dim,
                gradient.clone().into_buffer_arg(),
                packed.clone().into_buffer_arg(),
                gates.clone().into_buffer_arg(),
                back.clone().into_buffer_arg(),
                of_candidates.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.unit_masks(),
                pass.constants.hidden(),
                pass.dtype(),
            );
        }
        candidates.run_back(&of_candidates, &d_passed, step.n);
        // SAFETY: as in `forward`.
        unsafe {
            reset_step_back::launch_unchecked(
                &back.client,
                count,
                dim,
                d_passed.clone().into_buffer_arg(),
                packed.clone().into_buffer_arg(),
                gates.clone().into_buffer_arg(),
                back.clone().into_buffer_arg(),
                deltas.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.entering_candidate(),
                pass.constants.hidden(),
                resets.is_apart(),
                pass.dtype(),
            );
        }
        resets.run_back(&deltas, &back, step.n);
        pass.end(&step, &back, &d_hidden);
    }
    Gradients {
        projected: gates,
        recurrent: Optional::Absent,
        hidden: d_hidden,
        cell: Optional::Absent,
        candidate_bias: Optional::Absent,
    }
}

#[cube(launch_unchecked)]
fn candidate_step_back<F: Float>(
    gradient: &[F],
    packed: &[F],
    gates: &mut [F],
    back: &mut [F],
    of_candidates: &mut [F],
    constants: &[F],
    units: &Units,
    entering: &Entering,
    masks: &UnitMasks,
    initial: usize,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let at_u = units.gate(unit, UPDATE, GATES);
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let d_h = arriving::<F>(gradient, &*back, constants, entering, units, unit);
    let before = state_before::<F>(packed, constants, units, initial, unit);
    let found =
        through_update::<F>(d_h, gates[at_u], gates[at_n], before, constants, masks, units, unit);
    back[past(entering, units, unit)] = found.past;
    gates[at_u] = found.d_u;
    gates[at_n] = found.d_n;
    of_candidates[unit] = found.d_n;
}

/// From the gradient of what the reset let through.
#[cube(launch_unchecked)]
fn reset_step_back<F: Float>(
    d_passed: &[F],
    packed: &[F],
    gates: &mut [F],
    back: &mut [F],
    deltas: &mut [F],
    constants: &[F],
    units: &Units,
    entering: &Entering,
    entering_candidate: ComptimeOption<Rows>,
    initial: usize,
    #[comptime] apart: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let at_r = units.gate(unit, RESET, GATES);
    let r = gates[at_r];
    let before = state_before::<F>(packed, constants, units, initial, unit);
    let through = masked::<F>(d_passed[unit], constants, entering_candidate, units, unit);
    let d_r = through_sigmoid::<F>(through * before, r);
    back[past(entering, units, unit)] += through * r;
    gates[at_r] = d_r;
    deltas[units.gate_of_step(unit, RESET, RESETS, apart)] = d_r;
    deltas[units.gate_of_step(unit, UPDATE, RESETS, apart)] =
        gates[units.gate(unit, UPDATE, GATES)];
}
