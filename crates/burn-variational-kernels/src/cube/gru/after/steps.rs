//! A product and a kernel a step, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::equations::{self, CandidateBias, CandidateBiasLaunch};
use crate::cube::gru::gates::Places;
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
                CandidateBiasLaunch::new(pass.constants.bias()),
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
    bias: &CandidateBias,
    #[comptime] apart: bool,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let products = Places::of_step(units, unit, apart).read::<F>(product);
    let before = read::<F>(&*state, unmasked(entering, units, unit));
    let h = equations::forward::<F>(
        &products, before, gates, packed, inner, constants, bias, masks, units, unit, keep,
    );
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
) -> (WalkedBack, CubeTensor) {
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
    let walked = WalkedBack { projected: gates, hidden: Some(d_hidden), cell: None };
    (walked, inner)
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
    let d_h = arriving::<F>(gradient, &*back, constants, entering, units, unit);
    let before = state_before::<F>(packed, constants, units, initial, unit);
    let (found, kept) =
        equations::backward::<F>(d_h, before, gates, inner, constants, masks, units, unit);
    write::<F>(back, past(entering, units, unit), kept);
    Places::of_step(units, unit, apart).write::<F>(deltas, &found);
}
