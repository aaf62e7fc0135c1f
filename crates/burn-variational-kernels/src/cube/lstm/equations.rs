//! What a step of a long short-term memory does with a unit.

use cubecl::prelude::*;

use super::GATES;
use crate::cube::masks::{UnitMasks, masked, to_old, zoned_out};
use crate::cube::pointwise::{read, sigmoid, tanh, through_sigmoid, through_tanh, write};
use crate::cube::step::Units;

const INPUT: usize = 0;
const FORGET: usize = 1;
const CANDIDATE: usize = 2;
const OUTPUT: usize = 3;

/// One number for each gate of a unit.
#[derive(CubeType)]
pub(super) struct OfGates {
    pub(super) i: f32,
    pub(super) f: f32,
    pub(super) g: f32,
    pub(super) o: f32,
}

/// Where the gates of a unit lie.
#[derive(CubeType)]
pub(super) struct Places {
    i: usize,
    f: usize,
    g: usize,
    o: usize,
}

#[cube]
impl Places {
    /// Among those of all steps.
    fn among_all(units: &Units, unit: usize) -> Places {
        Places {
            i: units.gate(unit, INPUT, GATES),
            f: units.gate(unit, FORGET, GATES),
            g: units.gate(unit, CANDIDATE, GATES),
            o: units.gate(unit, OUTPUT, GATES),
        }
    }

    /// In what a product of the step reads or gives.
    pub(super) fn of_step(units: &Units, unit: usize, #[comptime] apart: bool) -> Places {
        Places {
            i: units.gate_of_step(unit, INPUT, GATES, apart),
            f: units.gate_of_step(unit, FORGET, GATES, apart),
            g: units.gate_of_step(unit, CANDIDATE, GATES, apart),
            o: units.gate_of_step(unit, OUTPUT, GATES, apart),
        }
    }

    pub(super) fn read<F: Float>(&self, values: &[F]) -> OfGates {
        OfGates {
            i: read::<F>(values, self.i),
            f: read::<F>(values, self.f),
            g: read::<F>(values, self.g),
            o: read::<F>(values, self.o),
        }
    }

    pub(super) fn write<F: Float>(&self, values: &mut [F], gates: &OfGates) {
        write::<F>(values, self.i, gates.i);
        write::<F>(values, self.f, gates.f);
        write::<F>(values, self.g, gates.g);
        write::<F>(values, self.o, gates.o);
    }
}

/// `h_t` of a unit, which is written to `packed`, by what the products gave its gates and what they
/// were given besides, in `gates`.
#[cube]
pub(super) fn forward<F: Float>(
    products: &OfGates,
    h_before: f32,
    gates: &mut [F],
    packed: &mut [F],
    cells: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    #[comptime] keep: bool,
) -> f32 {
    let places = Places::among_all(units, unit);
    let projected = places.read::<F>(&*gates);
    let activated = OfGates {
        i: sigmoid(projected.i + products.i),
        f: sigmoid(projected.f + products.f),
        g: tanh(projected.g + products.g),
        o: sigmoid(projected.o + products.o),
    };
    let at_cell = units.of_all_steps + unit;
    let before = read::<F>(&*packed, at_cell);
    let read = next_cell::<F>(&activated, before, constants, masks, units, unit);
    let output = masked::<F>(activated.o * tanh(read), constants, masks.hidden, units, unit);
    let kept = masked::<F>(before, constants, masks.cell, units, unit);
    let c = zoned_out::<F>(read, kept, constants, masks.cell_zoneout, units, unit);
    let h = zoned_out::<F>(output, h_before, constants, masks.hidden_zoneout, units, unit);
    write::<F>(packed, units.place(unit), h);
    write::<F>(packed, at_cell, c);
    if comptime!(keep) {
        places.write::<F>(gates, &activated);
        write::<F>(cells, units.place(unit), before);
    }
    h
}

/// `z_c ∘ (f ∘ c_{t-1} + i ∘ z_g ∘ g)`, which the output reads.
#[cube]
fn next_cell<F: Float>(
    gates: &OfGates,
    before: f32,
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> f32 {
    let candidate = masked::<F>(gates.g, constants, masks.candidate, units, unit);
    let cell = gates.f * before + gates.i * candidate;
    masked::<F>(cell, constants, masks.cell, units, unit)
}

/// The gradients of what entered the gates, which take their place in `gates`, and that of `h_{t-1}`
/// past them, by that of `h_t`. The gradient of the cell is handed on in `d_cell`.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: f32,
    gradient: &[F],
    gates: &mut [F],
    cells: &[F],
    d_cell: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    at_d_cell: usize,
) -> (OfGates, f32) {
    let places = Places::among_all(units, unit);
    let found = places.read::<F>(&*gates);
    let before = read::<F>(cells, units.place(unit));
    let tanh_c = tanh(next_cell::<F>(&found, before, constants, masks, units, unit));
    let mut d_c = read::<F>(gradient, units.of_all_steps + unit);
    if unit < units.after {
        d_c = read::<F>(&*d_cell, at_d_cell);
    }
    let past = to_old::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let d_h = masked::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let d_h = masked::<F>(d_h, constants, masks.hidden, units, unit);
    let kept = to_old::<F>(d_c, constants, masks.cell_zoneout, units, unit);
    let kept = masked::<F>(kept, constants, masks.cell, units, unit);
    let d_new = masked::<F>(d_c, constants, masks.cell_zoneout, units, unit);
    let d_new = d_new + through_tanh(d_h * found.o, tanh_c);
    let d_new = masked::<F>(d_new, constants, masks.cell, units, unit);
    write::<F>(d_cell, at_d_cell, d_new * found.f + kept);

    let candidate = masked::<F>(found.g, constants, masks.candidate, units, unit);
    let d_g = masked::<F>(d_new * found.i, constants, masks.candidate, units, unit);
    let deltas = OfGates {
        i: through_sigmoid(d_new * candidate, found.i),
        f: through_sigmoid(d_new * before, found.f),
        g: through_tanh(d_g, found.g),
        o: through_sigmoid(d_h * tanh_c, found.o),
    };
    places.write::<F>(gates, &deltas);
    (deltas, past)
}
