//! All steps in one kernel, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::equations;
use crate::cube::masks::{Entering, UnitMasks};
use crate::cube::operations::Kept;
use crate::cube::pass::{Pass, WalkedBack};
use crate::cube::pointwise::{read, write};
use crate::cube::state::state_before;
use crate::cube::tensors::contiguous;
use crate::cube::walk::Walk;
use crate::cube::whole::{Gates, Whole, hand_back, multiply, multiply_back, share_state};
use crate::operands::{Keep, Optional};

const ALL: Gates = Gates { first: 0, n: 1, of: 1 };

pub(in crate::cube) fn forward(
    pass: &Pass<'_>,
    whole: &Whole<'_>,
    projected: CubeTensor,
    keep: Keep,
) -> Kept<CubeBackend> {
    let n_rows = pass.steps.n_rows();
    let (projected, packed) = (contiguous(projected), pass.rows(n_rows, pass.d_hidden));
    // Without zoneout a step's output is what it computed.
    let keep = keep == Keep::Trace && pass.constants.zones_out_hidden();
    let computed = keep.then(|| pass.rows(n_rows, pass.d_hidden));
    // SAFETY: a workgroup reads and writes elements of its own rows of the batch and of the steps,
    // which the tensors have, and a unit those of its own columns, but for what the workgroup shares.
    unsafe {
        forward_sequence::launch_unchecked(
            &packed.client,
            whole.count(),
            whole.dim(),
            projected.into_buffer_arg(),
            whole.weights(),
            packed.clone().into_buffer_arg(),
            // Something has to be bound where nothing is kept.
            computed.as_ref().unwrap_or(&pass.hidden).clone().into_buffer_arg(),
            pass.hidden.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            whole.starts(),
            whole.walk(),
            pass.constants.entering(),
            pass.constants.unit_masks(),
            keep,
            pass.dtype(),
        );
    }
    Kept { packed, gates: Optional::Absent, inner: Optional::from(computed) }
}

#[cube(launch_unchecked)]
fn forward_sequence<F: Float>(
    projected: &[F],
    weights: &[F],
    packed: &mut [F],
    computed: &mut [F],
    hidden: &[F],
    constants: &[F],
    starts: &[u32],
    walk: &Walk,
    entering: &Entering,
    masks: &UnitMasks,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let mut state = Shared::<[f32]>::new_slice(comptime!(walk.rows * walk.d_hidden));
    let mut sums = Array::<f32>::new(comptime!(walk.rows));
    for place in 0..walk.seq_length {
        let units = walk.units(starts, place);
        share_state::<F>(&mut state, &*packed, hidden, constants, entering, walk, &units);
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply::<F>(&mut sums, &state, weights, walk, column, ALL, entering.n_masks);
            #[unroll]
            for r in 0..walk.rows {
                let unit = walk.unit(r, column);
                if unit < units.len {
                    let before = state_before::<F>(&*packed, hidden, &units, 0, unit);
                    equations::forward::<F>(
                        sums[r], before, projected, packed, computed, constants, masks, &units,
                        unit, keep,
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
    computed: CubeTensor,
) -> WalkedBack {
    let d_projected = pass.rows(pass.steps.n_rows(), pass.d_hidden);
    let d_hidden = pass.rows(pass.steps.batch_size(), pass.d_hidden);
    // SAFETY: as in `forward`.
    unsafe {
        backward_sequence::launch_unchecked(
            &d_hidden.client,
            whole.count(),
            whole.dim(),
            gradient.clone().into_buffer_arg(),
            contiguous(computed).into_buffer_arg(),
            d_projected.clone().into_buffer_arg(),
            whole.weights(),
            d_hidden.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            whole.starts(),
            whole.walk(),
            pass.constants.entering(),
            pass.constants.unit_masks(),
            pass.dtype(),
        );
    }
    WalkedBack { projected: d_projected, hidden: Some(d_hidden), cell: None }
}

#[cube(launch_unchecked)]
fn backward_sequence<F: Float>(
    gradient: &[F],
    computed: &[F],
    d_projected: &mut [F],
    weights: &[F],
    d_hidden: &mut [F],
    constants: &[F],
    starts: &[u32],
    walk: &Walk,
    entering: &Entering,
    masks: &UnitMasks,
    #[define(F)] _dtype: ElemType,
) {
    let mut deltas = Shared::<[f32]>::new_slice(comptime!(walk.rows * walk.d_hidden));
    let mut sums = Array::<f32>::new(comptime!(walk.rows));
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
                    let (delta, past) = equations::backward::<F>(
                        d_h,
                        computed,
                        d_projected,
                        constants,
                        masks,
                        &units,
                        unit,
                    );
                    write::<F>(d_hidden, unit, past);
                    deltas[r * walk.d_hidden + column] = delta;
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
