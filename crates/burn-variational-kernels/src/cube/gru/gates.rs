//! The gates of a unit.

use cubecl::prelude::*;

use super::{CANDIDATE, GATES, RESET, UPDATE};
use crate::cube::pointwise::{read, write};
use crate::cube::step::Units;

/// One number for each gate of a unit.
#[derive(CubeType)]
pub(super) struct OfGates {
    pub(super) r: f32,
    pub(super) u: f32,
    pub(super) n: f32,
}

/// Where the gates of a unit lie.
#[derive(CubeType)]
pub(super) struct Places {
    pub(super) r: usize,
    pub(super) u: usize,
    pub(super) n: usize,
}

#[cube]
impl Places {
    /// Among those of all steps.
    pub(super) fn among_all(units: &Units, unit: usize) -> Places {
        Places {
            r: units.gate(unit, RESET, GATES),
            u: units.gate(unit, UPDATE, GATES),
            n: units.gate(unit, CANDIDATE, GATES),
        }
    }

    /// In what a product of all gates of the step reads or gives.
    pub(super) fn of_step(units: &Units, unit: usize, #[comptime] apart: bool) -> Places {
        Places {
            r: units.gate_of_step(unit, RESET, GATES, apart),
            u: units.gate_of_step(unit, UPDATE, GATES, apart),
            n: units.gate_of_step(unit, CANDIDATE, GATES, apart),
        }
    }

    pub(super) fn read<F: Float>(&self, values: &[F]) -> OfGates {
        OfGates {
            r: read::<F>(values, self.r),
            u: read::<F>(values, self.u),
            n: read::<F>(values, self.n),
        }
    }

    pub(super) fn write<F: Float>(&self, values: &mut [F], gates: &OfGates) {
        write::<F>(values, self.r, gates.r);
        write::<F>(values, self.u, gates.u);
        write::<F>(values, self.n, gates.n);
    }
}
