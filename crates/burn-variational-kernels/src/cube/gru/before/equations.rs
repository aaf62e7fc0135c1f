//! What a step does with a unit: first the reset and the update gate, then the candidate.

use cubecl::prelude::*;

use crate::cube::gru::{CANDIDATE, GATES, RESET, UPDATE, Updated, through_update, update};
use crate::cube::masks::{Rows, UnitMasks, masked};
use crate::cube::pointwise::{read, sigmoid, tanh, through_sigmoid, write};
use crate::cube::step::Units;

/// The mask on the state where it enters the candidate by way of the reset gate.
#[derive(CubeType, CubeLaunch)]
pub(super) struct EnteringCandidate {
    pub(super) mask: ComptimeOption<Rows>,
}

/// What the reset gate lets through of a unit of the state, by what the products gave the reset and
/// the update gate, which are written to `gates`.
#[cube]
pub(super) fn reset<F: Float>(
    product_r: f32,
    product_u: f32,
    before: f32,
    gates: &mut [F],
    constants: &[F],
    entering: &EnteringCandidate,
    units: &Units,
    unit: usize,
) -> f32 {
    let at_r = units.gate(unit, RESET, GATES);
    let at_u = units.gate(unit, UPDATE, GATES);
    let r = sigmoid(read::<F>(&*gates, at_r) + product_r);
    let u = sigmoid(read::<F>(&*gates, at_u) + product_u);
    write::<F>(gates, at_r, r);
    write::<F>(gates, at_u, u);
    masked::<F>(r * before, constants, entering.mask, units, unit)
}

/// `h_t` of a unit, which is written to `packed`, by what the product gave the candidate.
#[cube]
pub(super) fn forward<F: Float>(
    product: f32,
    before: f32,
    gates: &mut [F],
    packed: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> f32 {
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let u = read::<F>(&*gates, units.gate(unit, UPDATE, GATES));
    let n = tanh(read::<F>(&*gates, at_n) + product);
    let h = update::<F>(u, n, before, constants, masks, units, unit);
    write::<F>(gates, at_n, n);
    write::<F>(packed, units.place(unit), h);
    h
}

/// From the gradient of `h_t` to those of what entered the update gate and the candidate, which take
/// their place in `gates`, and to that of `h_{t-1}` past the gates.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: f32,
    before: f32,
    gates: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> Updated {
    let at_u = units.gate(unit, UPDATE, GATES);
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let u = read::<F>(&*gates, at_u);
    let n = read::<F>(&*gates, at_n);
    let found = through_update::<F>(d_h, u, n, before, constants, masks, units, unit);
    write::<F>(gates, at_u, found.d_u);
    write::<F>(gates, at_n, found.d_n);
    found
}

/// From the gradient of what the reset gate let through to that of what entered it, which takes its
/// place in `gates`, and to that of `h_{t-1}` through it.
#[cube]
pub(super) fn reset_backward<F: Float>(
    d_passed: f32,
    before: f32,
    gates: &mut [F],
    constants: &[F],
    entering: &EnteringCandidate,
    units: &Units,
    unit: usize,
) -> (f32, f32) {
    let at_r = units.gate(unit, RESET, GATES);
    let r = read::<F>(&*gates, at_r);
    let through = masked::<F>(d_passed, constants, entering.mask, units, unit);
    let d_r = through_sigmoid(through * before, r);
    write::<F>(gates, at_r, d_r);
    (d_r, through * r)
}
