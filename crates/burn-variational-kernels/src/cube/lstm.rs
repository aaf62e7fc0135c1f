//! The long short-term memory: a product and a kernel a step, each way.

use burn::backend::Slice;
use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::operations::{Gradients, Kept};
use super::pass::Pass;
use super::pointwise::{masked, sigmoid, tanh, through_sigmoid, through_tanh, to_old, zoned_out};
use super::products::Products;
use super::state::{hand_on, handed_back, unmasked};
use super::step::{Entering, Step, UnitMasks, Units};
use super::tensors::owned;
use crate::operands::{Keep, Optional};

const GATES: usize = 4;
const INPUT: usize = 0;
const FORGET: usize = 1;
const CANDIDATE: usize = 2;
const OUTPUT: usize = 3;

pub(super) fn forward(
    pass: &Pass<'_>,
    products: &Products,
    projected: CubeTensor,
    initial_cell: CubeTensor,
    keep: Keep,
) -> Kept<CubeBackend> {
    let (n_rows, batch_size) = (pass.steps.n_rows(), pass.steps.batch_size());
    let gates = owned(projected);
    // The cells of the batch follow the outputs: those of the last step, once all is done.
    let packed = pass.rows(n_rows + batch_size, pass.d_hidden);
    let last = [n_rows..n_rows + batch_size, 0..pass.d_hidden].map(Slice::from);
    let packed = CubeBackend::float_slice_assign(packed, &last, initial_cell);
    let cells = (keep == Keep::Trace).then(|| pass.rows(n_rows, pass.d_hidden));
    let (state, product) = (pass.state(), products.room(batch_size));
    for step in Step::walk(pass.steps) {
        pass.begin(&step, &state);
        products.run(&state, &product, step.n);
        let (count, dim) = pass.launch(step.n * pass.d_hidden);
        // SAFETY: a unit reads and writes what is its own in rows of the step and of the batch,
        // which the tensors have, and masks of the steps that it is given.
        unsafe {
            forward_step::launch_unchecked(
                &state.client,
                count,
                dim,
                gates.clone().into_buffer_arg(),
                product.clone().into_buffer_arg(),
                packed.clone().into_buffer_arg(),
                // Something has to be bound where nothing is kept.
                cells.as_ref().unwrap_or(&product).clone().into_buffer_arg(),
                state.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.entering_after(&step),
                pass.unit_masks(&step),
                products.is_apart(),
                keep == Keep::Trace,
                pass.dtype(),
            );
        }
    }
    let gates = (keep == Keep::Trace).then_some(gates);
    Kept { packed, gates: Optional::from(gates), inner: Optional::from(cells) }
}

#[cube(launch_unchecked)]
fn forward_step<F: Float>(
    gates: &mut [F],
    product: &[F],
    packed: &mut [F],
    cells: &mut [F],
    state: &mut [F],
    constants: &[F],
    units: &Units,
    entering_after: &Entering,
    masks: &UnitMasks,
    #[comptime] apart: bool,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let place = units.place(unit);
    let at_i = units.gate(unit, INPUT, GATES);
    let at_f = units.gate(unit, FORGET, GATES);
    let at_g = units.gate(unit, CANDIDATE, GATES);
    let at_o = units.gate(unit, OUTPUT, GATES);
    let i = sigmoid::<F>(gates[at_i] + product[units.gate_of_step(unit, INPUT, GATES, apart)]);
    let f = sigmoid::<F>(gates[at_f] + product[units.gate_of_step(unit, FORGET, GATES, apart)]);
    let g = tanh::<F>(gates[at_g] + product[units.gate_of_step(unit, CANDIDATE, GATES, apart)]);
    let o = sigmoid::<F>(gates[at_o] + product[units.gate_of_step(unit, OUTPUT, GATES, apart)]);

    let at_cell = units.of_all_steps + unit;
    let before = packed[at_cell];
    let read = next_cell::<F>(i, f, g, before, constants, masks, unit);
    let output = masked::<F>(o * tanh::<F>(read), constants, masks.hidden, unit);
    let kept = masked::<F>(before, constants, masks.cell, unit);
    let c = zoned_out::<F>(read, kept, constants, masks.cell_zoneout, unit);
    let h_before = state[unmasked(entering_after, units.of_batch) + unit];
    let h = zoned_out::<F>(output, h_before, constants, masks.hidden_zoneout, unit);

    packed[place] = h;
    packed[at_cell] = c;
    if comptime!(keep) {
        gates[at_i] = i;
        gates[at_f] = f;
        gates[at_g] = g;
        gates[at_o] = o;
        cells[place] = before;
    }
    if unit < units.after {
        hand_on::<F>(state, h, constants, entering_after, units.of_batch, unit);
    }
}

/// `z_c ∘ (f ∘ c_{t-1} + i ∘ z_g ∘ g)`, which the output reads.
#[cube]
fn next_cell<F: Float>(
    i: F,
    f: F,
    g: F,
    before: F,
    constants: &[F],
    masks: &UnitMasks,
    unit: usize,
) -> F {
    let candidate = masked::<F>(g, constants, masks.candidate, unit);
    masked::<F>(f * before + i * candidate, constants, masks.cell, unit)
}

pub(super) fn backward(
    pass: &Pass<'_>,
    products: &Products,
    gradient: &CubeTensor,
    gates: CubeTensor,
    cells: &CubeTensor,
) -> Gradients<CubeBackend> {
    let batch_size = pass.steps.batch_size();
    // The gates' gradients take the place of the gates, and those of cells go from step to step.
    let gates = owned(gates);
    let (d_hidden, d_cell) =
        (pass.rows(batch_size, pass.d_hidden), pass.rows(batch_size, pass.d_hidden));
    let (back, deltas) = (pass.back(), products.room(batch_size));
    for step in Step::walk(pass.steps).rev() {
        let (count, dim) = pass.launch(step.n * pass.d_hidden);
        // SAFETY: as in `forward`.
        unsafe {
            backward_step::launch_unchecked(
                &back.client,
                count,
                dim,
                gradient.clone().into_buffer_arg(),
                gates.clone().into_buffer_arg(),
                cells.clone().into_buffer_arg(),
                back.clone().into_buffer_arg(),
                d_cell.clone().into_buffer_arg(),
                deltas.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.entering_after(&step),
                pass.unit_masks(&step),
                products.is_apart(),
                pass.dtype(),
            );
        }
        products.run_back(&deltas, &back, step.n);
        pass.end(&step, &back, &d_hidden);
    }
    Gradients {
        projected: gates,
        recurrent: Optional::Absent,
        hidden: d_hidden,
        cell: Optional::Present(d_cell),
        candidate_bias: Optional::Absent,
    }
}

#[cube(launch_unchecked)]
fn backward_step<F: Float>(
    gradient: &[F],
    gates: &mut [F],
    cells: &[F],
    back: &mut [F],
    d_cell: &mut [F],
    deltas: &mut [F],
    constants: &[F],
    units: &Units,
    entering_after: &Entering,
    masks: &UnitMasks,
    #[comptime] apart: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let place = units.place(unit);
    let at_i = units.gate(unit, INPUT, GATES);
    let at_f = units.gate(unit, FORGET, GATES);
    let at_g = units.gate(unit, CANDIDATE, GATES);
    let at_o = units.gate(unit, OUTPUT, GATES);
    let i = gates[at_i];
    let f = gates[at_f];
    let g = gates[at_g];
    let o = gates[at_o];
    let before = cells[place];
    let tanh_c = tanh::<F>(next_cell::<F>(i, f, g, before, constants, masks, unit));

    let mut d_h = gradient[place];
    let mut d_c = gradient[units.of_all_steps + unit];
    if unit < units.after {
        d_h += handed_back::<F>(&*back, constants, entering_after, units.of_batch, unit);
        d_c = d_cell[unit];
    }
    back[entering_after.n_masks * units.of_batch + unit] =
        to_old::<F>(d_h, constants, masks.hidden_zoneout, unit);
    let d_h = masked::<F>(d_h, constants, masks.hidden_zoneout, unit);
    let d_h = masked::<F>(d_h, constants, masks.hidden, unit);
    let past = to_old::<F>(d_c, constants, masks.cell_zoneout, unit);
    let past = masked::<F>(past, constants, masks.cell, unit);
    let d_new = masked::<F>(d_c, constants, masks.cell_zoneout, unit);
    let d_new = d_new + through_tanh::<F>(d_h * o, tanh_c);
    let d_new = masked::<F>(d_new, constants, masks.cell, unit);
    d_cell[unit] = d_new * f + past;

    let candidate = masked::<F>(g, constants, masks.candidate, unit);
    let d_i = through_sigmoid::<F>(d_new * candidate, i);
    let d_f = through_sigmoid::<F>(d_new * before, f);
    let d_g = masked::<F>(d_new * i, constants, masks.candidate, unit);
    let d_g = through_tanh::<F>(d_g, g);
    let d_o = through_sigmoid::<F>(d_h * tanh_c, o);
    gates[at_i] = d_i;
    gates[at_f] = d_f;
    gates[at_g] = d_g;
    gates[at_o] = d_o;
    deltas[units.gate_of_step(unit, INPUT, GATES, apart)] = d_i;
    deltas[units.gate_of_step(unit, FORGET, GATES, apart)] = d_f;
    deltas[units.gate_of_step(unit, CANDIDATE, GATES, apart)] = d_g;
    deltas[units.gate_of_step(unit, OUTPUT, GATES, apart)] = d_o;
}
