//! What a step of a simple recurrent network does with a unit.

use cubecl::prelude::*;

use crate::cube::masks::{UnitMasks, masked, to_old, zoned_out};
use crate::cube::pointwise::{tanh, through_tanh};
use crate::cube::step::Units;

/// `h_t` of a unit, which is written to `packed`, by what the product gave.
#[cube]
pub(super) fn forward<F: Float>(
    product: F,
    h_before: F,
    projected: &[F],
    packed: &mut [F],
    computed: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    #[comptime] keep: bool,
) -> F {
    let place = units.place(unit);
    let new = tanh::<F>(projected[place] + product);
    let h = zoned_out::<F>(new, h_before, constants, masks.hidden_zoneout, units, unit);
    packed[place] = h;
    if comptime!(keep) {
        computed[place] = new;
    }
    h
}

/// The gradient of what entered the gate, which is written to `d_projected`, and that of `h_{t-1}`
/// past it, by that of `h_t`.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: F,
    computed: &[F],
    d_projected: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> (F, F) {
    let place = units.place(unit);
    let past = to_old::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let d_new = masked::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let delta = through_tanh::<F>(d_new, computed[place]);
    d_projected[place] = delta;
    (delta, past)
}
