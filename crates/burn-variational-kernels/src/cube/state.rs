//! What goes from step to step: the state, and on the way back its gradient. Both lie in rows of the
//! batch, so that a row that begins or ends with a step leaves those of the others where they are.

use cubecl::prelude::*;

use super::step::Entering;

/// Where `h_{t-1}` lies in the state `[masks (+ 1), batch_size, d_hidden]`: masked once for each
/// product, and as it is after them.
#[cube]
pub(super) fn unmasked(entering: &Entering, of_batch: usize) -> usize {
    #[comptime]
    let place = match entering.mask {
        ComptimeOption::Some(_) => entering.n_masks * of_batch,
        ComptimeOption::None => 0,
    };
    place
}

/// Writes what a step after reads.
#[cube]
pub(super) fn hand_on<F: Float>(
    state: &mut [F],
    h: F,
    constants: &[F],
    entering: &Entering,
    of_batch: usize,
    unit: usize,
) {
    #[comptime]
    match entering.mask {
        ComptimeOption::Some(mask) => {
            #[unroll]
            for k in 0..entering.n_masks {
                let z = constants[mask + k * entering.to_next + unit];
                state[k * of_batch + unit] = h * z;
            }
            state[entering.n_masks * of_batch + unit] = h;
        }
        ComptimeOption::None => state[unit] = h,
    }
}

/// What the step after hands back, `Σ_k (δ_k U_kᵀ) ∘ z_k` and what went past the gates, from `back`,
/// `[masks + 1, batch_size, d_hidden]`.
#[cube]
pub(super) fn handed_back<F: Float>(
    back: &[F],
    constants: &[F],
    entering: &Entering,
    of_batch: usize,
    unit: usize,
) -> F {
    let mut sum = back[entering.n_masks * of_batch + unit];
    #[comptime]
    match entering.mask {
        ComptimeOption::Some(mask) =>
        {
            #[unroll]
            for k in 0..entering.n_masks {
                let z = constants[mask + k * entering.to_next + unit];
                sum += back[k * of_batch + unit] * z;
            }
        }
        ComptimeOption::None => sum += back[unit],
    }
    sum
}

/// The initial state of the units from `first` on, as their first step reads it.
#[cube(launch_unchecked)]
pub(super) fn begin<F: Float>(
    hidden: &[F],
    state: &mut [F],
    constants: &[F],
    entering: &Entering,
    of_batch: usize,
    first: usize,
    end: usize,
    #[define(F)] _dtype: ElemType,
) {
    let unit = first + ABSOLUTE_POS;
    if unit >= end {
        terminate!();
    }
    hand_on::<F>(state, hidden[unit], constants, entering, of_batch, unit);
}

/// The gradient of the initial state of the units from `first` on.
#[cube(launch_unchecked)]
pub(super) fn end<F: Float>(
    back: &[F],
    d_hidden: &mut [F],
    constants: &[F],
    entering: &Entering,
    of_batch: usize,
    first: usize,
    end: usize,
    #[define(F)] _dtype: ElemType,
) {
    let unit = first + ABSOLUTE_POS;
    if unit >= end {
        terminate!();
    }
    d_hidden[unit] = handed_back::<F>(back, constants, entering, of_batch, unit);
}
