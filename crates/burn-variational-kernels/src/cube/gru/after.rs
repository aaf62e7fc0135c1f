//! The reset gate after the product: a product and a kernel a step, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{CANDIDATE, GATES, RESET, UPDATE, through_update, update};
use crate::cube::masks::{Entering, UnitMasks};
use crate::cube::operations::{Gradients, Kept};
use crate::cube::pass::Pass;
use crate::cube::pointwise::{sigmoid, tanh, through_sigmoid};
use crate::cube::products::Products;
use crate::cube::state::{arriving, hand_on, past, state_before, unmasked};
use crate::cube::step::{Step, Units};
use crate::cube::tensors::owned;
use crate::operands::{Keep, Optional};

pub(in crate::cube) fn forward(
    pass: &Pass<'_>,
    products: &Products,
    projected: CubeTensor,
    keep: Keep,
) -> Kept<CubeBackend> {
    let (n_rows, batch_size) = (pass.steps.n_rows(), pass.steps.batch_size());
    let gates = owned(projected);
    let packed = pass.rows(n_rows, pass.d_hidden);
    let inner = (keep == Keep::Trace).then(|| pass.rows(n_rows, pass.d_hidden));
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
                inner.as_ref().unwrap_or(&product).clone().into_buffer_arg(),
                state.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.unit_masks(),
                pass.constants.bias(),
                products.is_apart(),
                keep == Keep::Trace,
                pass.dtype(),
            );
        }
    }
    let gates = (keep == Keep::Trace).then_some(gates);
    Kept { packed, gates: Optional::from(gates), inner: Optional::from(inner) }
}

#[cube(launch_unchecked)]
fn forward_step<F: Float>(
    gates: &mut [F],
    product: &[F],
    packed: &mut [F],
    inner: &mut [F],
    state: &mut [F],
    constants: &[F],
    units: &Units,
    entering: &Entering,
    masks: &UnitMasks,
    bias: ComptimeOption<usize>,
    #[comptime] apart: bool,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let place = units.place(unit);
    let at_r = units.gate(unit, RESET, GATES);
    let at_u = units.gate(unit, UPDATE, GATES);
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let r = sigmoid::<F>(gates[at_r] + product[units.gate_of_step(unit, RESET, GATES, apart)]);
    let u = sigmoid::<F>(gates[at_u] + product[units.gate_of_step(unit, UPDATE, GATES, apart)]);
    let product = product[units.gate_of_step(unit, CANDIDATE, GATES, apart)];
    #[comptime]
    let q = match bias {
        ComptimeOption::Some(bias) => product + constants[bias + unit % units.d_hidden],
        ComptimeOption::None => product,
    };
    let n = tanh::<F>(gates[at_n] + r * q);
    let before = state[unmasked(entering, units, unit)];
    let h = update::<F>(u, n, before, constants, masks, units, unit);

    packed[place] = h;
    if comptime!(keep) {
        gates[at_r] = r;
        gates[at_u] = u;
        gates[at_n] = n;
        inner[place] = q;
    }
    hand_on::<F>(state, h, constants, entering, units, unit);
}

/// The gradients, and those of what the product gave the candidates.
pub(in crate::cube) fn backward(
    pass: &Pass<'_>,
    products: &Products,
    gradient: &CubeTensor,
    packed: &CubeTensor,
    gates: CubeTensor,
    inner: CubeTensor,
) -> (Gradients<CubeBackend>, CubeTensor) {
    let batch_size = pass.steps.batch_size();
    // Gradients take the place of the gates, and of what the product gave the candidates.
    let (gates, inner) = (owned(gates), owned(inner));
    let d_hidden = pass.rows(batch_size, pass.d_hidden);
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
                packed.clone().into_buffer_arg(),
                gates.clone().into_buffer_arg(),
                inner.clone().into_buffer_arg(),
                back.clone().into_buffer_arg(),
                deltas.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.unit_masks(),
                pass.constants.hidden(),
                products.is_apart(),
                pass.dtype(),
            );
        }
        products.run_back(&deltas, &back, step.n);
        pass.end(&step, &back, &d_hidden);
    }
    let gradients = Gradients {
        projected: gates,
        recurrent: Optional::Absent,
        hidden: d_hidden,
        cell: Optional::Absent,
        candidate_bias: Optional::Absent,
    };
    (gradients, inner)
}

#[cube(launch_unchecked)]
fn backward_step<F: Float>(
    gradient: &[F],
    packed: &[F],
    gates: &mut [F],
    inner: &mut [F],
    back: &mut [F],
    deltas: &mut [F],
    constants: &[F],
    units: &Units,
    entering: &Entering,
    masks: &UnitMasks,
    initial: usize,
    #[comptime] apart: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let place = units.place(unit);
    let at_r = units.gate(unit, RESET, GATES);
    let at_u = units.gate(unit, UPDATE, GATES);
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let d_h = arriving::<F>(gradient, &*back, constants, entering, units, unit);
    let r = gates[at_r];
    let before = state_before::<F>(packed, constants, units, initial, unit);
    let found =
        through_update::<F>(d_h, gates[at_u], gates[at_n], before, constants, masks, units, unit);
    let d_r = through_sigmoid::<F>(found.d_n * inner[place], r);
    let d_q = found.d_n * r;
    back[past(entering, units, unit)] = found.past;
    gates[at_r] = d_r;
    gates[at_u] = found.d_u;
    gates[at_n] = found.d_n;
    inner[place] = d_q;
    deltas[units.gate_of_step(unit, RESET, GATES, apart)] = d_r;
    deltas[units.gate_of_step(unit, UPDATE, GATES, apart)] = found.d_u;
    deltas[units.gate_of_step(unit, CANDIDATE, GATES, apart)] = d_q;
}
