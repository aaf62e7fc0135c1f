//! The gated recurrent unit, with the reset gate after or before the product.

pub(super) mod after;
pub(super) mod before;
mod gates;

use cubecl::prelude::*;

use super::masks::{UnitMasks, masked, to_old, zoned_out};
use super::pointwise::{through_sigmoid, through_tanh};
use super::step::Units;

const GATES: usize = 3;
const RESET: usize = 0;
const UPDATE: usize = 1;
const CANDIDATE: usize = 2;

/// `h_t`: with `g = z_g ∘ n`, `ĥ = g + u ∘ (h_{t-1} - g)`, zoned out.
#[cube]
fn update<F: Float>(
    u: f32,
    n: f32,
    before: f32,
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> f32 {
    let candidate = masked::<F>(n, constants, masks.candidate, units, unit);
    let new = candidate + u * (before - candidate);
    zoned_out::<F>(new, before, constants, masks.hidden_zoneout, units, unit)
}

/// What comes back through the update of a state.
#[derive(CubeType)]
struct Updated {
    /// Of what enters the update gate.
    d_u: f32,
    /// Of what enters the candidate.
    d_n: f32,
    /// Of `h_{t-1}`, past the gates.
    past: f32,
}

/// From the gradient of `h_t` to those of what [`update`] read.
#[cube]
fn through_update<F: Float>(
    d_h: f32,
    u: f32,
    n: f32,
    before: f32,
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> Updated {
    let d_new = masked::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let past = to_old::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let candidate = masked::<F>(n, constants, masks.candidate, units, unit);
    let d_candidate = d_new * (1.0 - u);
    let d_candidate = masked::<F>(d_candidate, constants, masks.candidate, units, unit);
    Updated {
        d_u: through_sigmoid(d_new * (before - candidate), u),
        d_n: through_tanh(d_candidate, n),
        past: d_new * u + past,
    }
}
