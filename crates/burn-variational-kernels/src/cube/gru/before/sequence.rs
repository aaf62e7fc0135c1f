//! All steps in one kernel, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::RESETS;
use super::equations::{self, EnteringCandidate, EnteringCandidateLaunch};
use crate::cube::gru::{CANDIDATE, GATES, RESET, UPDATE};
use crate::cube::masks::{Entering, UnitMasks};
use crate::cube::operations::Kept;
use crate::cube::pass::{Pass, WalkedBack};
use crate::cube::pointwise::{read, write};
use crate::cube::state::state_before;
use crate::cube::tensors::owned;
use crate::cube::walk::Walk;
use crate::cube::whole::{Gates, Whole, hand_back, multiply, multiply_back, share_state};
use crate::operands::{Keep, Optional};

const OF_RESETS: Gates = Gates { first: 0, n: RESETS, of: GATES };
const OF_CANDIDATE: Gates = Gates { first: CANDIDATE, n: 1, of: GATES };
/// What the reset lets through is masked where it is shared.
const ONE_MASK: usize = 1;

pub(in crate::cube) fn forward(
    pass: &Pass<'_>,
    whole: &Whole<'_>,
    projected: CubeTensor,
    keep: Keep,
) -> Kept<CubeBackend> {
    let n_rows = pass.steps.n_rows();
    let (gates, packed) = (owned(projected), pass.rows(n_rows, pass.d_hidden));
    let inner = (keep == Keep::Trace).then(|| pass.rows(n_rows, pass.d_hidden));
    // SAFETY: a workgroup reads and writes elements of its own rows of the batch and of the steps,
    // which the tensors have, and a unit those of its own columns, but for what the workgroup shares.
    unsafe {
        forward_sequence::launch_unchecked(
            &packed.client,
            whole.count(),
            whole.dim(),
            gates.clone().into_buffer_arg(),
            whole.weights(),
            packed.clone().into_buffer_arg(),
            // Something has to be bound where nothing is kept.
            inner.as_ref().unwrap_or(&pass.hidden).clone().into_buffer_arg(),
            pass.hidden.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            whole.starts(),
            whole.walk(),
            pass.constants.entering(),
            EnteringCandidateLaunch::new(pass.constants.entering_candidate()),
            pass.constants.unit_masks(),
            keep == Keep::Trace,
            pass.dtype(),
        );
    }
    let gates = (keep == Keep::Trace).then_some(gates);
    Kept { packed, gates: Optional::from(gates), inner: Optional::from(inner) }
}

#[cube(launch_unchecked)]
fn forward_sequence<F: Float>(
    gates: &mut [F],
    weights: &[F],
    packed: &mut [F],
    inner: &mut [F],
    hidden: &[F],
    constants: &[F],
    starts: &[u32],
    walk: &Walk,
    entering: &Entering,
    entering_candidate: &EnteringCandidate,
    masks: &UnitMasks,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let n_masks = comptime!(entering.n_masks);
    let mut state = Shared::<[f32]>::new_slice(comptime!(n_masks * walk.rows * walk.d_hidden));
    let mut passed = Shared::<[f32]>::new_slice(comptime!(walk.rows * walk.d_hidden));
    let mut sums = Array::<f32>::new(comptime!(walk.rows * RESETS));
    for place in 0..walk.seq_length {
        let units = walk.units(starts, place);
        share_state::<F>(&mut state, &*packed, hidden, constants, entering, walk, &units);
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply::<F>(&mut sums, &state, weights, walk, column, OF_RESETS, n_masks);
            #[unroll]
            for r in 0..walk.rows {
                let unit = walk.unit(r, column);
                if unit < units.len {
                    let before = state_before::<F>(&*packed, hidden, &units, 0, unit);
                    let through = equations::reset::<F>(
                        sums[r * RESETS + RESET],
                        sums[r * RESETS + UPDATE],
                        before,
                        gates,
                        constants,
                        entering_candidate,
                        &units,
                        unit,
                    );
                    passed[r * walk.d_hidden + column] = through;
                    if comptime!(keep) {
                        write::<F>(inner, units.place(unit), through);
                    }
                }
            }
            column += CUBE_DIM as usize;
        }
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply::<F>(&mut sums, &passed, weights, walk, column, OF_CANDIDATE, ONE_MASK);
            #[unroll]
            for r in 0..walk.rows {
                let unit = walk.unit(r, column);
                if unit < units.len {
                    let before = state_before::<F>(&*packed, hidden, &units, 0, unit);
                    equations::forward::<F>(
                        sums[r], before, gates, packed, constants, masks, &units, unit,
                    );
                }
            }
            column += CUBE_DIM as usize;
        }
        sync_cube();
    }
}

pub(in crate::cube) fn backward(
    pass: &Pass<'_>,
    whole: &Whole<'_>,
    gradient: &CubeTensor,
    packed: &CubeTensor,
    gates: CubeTensor,
) -> WalkedBack {
    let gates = owned(gates);
    let d_hidden = pass.rows(pass.steps.batch_size(), pass.d_hidden);
    // SAFETY: as in `forward`.
    unsafe {
        backward_sequence::launch_unchecked(
            &gates.client,
            whole.count(),
            whole.dim(),
            gradient.clone().into_buffer_arg(),
            packed.clone().into_buffer_arg(),
            gates.clone().into_buffer_arg(),
            whole.weights(),
            d_hidden.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            whole.starts(),
            whole.walk(),
            pass.constants.entering(),
            EnteringCandidateLaunch::new(pass.constants.entering_candidate()),
            pass.constants.unit_masks(),
            pass.constants.hidden(),
            pass.dtype(),
        );
    }
    WalkedBack { projected: gates, hidden: Some(d_hidden), cell: None }
}

#[cube(launch_unchecked)]
fn backward_sequence<F: Float>(
    gradient: &[F],
    packed: &[F],
    gates: &mut [F],
    weights: &[F],
    d_hidden: &mut [F],
    constants: &[F],
    starts: &[u32],
    walk: &Walk,
    entering: &Entering,
    entering_candidate: &EnteringCandidate,
    masks: &UnitMasks,
    initial: usize,
    #[define(F)] _dtype: ElemType,
) {
    let mut of_candidates = Shared::<[f32]>::new_slice(comptime!(walk.rows * walk.d_hidden));
    let mut of_resets = Shared::<[f32]>::new_slice(comptime!(walk.rows * RESETS * walk.d_hidden));
    let mut sums = Array::<f32>::new(comptime!(walk.rows * entering.n_masks));
    for step in 0..walk.seq_length {
        let units = walk.units(starts, walk.seq_length - 1 - step);
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            #[unroll]
            for r in 0..walk.rows {
                let unit = walk.unit(r, column);
                if unit < units.len {
                    let mut d_h = read::<F>(gradient, units.place(unit));
                    if unit < units.after {
                        d_h += read::<F>(&*d_hidden, unit);
                    }
                    let before = state_before::<F>(packed, constants, &units, initial, unit);
                    let found = equations::backward::<F>(
                        d_h, before, gates, constants, masks, &units, unit,
                    );
                    write::<F>(d_hidden, unit, found.past);
                    of_candidates[r * walk.d_hidden + column] = found.d_n;
                }
            }
            column += CUBE_DIM as usize;
        }
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply_back::<F>(
                &mut sums,
                &of_candidates,
                weights,
                walk,
                column,
                OF_CANDIDATE,
                ONE_MASK,
            );
            #[unroll]
            for r in 0..walk.rows {
                let unit = walk.unit(r, column);
                if unit < units.len {
                    let before = state_before::<F>(packed, constants, &units, initial, unit);
                    let (d_r, through) = equations::reset_backward::<F>(
                        sums[r],
                        before,
                        gates,
                        constants,
                        entering_candidate,
                        &units,
                        unit,
                    );
                    let d_h = read::<F>(&*d_hidden, unit) + through;
                    write::<F>(d_hidden, unit, d_h);
                    of_resets[(r * RESETS + RESET) * walk.d_hidden + column] = d_r;
                    of_resets[(r * RESETS + UPDATE) * walk.d_hidden + column] =
                        read::<F>(&*gates, units.gate(unit, UPDATE, GATES));
                }
            }
            column += CUBE_DIM as usize;
        }
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply_back::<F>(
                &mut sums,
                &of_resets,
                weights,
                walk,
                column,
                OF_RESETS,
                entering.n_masks,
            );
            hand_back::<F>(&sums, d_hidden, constants, entering, walk, &units, column);
            column += CUBE_DIM as usize;
        }
        sync_cube();
    }
}
