//! Masks as kernels read them.

use cubecl::prelude::*;

use super::pointwise::read;
use super::step::Units;

/// Rows of the constants: those of the batch, the same at every step, or those of all steps.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Rows {
    /// Where they begin.
    pub(super) first: usize,
    /// 1 if they are those of all steps, and 0 if not.
    pub(super) per_step: usize,
}

#[cube]
impl Rows {
    /// Where a unit lies, of the step whose rows begin with `first_row`.
    pub(super) fn at(&self, first_row: usize, d_hidden: usize, unit: usize) -> usize {
        (self.first + self.per_step * first_row) * d_hidden + unit
    }
}

/// The masks on the state where it enters the gates.
#[derive(CubeType, CubeLaunch)]
pub(super) struct Entering {
    pub(super) masks: ComptimeOption<Rows>,
    /// How many rows it is from the mask of a gate to that of the next.
    pub(super) to_next: usize,
    /// How many there are: one, or one for each gate.
    #[cube(comptime)]
    pub(super) n_masks: usize,
}

/// The masks on what a step computes.
#[derive(CubeType, CubeLaunch)]
pub(super) struct UnitMasks {
    pub(super) cell: ComptimeOption<Rows>,
    pub(super) candidate: ComptimeOption<Rows>,
    pub(super) hidden: ComptimeOption<Rows>,
    pub(super) hidden_zoneout: ComptimeOption<Rows>,
    pub(super) cell_zoneout: ComptimeOption<Rows>,
}

/// `value ∘ z`, where there is a mask.
#[cube]
pub(super) fn masked<F: Float>(
    value: f32,
    constants: &[F],
    mask: ComptimeOption<Rows>,
    units: &Units,
    unit: usize,
) -> f32 {
    #[comptime]
    match mask {
        ComptimeOption::Some(rows) => {
            value * read::<F>(constants, rows.at(units.first_row, units.d_hidden, unit))
        }
        ComptimeOption::None => value,
    }
}

/// `u ∘ new + (1 - u) ∘ old`, where `u` is the share that is new, and `new` where there is none.
#[cube]
pub(super) fn zoned_out<F: Float>(
    new: f32,
    old: f32,
    constants: &[F],
    share: ComptimeOption<Rows>,
    units: &Units,
    unit: usize,
) -> f32 {
    #[comptime]
    match share {
        ComptimeOption::Some(rows) => {
            let share = read::<F>(constants, rows.at(units.first_row, units.d_hidden, unit));
            share * new + (1.0 - share) * old
        }
        ComptimeOption::None => new,
    }
}

/// Back through [`zoned_out`] to what was there: `(1 - u) ∘ gradient`, and 0 where all is new.
#[cube]
pub(super) fn to_old<F: Float>(
    gradient: f32,
    constants: &[F],
    share: ComptimeOption<Rows>,
    units: &Units,
    unit: usize,
) -> f32 {
    #[comptime]
    match share {
        ComptimeOption::Some(rows) => {
            let share = read::<F>(constants, rows.at(units.first_row, units.d_hidden, unit));
            (1.0 - share) * gradient
        }
        ComptimeOption::None => f32::new(0.0),
    }
}
