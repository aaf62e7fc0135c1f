//! What a step of a simple recurrent network does with a unit.

use cubecl::prelude::*;

use crate::cube::masks::{UnitMasks, masked, to_old, zoned_out};
use crate::cube::pointwise::{read, tanh, through_tanh, write};
use crate::cube::step::Units;

/// `h_t` of a unit, which is written to `packed`, by what the product gave.
#[cube]
pub(super) fn forward<F: Float>(
    product: f32,
    h_before: f32,
    projected: &[F],
    packed: &mut [F],
    computed: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    #[comptime] keep: bool,
) -> f32 {
    let place = units.place(unit);
    let new = tanh(read::<F>(projected, place) + product);
    let h = zoned_out::<F>(new, h_before, constants, masks.hidden_zoneout, units, unit);
    write::<F>(packed, place, h);
    if comptime!(keep) {
        write::<F>(computed, place, new);
    }
    h
}

/// The gradient of what entered the gate, which is written to `d_projected`, and that of `h_{t-1}`
/// past it, by that of `h_t`.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: f32,
    computed: &[F],
    d_projected: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> (f32, f32) {
    let place = units.place(unit);
    let past = to_old::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let d_new = masked::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let delta = through_tanh(d_new, read::<F>(computed, place));
    write::<F>(d_projected, place, delta);
    (delta, past)
}
