//! `n = tanh(x_n + (r ∘ h ∘ z_h) U_n)`: the reset gate acts before the product. The candidate
//! needs the reset gate of all units, so a step is two stages.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{Backward, Forward, N_GATES, previous, through_update, update};

use crate::flex::memory::{Scratch, Shared};
use crate::flex::numbers::{Real, arch};
use crate::flex::products::{Panels, PullBack, masked};
use crate::flex::recurrences::entering::Entering;
use crate::flex::recurrences::kept::Kept;
use crate::flex::recurrences::pointwise::{add, add_gradient, add_sigmoid, add_tanh};
use crate::flex::recurrences::unit_masks::UnitMasks;
use crate::flex::sharing::{Schedule, Sizes, Tile, WalkedBack};

/// The gates that read the state as it is: reset and update.
const READ_STATE: Range<usize> = 0..2;

/// Runs the recurrence over all steps.
pub(crate) fn forward<T: Real>(sizes: Sizes<'_>, pass: Forward<'_, T>) {
    let d_hidden = sizes.d_hidden;
    let schedule = Schedule::new::<T>(sizes);
    let panels = Panels::of_weights(pass.recurrent, &schedule);
    let (gates, passed) = (Shared::new(pass.gates), Kept::new(sizes, pass.inner));
    let packed = Shared::new(pass.packed);
    let mut copies = Scratch::new(Entering::copies_len(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut copies);
    let arch = arch();

    schedule.walk(2, READ_STATE.len(), |scratch, stage, t, tile| {
        let len = tile.product_len();
        let (unit_masks, entering) = (pass.unit_masks, &entering);
        let step = Step { t, tile, unit_masks, gates, passed, packed, entering };
        if stage.is_multiple_of(2) {
            let products = &mut scratch[..READ_STATE.len() * len];
            // SAFETY: the step before is finished.
            unsafe { entering.products(&panels, t, READ_STATE, tile, products) };
            arch.dispatch(ResetRows { step, products });
        } else {
            let products = &mut scratch[..len];
            // SAFETY: the stage before wrote it for all units.
            let states = unsafe { passed.rows(t, tile) };
            panels.product(tile.units, 2..3, (states, d_hidden, tile.rows.len()), products);
            arch.dispatch(CandidateRows { step, products });
        }
    });
}

/// Where a task of the forward pass is.
struct Step<'a, 'b, T> {
    t: usize,
    tile: Tile<'b>,
    unit_masks: UnitMasks<'a, T>,
    gates: Shared<'a, T>,
    /// `r ∘ h_{t-1} ∘ z_h`.
    passed: Kept<'a, T>,
    packed: Shared<'a, T>,
    entering: &'b Entering<'a, T>,
}

impl<T: Real> Step<'_, '_, T> {
    /// Units of one row of a gate.
    ///
    /// # Safety
    ///
    /// The task alone has them.
    #[allow(clippy::mut_from_ref, reason = "the task alone has them")]
    unsafe fn gate(&self, row: usize, gate: usize) -> &mut [T] {
        // SAFETY: the caller's.
        unsafe { self.gates.write(self.tile.at_gate(self.t, row, gate)) }
    }
}

/// The reset and update gates of one step, and what the reset gate lets through.
struct ResetRows<'a, 'b, T> {
    step: Step<'a, 'b, T>,
    /// `[2, rows, padded units]`.
    products: &'b [T],
}

impl<T: Real> WithSimd for ResetRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { step, products } = self;
        let Step { t, tile, .. } = step;
        for row in tile.rows.clone() {
            // SAFETY: this task alone has these rows and units of this step; each range is another
            // part of its buffer. The step before is finished.
            let (r, z, passed, entering) = unsafe {
                let passed = step.passed.write(t, row, tile);
                let entering = step.entering.rows(t, 2, &(row..row + 1));
                (step.gate(row, 0), step.gate(row, 1), passed, &entering[tile.units.clone()])
            };
            add_sigmoid::<S, T>(r, tile.of_product(products, 0, row));
            add_sigmoid::<S, T>(z, tile.of_product(products, 1, row));
            masked(passed, entering, r);
        }
    }
}

/// The candidate of one step and the new state.
struct CandidateRows<'a, 'b, T> {
    step: Step<'a, 'b, T>,
    /// `[rows, padded units]`.
    products: &'b [T],
}

impl<T: Real> WithSimd for CandidateRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { step, products } = self;
        let Step { t, tile, .. } = step;
        for row in tile.rows.clone() {
            // SAFETY: this task alone has these rows and units of this step; each range is another
            // part of its buffer. The step before is finished.
            let (z, n, h, before) = unsafe {
                let h = step.packed.write(tile.at_step(t, row));
                let before = step.entering.state(t, row, tile);
                (step.gate(row, 1), step.gate(row, 2), h, before)
            };
            add_tanh::<S, T>(n, tile.of_product(products, 0, row));
            update::<S, T>(h, before, z, n, step.unit_masks.at(t, row, tile));
            // SAFETY: as above.
            unsafe { step.entering.set(t, row, tile, h) };
        }
    }
}

/// Walks back over all steps, two stages each: the update gate and the candidate, then the reset
/// gate. One more stage gives the gradient of `h_0`.
pub(crate) fn backward<T: Real>(sizes: Sizes<'_>, pass: Backward<'_, T>) {
    let d_hidden = sizes.d_hidden;
    let schedule = Schedule::new::<T>(sizes);
    let pull_back = PullBack::new(pass.recurrent, pass.masks, &schedule);
    let (gates, carried) = (Shared::new(pass.gates), Shared::new(pass.d_hidden));
    // The candidate's gradients of the step at hand, apart from the gates that change beside them.
    let mut candidate = Scratch::new(sizes.state_len());
    let candidate = Shared::new(&mut candidate);
    let states = (pass.hidden, pass.packed);
    let arch = arch();

    schedule.walk_back(2, 2, |scratch, stage, at, tile| {
        let (d_h, product) = tile.sum_and_product(scratch);
        let reset = !stage.is_multiple_of(2);
        if reset {
            let range = tile.rows.start * d_hidden..tile.rows.end * d_hidden;
            // SAFETY: the stage before wrote it for all units.
            let deltas = unsafe { candidate.read(range) };
            let t = at.step.expect("the last stage has no other half");
            pull_back.add(2..3, (deltas, d_hidden), t, tile, d_h, product);
        } else if let Some(later) = at.later {
            let deltas = (gates, N_GATES * d_hidden);
            // SAFETY: the later step is finished.
            unsafe { pull_back.add_step(READ_STATE, deltas, later, tile, d_h, product) };
        }
        arch.dispatch(BackwardRows {
            at,
            tile,
            reset,
            d_h,
            scratch: product,
            gradient: pass.gradient,
            states,
            unit_masks: pass.unit_masks,
            gates,
            candidate,
            carried,
        });
    });
}

/// The point-wise part of half a step back, for some rows and units; without a step, what is left
/// for `h_0`.
struct BackwardRows<'a, 'b, T> {
    at: WalkedBack,
    tile: Tile<'b>,
    /// Whether it is the half of the reset gate.
    reset: bool,
    /// What comes back through a product, `[rows, padded units]`.
    d_h: &'b mut [T],
    /// As large, of any values.
    scratch: &'b mut [T],
    gradient: &'a [T],
    states: (&'a [T], &'a [T]),
    unit_masks: UnitMasks<'a, T>,
    gates: Shared<'a, T>,
    candidate: Shared<'a, T>,
    /// What comes back to the state otherwise.
    carried: Shared<'a, T>,
}

impl<T: Real> WithSimd for BackwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { tile, .. } = self;
        let scratch = self.scratch.chunks_exact_mut(tile.width());
        let rows = tile.rows.clone().zip(self.d_h.chunks_exact_mut(tile.width())).zip(scratch);
        for ((row, d_h), scratch) in rows {
            let (d_h, scratch) = (&mut d_h[..tile.units.len()], &mut scratch[..tile.units.len()]);
            // SAFETY: this task alone has these rows and units.
            let carried = unsafe { self.carried.write(tile.at(row)) };
            let Some(t) = self.at.step_of(row) else {
                add(carried, d_h);
                continue;
            };
            let before = previous(self.states, t, row, tile);
            // SAFETY: as above; each gate is another part of the buffer.
            let gate = |gate| unsafe { self.gates.write(tile.at_gate(t, row, gate)) };
            if self.reset {
                through_reset(gate(0), carried, d_h, before);
            } else {
                add(d_h, carried);
                add_gradient(d_h, &self.gradient[tile.at_step(t, row)]);
                let (z, n) = (gate(1), gate(2));
                let masks = (self.unit_masks.at(t, row, tile), scratch);
                through_update::<S, T>([z, n], carried, d_h, before, masks);
                // SAFETY: as above.
                unsafe { self.candidate.write(tile.at(row)) }.copy_from_slice(n);
            }
        }
    }
}

/// Back through `r ∘ h ∘ z_h`, given the gradient of it times `z_h`: `r ← δ_r`, and what the state
/// gets is added to `carried`.
#[inline(always)]
fn through_reset<T: Real>(r: &mut [T], carried: &mut [T], through_product: &[T], before: &[T]) {
    let len = r.len();
    let (carried, before) = (&mut carried[..len], &before[..len]);
    let through_product = &through_product[..len];
    for j in 0..len {
        let passed = through_product[j] * r[j];
        carried[j] += passed;
        r[j] = passed * before[j] * (T::ONE - r[j]);
    }
}
