//! A product and a kernel a step, each way.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::equations;
use crate::cube::masks::{Entering, UnitMasks};
use crate::cube::operations::Kept;
use crate::cube::pass::{Pass, WalkedBack};
use crate::cube::pointwise::{read, write};
use crate::cube::products::Products;
use crate::cube::state::{arriving, hand_on, past, unmasked};
use crate::cube::step::{Step, Units};
use crate::cube::tensors::contiguous;
use crate::operands::{Keep, Optional};

pub(in crate::cube) fn forward(
    pass: &Pass<'_>,
    products: &Products,
    projected: CubeTensor,
    keep: Keep,
) -> Kept<CubeBackend> {
    let (n_rows, batch_size) = (pass.steps.n_rows(), pass.steps.batch_size());
    let projected = contiguous(projected);
    let packed = pass.rows(n_rows, pass.d_hidden);
    // Without zoneout a step's output is what it computed.
    let keep = keep == Keep::Trace && pass.constants.zones_out_hidden();
    let computed = keep.then(|| pass.rows(n_rows, pass.d_hidden));
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
                projected.clone().into_buffer_arg(),
                product.clone().into_buffer_arg(),
                packed.clone().into_buffer_arg(),
                // Something has to be bound where nothing is kept.
                computed.as_ref().unwrap_or(&product).clone().into_buffer_arg(),
                state.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.unit_masks(),
                keep,
                pass.dtype(),
            );
        }
    }
    Kept { packed, gates: Optional::Absent, inner: Optional::from(computed) }
}

#[cube(launch_unchecked)]
fn forward_step<F: Float>(
    projected: &[F],
    product: &[F],
    packed: &mut [F],
    computed: &mut [F],
    state: &mut [F],
    constants: &[F],
    units: &Units,
    entering: &Entering,
    masks: &UnitMasks,
    #[comptime] keep: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let before = read::<F>(&*state, unmasked(entering, units, unit));
    let h = equations::forward::<F>(
        read::<F>(product, unit),
        before,
        projected,
        packed,
        computed,
        constants,
        masks,
        units,
        unit,
        keep,
    );
    hand_on::<F>(state, h, constants, entering, units, unit);
}

pub(in crate::cube) fn backward(
    pass: &Pass<'_>,
    products: &Products,
    gradient: &CubeTensor,
    computed: &CubeTensor,
) -> WalkedBack {
    let (n_rows, batch_size) = (pass.steps.n_rows(), pass.steps.batch_size());
    let computed = contiguous(computed.clone());
    let d_projected = pass.rows(n_rows, pass.d_hidden);
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
                computed.clone().into_buffer_arg(),
                back.clone().into_buffer_arg(),
                d_projected.clone().into_buffer_arg(),
                deltas.clone().into_buffer_arg(),
                pass.constants.values.clone().into_buffer_arg(),
                pass.units(&step),
                pass.constants.entering(),
                pass.constants.unit_masks(),
                pass.dtype(),
            );
        }
        products.run_back(&deltas, &back, step.n);
        pass.end(&step, &back, &d_hidden);
    }
    WalkedBack { projected: d_projected, hidden: Some(d_hidden), cell: None }
}

#[cube(launch_unchecked)]
fn backward_step<F: Float>(
    gradient: &[F],
    computed: &[F],
    back: &mut [F],
    d_projected: &mut [F],
    deltas: &mut [F],
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
    let d_h = arriving::<F>(gradient, &*back, constants, entering, units, unit);
    let (delta, kept) =
        equations::backward::<F>(d_h, computed, d_projected, constants, masks, units, unit);
    write::<F>(back, past(entering, units, unit), kept);
    write::<F>(deltas, unit, delta);
}
