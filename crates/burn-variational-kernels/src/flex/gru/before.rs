//! `n = tanh(x_n + (r ∘ h ∘ z_h) U_n)`: the reset gate acts before the product. The candidate
//! needs the reset gate of all units, so a step is two stages.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{Backward, Forward, N_GATES, previous, through_update, update};
use crate::flex::arch::arch;
use crate::flex::entering::Entering;
use crate::flex::masks::masked;
use crate::flex::panels::{PANEL_UNITS, Panels, padded};
use crate::flex::pointwise::{add, add_sigmoid, add_tanh};
use crate::flex::pool::Scratch;
use crate::flex::pull_back::PullBack;
use crate::flex::real::Real;
use crate::flex::schedule::{MAX_ROWS, Schedule};
use crate::flex::shared::Shared;
use crate::operation::Sizes;

/// The gates that read the state as it is: reset and update.
const READ_STATE: Range<usize> = 0..2;

/// Runs the recurrence over all steps.
pub(in crate::flex) fn forward<T: Real>(sizes: Sizes, pass: Forward<'_, T>) {
    let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
    let panels = Panels::of_weights(pass.recurrent, sizes);
    let (gates, passed) = (Shared::new(pass.gates), Shared::new(pass.inner));
    let kept_steps = passed.len() / (batch_size * d_hidden);
    let packed = Shared::new(pass.packed);
    let mut masked = Scratch::new(Entering::n_masked(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut masked);
    let arch = arch();

    Schedule::new::<T>(sizes).run(
        2 * seq_length,
        READ_STATE.len() * MAX_ROWS * PANEL_UNITS,
        |scratch, stage, rows, units| {
            let (t, n_rows) = (stage / 2, rows.len());
            let len = n_rows * padded(units.len());
            let first_passed = (t % kept_steps) * batch_size;
            let step = Step {
                t,
                sizes,
                rows,
                units,
                first_passed,
                gates,
                passed,
                packed,
                entering: &entering,
            };
            if stage.is_multiple_of(2) {
                for gate in READ_STATE {
                    // SAFETY: the step before is finished.
                    let states = unsafe { entering.rows(t, gate, rows) };
                    let output = &mut scratch[gate * len..][..len];
                    panels.product(units, gate..gate + 1, (states, d_hidden, n_rows), output);
                }
                arch.dispatch(ResetRows { step, products: &scratch[..2 * len] });
            } else {
                let row = |row: usize| (first_passed + row) * d_hidden;
                // SAFETY: the stage before wrote it for all units.
                let states = unsafe { passed.read(row(rows.start)..row(rows.end)) };
                panels.product(units, 2..3, (states, d_hidden, n_rows), &mut scratch[..len]);
                arch.dispatch(CandidateRows { step, products: &scratch[..len] });
            }
        },
    );
}

/// Where a task of the forward pass is.
struct Step<'a, 'b, T> {
    t: usize,
    sizes: Sizes,
    rows: &'b Range<usize>,
    units: &'b Range<usize>,
    first_passed: usize,
    gates: Shared<'a, T>,
    /// `r ∘ h_{t-1} ∘ z_h`.
    passed: Shared<'a, T>,
    packed: Shared<'a, T>,
    entering: &'b Entering<'a, T>,
}

impl<T: Real> Step<'_, '_, T> {
    fn at(&self, row: usize) -> Range<usize> {
        let start = row * self.sizes.d_hidden;
        start + self.units.start..start + self.units.end
    }

    /// Units of one row of a gate.
    ///
    /// # Safety
    ///
    /// The task alone has them.
    #[allow(clippy::mut_from_ref, reason = "the task alone has them")]
    unsafe fn gate(&self, row: usize, gate: usize) -> &mut [T] {
        let row = (self.t * self.sizes.batch_size + row) * N_GATES + gate;
        // SAFETY: the caller's.
        unsafe { self.gates.write(self.at(row)) }
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
        let Step { t, rows, units, .. } = step;
        let width = padded(units.len());
        for (local, row) in rows.clone().enumerate() {
            let product =
                |gate: usize| &products[(gate * rows.len() + local) * width..][..units.len()];
            // SAFETY: this task alone has these rows and units of this step; each range is another
            // part of its buffer. The step before is finished.
            let (r, z, passed, entering) = unsafe {
                let passed = step.passed.write(step.at(step.first_passed + row));
                let entering = step.entering.rows(t, 2, &(row..row + 1));
                (step.gate(row, 0), step.gate(row, 1), passed, &entering[units.clone()])
            };
            add_sigmoid::<S, T>(r, product(0));
            add_sigmoid::<S, T>(z, product(1));
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
        let Step { t, sizes, rows, units, .. } = step;
        let products = products.chunks_exact(padded(units.len()));
        for (row, product) in rows.clone().zip(products) {
            // SAFETY: this task alone has these rows and units of this step; each range is another
            // part of its buffer. The step before is finished.
            let (z, n, h, before) = unsafe {
                let h = step.packed.write(step.at(t * sizes.batch_size + row));
                let before = step.entering.state(t, row, units);
                (step.gate(row, 1), step.gate(row, 2), h, before)
            };
            add_tanh::<S, T>(n, product);
            update::<S, T>(h, before, z, n);
            // SAFETY: as above.
            unsafe { step.entering.set(t, row, units, h) };
        }
    }
}

/// Walks back over all steps, two stages each: the update gate and the candidate, then the reset
/// gate. One more stage gives the gradient of `h_0`.
pub(in crate::flex) fn backward<T: Real>(sizes: Sizes, pass: Backward<'_, T>) {
    let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
    let pull_back = PullBack::new(pass.recurrent, pass.masks, sizes);
    let (gates, carried) = (Shared::new(pass.gates), Shared::new(pass.d_hidden));
    // The candidate's gradients of the step at hand, apart from the gates that change beside them.
    let mut candidate = Scratch::new(batch_size * d_hidden);
    let candidate = Shared::new(&mut candidate);
    let states = (pass.hidden, pass.packed);
    let stride = N_GATES * d_hidden;
    let arch = arch();

    Schedule::new::<T>(sizes).run(
        2 * seq_length + 1,
        2 * MAX_ROWS * PANEL_UNITS,
        |scratch, stage, rows, units| {
            let len = rows.len() * padded(units.len());
            let (d_h, product) = scratch[..2 * len].split_at_mut(len);
            d_h.fill(T::ZERO);
            let (walked, reset) = (stage / 2, !stage.is_multiple_of(2));
            let t = seq_length.checked_sub(walked + 1);
            let task = (rows, units);
            if reset {
                let range = rows.start * d_hidden..rows.end * d_hidden;
                // SAFETY: the stage before wrote it for all units.
                let deltas = unsafe { candidate.read(range) };
                pull_back.add(2..3, (deltas, d_hidden), task, d_h, product);
            } else if walked > 0 {
                let (deltas, later) = ((gates, stride), seq_length - walked);
                // SAFETY: the step after this one is finished.
                unsafe { pull_back.add_step(READ_STATE, deltas, later, task, d_h, product) };
            }
            let gradient = pass.gradient;
            arch.dispatch(BackwardRows {
                sizes,
                t,
                reset,
                rows,
                units,
                d_h,
                gradient,
                states,
                gates,
                candidate,
                carried,
            });
        },
    );
}

/// The point-wise part of half a step back, for some rows and units; without a step, what is left
/// for `h_0`.
struct BackwardRows<'a, 'b, T> {
    sizes: Sizes,
    t: Option<usize>,
    /// Whether it is the half of the reset gate.
    reset: bool,
    rows: &'b Range<usize>,
    units: &'b Range<usize>,
    /// What comes back through a product, `[rows, padded units]`.
    d_h: &'b mut [T],
    gradient: &'a [T],
    states: (&'a [T], &'a [T]),
    gates: Shared<'a, T>,
    candidate: Shared<'a, T>,
    /// What comes back to the state otherwise.
    carried: Shared<'a, T>,
}

impl<T: Real> WithSimd for BackwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { sizes, rows, units, .. } = self;
        let Sizes { batch_size, d_hidden, .. } = sizes;
        let at = |row: usize| row * d_hidden + units.start..row * d_hidden + units.end;
        for (row, d_h) in rows.clone().zip(self.d_h.chunks_exact_mut(padded(units.len()))) {
            let d_h = &mut d_h[..units.len()];
            // SAFETY: this task alone has these rows and units.
            let carried = unsafe { self.carried.write(at(row)) };
            let Some(t) = self.t else {
                add(carried, d_h);
                continue;
            };
            let before = previous(self.states, t, at(row));
            // SAFETY: as above; each gate is another part of the buffer.
            let gate =
                |gate| unsafe { self.gates.write(at((t * batch_size + row) * N_GATES + gate)) };
            if self.reset {
                through_reset(gate(0), carried, d_h, before);
            } else {
                add(d_h, carried);
                add(d_h, &self.gradient[at(t * batch_size + row)]);
                let n = gate(2);
                through_update::<S, T>(gate(1), n, carried, d_h, before);
                // SAFETY: as above.
                unsafe { self.candidate.write(at(row)) }.copy_from_slice(n);
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
