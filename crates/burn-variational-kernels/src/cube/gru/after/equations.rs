//! What a step does with a unit.

use cubecl::prelude::*;

use crate::cube::gru::gates::{OfGates, Places};
use crate::cube::gru::{through_update, update};
use crate::cube::masks::UnitMasks;
use crate::cube::pointwise::{read, sigmoid, tanh, through_sigmoid, write};
use crate::cube::step::Units;

/// `b_hn`, among the constants.
#[derive(CubeType, CubeLaunch)]
pub(super) struct CandidateBias {
    pub(super) first: ComptimeOption<usize>,
}

#[cube]
impl CandidateBias {
    fn add<F: Float>(&self, product: f32, constants: &[F], column: usize) -> f32 {
        #[comptime]
        match self.first {
            ComptimeOption::Some(first) => product + read::<F>(constants, first + column),
            ComptimeOption::None => product,
        }
    }
}

/// `h_t` of a unit, which is written to `packed`, by what the products gave its gates and what they
/// were given besides, in `gates`.
#[cube]
pub(super) fn forward<F: Float>(
    products: &OfGates,
    before: f32,
    gates: &mut [F],
    packed: &mut [F],
    inner: &mut [F],
    constants: &[F],
    bias: &CandidateBias,
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    #[comptime] keep: bool,
) -> f32 {
    let places = Places::among_all(units, unit);
    let given = places.read::<F>(&*gates);
    let r = sigmoid(given.r + products.r);
    let u = sigmoid(given.u + products.u);
    let q = bias.add::<F>(products.n, constants, unit % units.d_hidden);
    let n = tanh(given.n + r * q);
    let h = update::<F>(u, n, before, constants, masks, units, unit);
    let place = units.place(unit);
    write::<F>(packed, place, h);
    if comptime!(keep) {
        let computed = OfGates { r, u, n };
        places.write::<F>(gates, &computed);
        write::<F>(inner, place, q);
    }
    h
}

/// The gradients of what the products gave the gates, and that of `h_{t-1}` past them, by that of
/// `h_t`. In `gates` the gradients of what entered them take their place, and in `inner` that of what
/// the product gave the candidate.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: f32,
    before: f32,
    gates: &mut [F],
    inner: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> (OfGates, f32) {
    let places = Places::among_all(units, unit);
    let kept = places.read::<F>(&*gates);
    let place = units.place(unit);
    let found = through_update::<F>(d_h, kept.u, kept.n, before, constants, masks, units, unit);
    let d_r = through_sigmoid(found.d_n * read::<F>(&*inner, place), kept.r);
    let d_q = found.d_n * kept.r;
    let entered = OfGates { r: d_r, u: found.d_u, n: found.d_n };
    places.write::<F>(gates, &entered);
    write::<F>(inner, place, d_q);
    (OfGates { r: d_r, u: found.d_u, n: d_q }, found.past)
}
