//! What a step does with a unit: first the reset and the update gate, then the candidate.

use cubecl::prelude::*;

use crate::cube::gru::{CANDIDATE, GATES, RESET, UPDATE, Updated, through_update, update};
use crate::cube::masks::{Rows, UnitMasks, masked};
use crate::cube::pointwise::{sigmoid, tanh, through_sigmoid};
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
    product_r: F,
    product_u: F,
    before: F,
    gates: &mut [F],
    constants: &[F],
    entering: &EnteringCandidate,
    units: &Units,
    unit: usize,
) -> F {
    let at_r = units.gate(unit, RESET, GATES);
    let at_u = units.gate(unit, UPDATE, GATES);
    let r = sigmoid::<F>(gates[at_r] + product_r);
    let u = sigmoid::<F>(gates[at_u] + product_u);
    gates[at_r] = r;
    gates[at_u] = u;
    masked::<F>(r * before, constants, entering.mask, units, unit)
}

/// `h_t` of a unit, which is written to `packed`, by what the product gave the candidate.
#[cube]
pub(super) fn forward<F: Float>(
    product: F,
    before: F,
    gates: &mut [F],
    packed: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> F {
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let u = gates[units.gate(unit, UPDATE, GATES)];
    let n = tanh::<F>(gates[at_n] + product);
    let h = update::<F>(u, n, before, constants, masks, units, unit);
    gates[at_n] = n;
    packed[units.place(unit)] = h;
    h
}

/// From the gradient of `h_t` to those of what entered the update gate and the candidate, which take
/// their place in `gates`, and to that of `h_{t-1}` past the gates.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: F,
    before: F,
    gates: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> Updated<F> {
    let at_u = units.gate(unit, UPDATE, GATES);
    let at_n = units.gate(unit, CANDIDATE, GATES);
    let found =
        through_update::<F>(d_h, gates[at_u], gates[at_n], before, constants, masks, units, unit);
    gates[at_u] = found.d_u;
    gates[at_n] = found.d_n;
    found
}

/// From the gradient of what the reset gate let through to that of what entered it, which takes its
/// place in `gates`, and to that of `h_{t-1}` through it.
#[cube]
pub(super) fn reset_backward<F: Float>(
    d_passed: F,
    before: F,
    gates: &mut [F],
    constants: &[F],
    entering: &EnteringCandidate,
    units: &Units,
    unit: usize,
) -> (F, F) {
    let at_r = units.gate(unit, RESET, GATES);
    let r = gates[at_r];
    let through = masked::<F>(d_passed, constants, entering.mask, units, unit);
    let d_r = through_sigmoid::<F>(through * before, r);
    gates[at_r] = d_r;
    (d_r, through * r)
}
