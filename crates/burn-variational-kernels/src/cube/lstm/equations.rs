//! What a step of a long short-term memory does with a unit.

use cubecl::prelude::*;

use super::GATES;
use crate::cube::masks::{UnitMasks, masked, to_old, zoned_out};
use crate::cube::pointwise::{sigmoid, tanh, through_sigmoid, through_tanh};
use crate::cube::step::Units;

const INPUT: usize = 0;
const FORGET: usize = 1;
const CANDIDATE: usize = 2;
const OUTPUT: usize = 3;

/// One number for each gate of a unit.
#[derive(CubeType)]
pub(super) struct OfGates<F: Float> {
    pub(super) i: F,
    pub(super) f: F,
    pub(super) g: F,
    pub(super) o: F,
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

    pub(super) fn read<F: Float>(&self, values: &[F]) -> OfGates<F> {
        OfGates::<F> { i: values[self.i], f: values[self.f], g: values[self.g], o: values[self.o] }
    }

    pub(super) fn write<F: Float>(&self, values: &mut [F], gates: &OfGates<F>) {
        values[self.i] = gates.i;
        values[self.f] = gates.f;
        values[self.g] = gates.g;
        values[self.o] = gates.o;
    }
}

/// `h_t` of a unit, which is written to `packed`, by what the products gave its gates and what they
/// were given besides, in `gates`.
#[cube]
pub(super) fn forward<F: Float>(
    products: &OfGates<F>,
    h_before: F,
    gates: &mut [F],
    packed: &mut [F],
    cells: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    #[comptime] keep: bool,
) -> F {
    let places = Places::among_all(units, unit);
    let projected = places.read::<F>(&*gates);
    let activated = OfGates::<F> {
        i: sigmoid::<F>(projected.i + products.i),
        f: sigmoid::<F>(projected.f + products.f),
        g: tanh::<F>(projected.g + products.g),
        o: sigmoid::<F>(projected.o + products.o),
    };
    let at_cell = units.of_all_steps + unit;
    let before = packed[at_cell];
    let read = next_cell::<F>(&activated, before, constants, masks, units, unit);
    let output = masked::<F>(activated.o * tanh::<F>(read), constants, masks.hidden, units, unit);
    let kept = masked::<F>(before, constants, masks.cell, units, unit);
    let c = zoned_out::<F>(read, kept, constants, masks.cell_zoneout, units, unit);
    let h = zoned_out::<F>(output, h_before, constants, masks.hidden_zoneout, units, unit);
    packed[units.place(unit)] = h;
    packed[at_cell] = c;
    if comptime!(keep) {
        places.write::<F>(gates, &activated);
        cells[units.place(unit)] = before;
    }
    h
}

/// `z_c ∘ (f ∘ c_{t-1} + i ∘ z_g ∘ g)`, which the output reads.
#[cube]
fn next_cell<F: Float>(
    gates: &OfGates<F>,
    before: F,
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
) -> F {
    let candidate = masked::<F>(gates.g, constants, masks.candidate, units, unit);
    let cell = gates.f * before + gates.i * candidate;
    masked::<F>(cell, constants, masks.cell, units, unit)
}

/// The gradients of what entered the gates, which take their place in `gates`, and that of `h_{t-1}`
/// past them, by that of `h_t`. The gradient of the cell is handed on in `d_cell`.
#[cube]
pub(super) fn backward<F: Float>(
    d_h: F,
    gradient: &[F],
    gates: &mut [F],
    cells: &[F],
    d_cell: &mut [F],
    constants: &[F],
    masks: &UnitMasks,
    units: &Units,
    unit: usize,
    at_d_cell: usize,
) -> (OfGates<F>, F) {
    let places = Places::among_all(units, unit);
    let found = places.read::<F>(&*gates);
    let before = cells[units.place(unit)];
    let tanh_c = tanh::<F>(next_cell::<F>(&found, before, constants, masks, units, unit));
    let mut d_c = gradient[units.of_all_steps + unit];
    if unit < units.after {
        d_c = d_cell[at_d_cell];
    }
    let past = to_old::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let d_h = masked::<F>(d_h, constants, masks.hidden_zoneout, units, unit);
    let d_h = masked::<F>(d_h, constants, masks.hidden, units, unit);
    let kept = to_old::<F>(d_c, constants, masks.cell_zoneout, units, unit);
    let kept = masked::<F>(kept, constants, masks.cell, units, unit);
    let d_new = masked::<F>(d_c, constants, masks.cell_zoneout, units, unit);
    let d_new = d_new + through_tanh::<F>(d_h * found.o, tanh_c);
    let d_new = masked::<F>(d_new, constants, masks.cell, units, unit);
    d_cell[at_d_cell] = d_new * found.f + kept;

    let candidate = masked::<F>(found.g, constants, masks.candidate, units, unit);
    let d_g = masked::<F>(d_new * found.i, constants, masks.candidate, units, unit);
    let deltas = OfGates::<F> {
        i: through_sigmoid::<F>(d_new * candidate, found.i),
        f: through_sigmoid::<F>(d_new * before, found.f),
        g: through_tanh::<F>(d_g, found.g),
        o: through_sigmoid::<F>(d_h * tanh_c, found.o),
    };
    places.write::<F>(gates, &deltas);
    (deltas, past)
}
