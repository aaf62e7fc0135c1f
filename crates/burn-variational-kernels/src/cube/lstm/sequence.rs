//! All steps in one kernel, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::GATES;
use super::equations::{self, OfGates};
use crate::cube::masks::{Entering, UnitMasks};
use crate::cube::operations::Kept;
use crate::cube::pass::{Pass, WalkedBack};
use crate::cube::pointwise::{read, write};
use crate::cube::state::state_before;
use crate::cube::tensors::owned;
use crate::cube::walk::Walk;
use crate::cube::whole::{Gates, Whole, hand_back, multiply, multiply_back, share_state};
use crate::operands::{Keep, Optional, SequenceNeeds};

const ALL: Gates = Gates { first: 0, n: GATES, of: GATES };

pub(in crate::cube) fn forward(
    pass: &Pass<'_>,
    whole: &Whole<'_>,
    projected: CubeTensor,
    initial_cell: CubeTensor,
    keep: Keep,
) -> Kept<CubeBackend> {
    let (gates, packed) = (owned(projected), pass.with_cells(initial_cell));
    let cells = (keep == Keep::Trace).then(|| pass.rows(pass.steps.n_rows(), pass.d_hidden));
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
            cells.as_ref().unwrap_or(&pass.hidden).clone().into_buffer_arg(),
            pass.hidden.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            whole.starts(),
            whole.walk(),
            pass.constants.entering(),
            pass.constants.unit_masks(),
            keep == Keep::Trace,
            pass.dtype(),
        );
    }
    let gates = (keep == Keep::Trace).then_some(gates);
    Kept { packed, gates: Optional::from(gates), inner: Optional::from(cells) }
}

#[cube(launch_unchecked)]
fn forward_sequence<F: Float>(
    gates: &mut [F],
    weights: &[F],
    packed: &mut [F],
    cells: &mut [F],
    hidden: &[F],
    constants: &[F],
    starts: &[u32],
    walk: &Walk,
    entering: &Entering,
    masks: &UnitMasks,
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
                        i: sums[r * GATES],
                        f: sums[r * GATES + 1],
                        g: sums[r * GATES + 2],
                        o: sums[r * GATES + 3],
                    };
                    equations::forward::<F>(
                        &products, before, gates, packed, cells, constants, masks, &units, unit,
                        keep,
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
    gates: CubeTensor,
    cells: &CubeTensor,
    needs: SequenceNeeds,
) -> WalkedBack {
    let gates = owned(gates);
    // The gradients of the initial state and of the initial cell: the kernel binds no more tensors.
    let d_state = pass.rows(2 * pass.steps.batch_size(), pass.d_hidden);
    // SAFETY: as in `forward`.
    unsafe {
        backward_sequence::launch_unchecked(
            &gates.client,
            whole.count(),
            whole.dim(),
            gradient.clone().into_buffer_arg(),
            gates.clone().into_buffer_arg(),
            cells.clone().into_buffer_arg(),
            whole.weights(),
            d_state.clone().into_buffer_arg(),
            pass.constants.values.clone().into_buffer_arg(),
            whole.starts(),
            whole.walk(),
            pass.constants.entering(),
            pass.constants.unit_masks(),
            pass.dtype(),
        );
    }
    let part = |k| pass.part_of_batch(&d_state, k);
    WalkedBack {
        projected: gates,
        hidden: needs.hidden.then(|| part(0)),
        cell: needs.cell.then(|| part(1)),
    }
}

#[cube(launch_unchecked)]
fn backward_sequence<F: Float>(
    gradient: &[F],
    gates: &mut [F],
    cells: &[F],
    weights: &[F],
    d_state: &mut [F],
    constants: &[F],
    starts: &[u32],
    walk: &Walk,
    entering: &Entering,
    masks: &UnitMasks,
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
                        d_h += read::<F>(&*d_state, unit);
                    }
                    let (found, past) = equations::backward::<F>(
                        d_h,
                        gradient,
                        gates,
                        cells,
                        d_state,
                        constants,
                        masks,
                        &units,
                        unit,
                        units.of_batch + unit,
                    );
                    write::<F>(d_state, unit, past);
                    deltas[(r * GATES) * walk.d_hidden + column] = found.i;
                    deltas[(r * GATES + 1) * walk.d_hidden + column] = found.f;
                    deltas[(r * GATES + 2) * walk.d_hidden + column] = found.g;
                    deltas[(r * GATES + 3) * walk.d_hidden + column] = found.o;
                }
            }
            column += CUBE_DIM as usize;
        }
        sync_cube();
        let mut column = UNIT_POS as usize;
        while column < walk.d_hidden {
            multiply_back::<F>(&mut sums, &deltas, weights, walk, column, ALL, entering.n_masks);
            hand_back::<F>(&sums, d_state, constants, entering, walk, &units, column);
            column += CUBE_DIM as usize;
        }
        sync_cube();
    }
}
