//! Two products and two kernels a step, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::RESETS;
use super::equations::{self, EnteringCandidate, EnteringCandidateLaunch};
use crate::cube::gru::{GATES, RESET, UPDATE};
use crate::cube::masks::{Entering, UnitMasks};
use crate::cube::operations::Kept;
use crate::cube::pass::{Pass, WalkedBack};
use crate::cube::pointwise::{read, write};
use crate::cube::products::Products;
use crate::cube::state::{arriving, hand_on, past, state_before, unmasked};
use crate::cube::step::{Step, Units};
use crate::cube::tensors::owned;
use crate::operands::{Keep, Optional};

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
                EnteringCandidateLaunch::new(pass.constants.entering_candidate()),
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
    entering_candidate: &EnteringCandidate,
    #[comptime] apart: bool,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let product_r = read::<F>(product, units.gate_of_step(unit, RESET, RESETS, apart));
    let product_u = read::<F>(product, units.gate_of_step(unit, UPDATE, RESETS, apart));
    let before = read::<F>(state, unmasked(entering, units, unit));
    let through = equations::reset::<F>(
        product_r,
        product_u,
        before,
        gates,
        constants,
        entering_candidate,
        units,
        unit,
    );
    write::<F>(passed, unit, through);
    if comptime!(keep) {
        write::<F>(inner, units.place(unit), through);
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
    let before = read::<F>(&*state, unmasked(entering, units, unit));
    let product = read::<F>(product, unit);
    let h = equations::forward::<F>(product, before, gates, packed, constants, masks, units, unit);
    hand_on::<F>(state, h, constants, entering, units, unit);
}

pub(in crate::cube) fn backward(
    pass: &Pass<'_>,
    [resets, candidates]: [&Products; 2],
    gradient: &CubeTensor,
    packed: &CubeTensor,
    gates: CubeTensor,
) -> WalkedBack {
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
                EnteringCandidateLaunch::new(pass.constants.entering_candidate()),
                pass.constants.hidden(),
                resets.is_apart(),
                pass.dtype(),
            );
        }
        resets.run_back(&deltas, &back, step.n);
        pass.end(&step, &back, &d_hidden);
    }
    WalkedBack { projected: gates, hidden: Some(d_hidden), cell: None }
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
    let d_h = arriving::<F>(gradient, &*back, constants, entering, units, unit);
    let before = state_before::<F>(packed, constants, units, initial, unit);
    let found = equations::backward::<F>(d_h, before, gates, constants, masks, units, unit);
    write::<F>(back, past(entering, units, unit), found.past);
    write::<F>(of_candidates, unit, found.d_n);
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
    entering_candidate: &EnteringCandidate,
    initial: usize,
    #[comptime] apart: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let before = state_before::<F>(packed, constants, units, initial, unit);
    let (d_r, through) = equations::reset_backward::<F>(
        read::<F>(d_passed, unit),
        before,
        gates,
        constants,
        entering_candidate,
        units,
        unit,
    );
    let at_past = past(entering, units, unit);
    let past = read::<F>(&*back, at_past) + through;
    write::<F>(back, at_past, past);
    write::<F>(deltas, units.gate_of_step(unit, RESET, RESETS, apart), d_r);
    deltas[units.gate_of_step(unit, UPDATE, RESETS, apart)] =
        gates[units.gate(unit, UPDATE, GATES)];
}
