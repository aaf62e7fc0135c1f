//! What goes from step to step: the state, and on the way back its gradient. Both lie in rows of the
//! batch, so that a row that begins or ends with a step leaves those of the others where they are.

use cubecl::prelude::*;

use super::masks::{Entering, Rows};
use super::pointwise::{read, write};
use super::step::Units;

/// The mask of a unit where it enters gate `k` of the step whose rows begin with `first_row`.
#[cube]
fn mask<F: Float>(
    constants: &[F],
    rows: Rows,
    entering: &Entering,
    k: usize,
    first_row: usize,
    d_hidden: usize,
    unit: usize,
) -> f32 {
    read::<F>(constants, rows.at(first_row, d_hidden, unit) + k * entering.to_next * d_hidden)
}

/// The mask of a unit where it enters gate `k`, 1 if there is none.
#[cube]
pub(super) fn entering_mask<F: Float>(
    constants: &[F],
    entering: &Entering,
    k: usize,
    units: &Units,
    unit: usize,
) -> f32 {
    #[comptime]
    match entering.masks {
        ComptimeOption::Some(rows) => {
            mask::<F>(constants, rows, entering, k, units.first_row, units.d_hidden, unit)
        }
        ComptimeOption::None => f32::new(1.0),
    }
}

/// `h_{t-1}` of a unit: an output of the step before, or the initial state, from `first` on.
#[cube]
pub(super) fn state_before<F: Float>(
    packed: &[F],
    initials: &[F],
    units: &Units,
    first: usize,
    unit: usize,
) -> f32 {
    if unit < units.continued {
        read::<F>(packed, units.first_row_before * units.d_hidden + unit)
    } else {
        read::<F>(initials, first + unit)
    }
}

/// Where `h_{t-1}` lies in the state `[masks (+ 1), batch_size, d_hidden]`: masked once for each
/// product, and as it is after them.
#[cube]
pub(super) fn unmasked(entering: &Entering, units: &Units, unit: usize) -> usize {
    #[comptime]
    match entering.masks {
        ComptimeOption::Some(_) => entering.n_masks * units.of_batch + unit,
        ComptimeOption::None => unit,
    }
}

/// Writes what the step whose rows begin with `first_row` reads.
#[cube]
fn write_state<F: Float>(
    state: &mut [F],
    h: f32,
    constants: &[F],
    entering: &Entering,
    units: &Units,
    first_row: usize,
    unit: usize,
) {
    #[comptime]
    match entering.masks {
        ComptimeOption::Some(rows) => {
            #[unroll]
            for k in 0..entering.n_masks {
                let z = mask::<F>(constants, rows, entering, k, first_row, units.d_hidden, unit);
                write::<F>(state, k * units.of_batch + unit, h * z);
            }
            write::<F>(state, entering.n_masks * units.of_batch + unit, h);
        }
        ComptimeOption::None => write::<F>(state, unit, h),
    }
}

/// What came back through the products of the step whose rows begin with `first_row`, `Σ_k (δ_k
/// U_kᵀ) ∘ z_k`, and what went past them, from `back`, `[masks + 1, batch_size, d_hidden]`.
#[cube]
fn read_back<F: Float>(
    back: &[F],
    constants: &[F],
    entering: &Entering,
    units: &Units,
    first_row: usize,
    unit: usize,
) -> f32 {
    let mut sum = read::<F>(back, past(entering, units, unit));
    #[comptime]
    match entering.masks {
        ComptimeOption::Some(rows) =>
        {
            #[unroll]
            for k in 0..entering.n_masks {
                let z = mask::<F>(constants, rows, entering, k, first_row, units.d_hidden, unit);
                sum += read::<F>(back, k * units.of_batch + unit) * z;
            }
        }
        ComptimeOption::None => sum += read::<F>(back, unit),
    }
    sum
}

/// Where what goes past the products lies in what is handed back.
#[cube]
pub(super) fn past(entering: &Entering, units: &Units, unit: usize) -> usize {
    entering.n_masks * units.of_batch + unit
}

/// Writes what the step after reads, if the unit goes on to it.
#[cube]
pub(super) fn hand_on<F: Float>(
    state: &mut [F],
    h: f32,
    constants: &[F],
    entering: &Entering,
    units: &Units,
    unit: usize,
) {
    if unit < units.after {
        write_state::<F>(state, h, constants, entering, units, units.first_row_after, unit);
    }
}

/// The gradient of `h_t`: that of the output, and what the step after hands back.
#[cube]
pub(super) fn arriving<F: Float>(
    gradient: &[F],
    back: &[F],
    constants: &[F],
    entering: &Entering,
    units: &Units,
    unit: usize,
) -> f32 {
    let mut d_h = read::<F>(gradient, units.place(unit));
    if unit < units.after {
        d_h += read_back::<F>(back, constants, entering, units, units.first_row_after, unit);
    }
    d_h
}

/// The initial state of the units that begin with a step, as it reads it.
#[cube(launch_unchecked)]
pub(super) fn begin<F: Float>(
    hidden: &[F],
    state: &mut [F],
    constants: &[F],
    entering: &Entering,
    units: &Units,
    #[define(F)] _dtype: ElemType,
) {
    let unit = units.continued + ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let h = read::<F>(hidden, unit);
    write_state::<F>(state, h, constants, entering, units, units.first_row, unit);
}

/// The gradient of the initial state of the units that begin with a step.
#[cube(launch_unchecked)]
pub(super) fn end<F: Float>(
    back: &[F],
    d_hidden: &mut [F],
    constants: &[F],
    entering: &Entering,
    units: &Units,
    #[define(F)] _dtype: ElemType,
) {
    let unit = units.continued + ABSOLUTE_POS;
    if unit >= units.len {
        terminate!();
    }
    let d_h = read_back::<F>(back, constants, entering, units, units.first_row, unit);
    write::<F>(d_hidden, unit, d_h);
}
