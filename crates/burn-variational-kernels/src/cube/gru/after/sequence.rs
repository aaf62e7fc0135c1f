//! All steps in one kernel, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::equations::{self, CandidateBias, CandidateBiasLaunch};
use crate::cube::gru::gates::OfGates;
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

const ALL: Gates = Gates { first: 0, n: GATES, of: GATES };

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
            pass.constants.unit_masks(),
            CandidateBiasLaunch::new(pass.constants.bias()),
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
    masks: &UnitMasks,
    bias: &CandidateBias,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let n_masks = comptime!(entering.n_masks);
    let mut state = Shared::<[f32]>::new_slice(comptime!(n_masks * walk.rows * walk.d_hidden));
    let mut sums = Array::<f32>::new(comptime!(walk.rows * GATES));
    for place in 0..walk.seq_length {
        let units = walk.units(starts, place);
        share_state::<F>(&mut state, &*packed, hidden, constants, entering, walk, &units);
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply::<F>(&mut sums, &state, weights, walk, column, ALL, n_masks);
            #[unroll]
            for r in 0..walk.rows {
                let unit = walk.unit(r, column);
                if unit < units.len {
                    let before = state_before::<F>(&*packed, hidden, &units, 0, unit);
                    let products = OfGates {
                        r: sums[r * GATES + RESET],
                        u: sums[r * GATES + UPDATE],
                        n: sums[r * GATES + CANDIDATE],
                    };
                    equations::forward::<F>(
                        &products, before, gates, packed, inner, constants, bias, masks, &units,
                        unit, keep,
                    );
                }
            }
            column += CUBE_DIM as usize;
        }
        sync_cube();
    }
}

/// The gradients, and those of what the product gave the candidates.
pub(in crate::cube) fn backward(
    pass: &Pass<'_>,
    whole: &Whole<'_>,
    gradient: &CubeTensor,
    packed: &CubeTensor,
    gates: CubeTensor,
    inner: CubeTensor,
) -> (WalkedBack, CubeTensor) {
    let (gates, inner) = (owned(gates), owned(inner));
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
            inner.clone().into_buffer_arg(),
            whole.weights(),
            d_hidden.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            whole.starts(),
            whole.walk(),
            pass.constants.entering(),
            pass.constants.unit_masks(),
            pass.constants.hidden(),
            pass.dtype(),
        );
    }
    (WalkedBack { projected: gates, hidden: Some(d_hidden), cell: None }, inner)
}

#[cube(launch_unchecked)]
fn backward_sequence<F: Float>(
    gradient: &[F],
    packed: &[F],
    gates: &mut [F],
    inner: &mut [F],
    weights: &[F],
    d_hidden: &mut [F],
    constants: &[F],
    starts: &[u32],
    walk: &Walk,
    entering: &Entering,
    masks: &UnitMasks,
    initial: usize,
    #[define(F)] _dtype: ElemType,
) {
    let mut deltas = Shared::<[f32]>::new_slice(comptime!(walk.rows * GATES * walk.d_hidden));
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
                    let (found, past) = equations::backward::<F>(
                        d_h, before, gates, inner, constants, masks, &units, unit,
                    );
                    write::<F>(d_hidden, unit, past);
                    deltas[(r * GATES + RESET) * walk.d_hidden + column] = found.r;
                    deltas[(r * GATES + UPDATE) * walk.d_hidden + column] = found.u;
                    deltas[(r * GATES + CANDIDATE) * walk.d_hidden + column] = found.n;
                }
            }
            column += CUBE_DIM as usize;
        }
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply_back::<F>(&mut sums, &deltas, weights, walk, column, ALL, entering.n_masks);
            hand_back::<F>(&sums, d_hidden, constants, entering, walk, &units, column);
            column += CUBE_DIM as usize;
        }
        sync_cube();
    }
}
