//! What a step does with a unit.

use cubecl::prelude::*;

use crate::cube::gru::gates::{OfGates, Places};
use crate::cube::gru::{through_update, update};
use crate::cube::masks::UnitMasks;
use crate::cube::pointwise::{sigmoid, tanh, through_sigmoid};
use crate::cube::step::Units;

/// `b_hn`, among the constants.
#[derive(CubeType, CubeLaunch)]
pub(super) struct CandidateBias {
    pub(super) first: ComptimeOption<usize>,
}

#[cube]
impl CandidateBias {
    fn add<F: Float>(&self, product: F, constants: &[F], column: usize) -> F {
        #[comptime]
        match self.first {
            ComptimeOption::Some(first) => product + constants[first + column],
            ComptimeOption::None => product,
        }
    }
}

/// `h_t` of a unit, which is written to `packed`, by what the products gave its gates and what they
/// were given besides, in `gates`.
#[cube]
pub(super) fn forward<F: Float>(
    products: &OfGates<F>,
    before: F,
    gates: &mut [F],
    packed: &mut [F],
    inner: &mut [F],
    constants: &[F],
    bias: &CandidateBias,
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    #[comptime] keep: bool,
) -> F {
    let places = Places::among_all(units, unit);
    let given = places.read::<F>(&*gates);
    let r = sigmoid::<F>(given.r + products.r);
    let u = sigmoid::<F>(given.u + products.u);
    let q = bias.add::<F>(products.n, constants, unit % units.d_hidden);
    let n = tanh::<F>(given.n + r * q);
    let h = update::<F>(u, n, before, constants, masks, units, unit);
    let place = units.place(unit);
    packed[place] = h;
    if comptime!(keep) {
        let computed = OfGates::<F> { r: r, u: u, n: n };
        places.write::<F>(gates, &computed);
        inner[place] = q;
    }
    h
}

/// The gradients of what the products gave the gates, and that of `h_{t-1}` past them, by that of
/// `h_t`. In `gates` the gradients of what entered them take their place, and in `inner` that of what
/// the product gave the candidate.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: F,
    before: F,
    gates: &mut [F],
    inner: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> (OfGates<F>, F) {
    let places = Places::among_all(units, unit);
    let kept = places.read::<F>(&*gates);
    let place = units.place(unit);
    let found = through_update::<F>(d_h, kept.u, kept.n, before, constants, masks, units, unit);
    let d_r = through_sigmoid::<F>(found.d_n * inner[place], kept.r);
    let d_q = found.d_n * kept.r;
    let entered = OfGates::<F> { r: d_r, u: found.d_u, n: found.d_n };
    places.write::<F>(gates, &entered);
    inner[place] = d_q;
    (OfGates::<F> { r: d_r, u: found.d_u, n: d_q }, found.past)
}
