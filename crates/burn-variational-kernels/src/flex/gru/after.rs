//! `n = tanh(x_n + r ∘ ((h ∘ z_h) U_n + b_hn))`: the reset gate acts after the product.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{Backward, Forward, N_GATES, previous, through_update, update};
use crate::flex::activation::{mul_add, tanh};
use crate::flex::arch::arch;
use crate::flex::entering::Entering;
use crate::flex::panels::{PANEL_UNITS, Panels, padded};
use crate::flex::pointwise::{add, add_sigmoid};
use crate::flex::pool::Scratch;
use crate::flex::pull_back::PullBack;
use crate::flex::real::Real;
use crate::flex::schedule::{MAX_ROWS, Schedule};
use crate::flex::shared::Shared;
use crate::operation::Sizes;

/// Runs the recurrence over all steps.
pub(in crate::flex) fn forward<T: Real>(sizes: Sizes, pass: Forward<'_, T>) {
    let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
    let panels = Panels::of_weights(pass.recurrent, sizes);
    let (gates, inner) = (Shared::new(pass.gates), Shared::new(pass.inner));
    let kept_steps = inner.len() / (batch_size * d_hidden);
    let packed = Shared::new(pass.packed);
    let mut masked = Scratch::new(Entering::n_masked(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut masked);
    let arch = arch();

    Schedule::new::<T>(sizes).run(
        seq_length,
        N_GATES * MAX_ROWS * PANEL_UNITS,
        |scratch, t, rows, units| {
            let len = rows.len() * padded(units.len());
            for gate in 0..N_GATES {
                // SAFETY: the step before is a stage of its own.
                let states = unsafe { entering.rows(t, gate, rows) };
                let output = &mut scratch[gate * len..][..len];
                panels.product(units, gate..gate + 1, (states, d_hidden, rows.len()), output);
            }
            arch.dispatch(ForwardRows {
                sizes,
                t,
                rows,
                units,
                products: &scratch[..N_GATES * len],
                candidate_bias: pass.candidate_bias,
                gates,
                inner,
                kept_steps,
                packed,
                entering: &entering,
            });
        },
    );
}

/// The point-wise part of one step, for some rows and units.
struct ForwardRows<'a, 'b, T> {
    sizes: Sizes,
    t: usize,
    rows: &'b Range<usize>,
    units: &'b Range<usize>,
    /// `[n_gates, rows, padded units]`.
    products: &'b [T],
    candidate_bias: Option<&'a [T]>,
    gates: Shared<'a, T>,
    inner: Shared<'a, T>,
    kept_steps: usize,
    packed: Shared<'a, T>,
    entering: &'b Entering<'a, T>,
}

impl<T: Real> WithSimd for ForwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { sizes, t, rows, units, .. } = self;
        let Sizes { batch_size, d_hidden, .. } = sizes;
        let width = padded(units.len());
        let at = |row: usize| row * d_hidden + units.start..row * d_hidden + units.end;
        for (local, row) in rows.clone().enumerate() {
            let product =
                |gate: usize| &self.products[(gate * rows.len() + local) * width..][..units.len()];
            // SAFETY: this task alone has these rows and units of this step; each range is another
            // part of its buffer. The step before is finished.
            let (r, z, n, q, h, before) = unsafe {
                let gate = |gate| self.gates.write(at((t * batch_size + row) * N_GATES + gate));
                let q = self.inner.write(at((t % self.kept_steps) * batch_size + row));
                let h = self.packed.write(at(t * batch_size + row));
                (gate(0), gate(1), gate(2), q, h, self.entering.state(t, row, units))
            };
            add_sigmoid::<S, T>(r, product(0));
            add_sigmoid::<S, T>(z, product(1));
            q.copy_from_slice(product(2));
            if let Some(bias) = self.candidate_bias {
                add(q, &bias[units.clone()]);
            }
            candidate::<S, T>(n, r, q);
            update::<S, T>(h, before, z, n);
            // SAFETY: as above.
            unsafe { self.entering.set(t, row, units, h) };
        }
    }
}

/// `n ← tanh(n + r ∘ q)`.
#[inline(always)]
fn candidate<S: Simd, T: Real>(n: &mut [T], r: &[T], q: &[T]) {
    for ((n, &r), &q) in n.iter_mut().zip(r).zip(q) {
        *n = tanh::<S, T>(mul_add::<S, T>(r, q, *n));
    }
}

/// Walks back over all steps. One stage more than there are steps gives the gradient of `h_0`.
pub(in crate::flex) fn backward<T: Real>(sizes: Sizes, pass: Backward<'_, T>) {
    let Sizes { seq_length, d_hidden, .. } = sizes;
    let pull_back = PullBack::new(pass.recurrent, pass.masks, sizes);
    let (gates, inner) = (Shared::new(pass.gates), Shared::new(pass.inner));
    let carried = Shared::new(pass.d_hidden);
    let states = (pass.hidden, pass.packed);
    let arch = arch();

    Schedule::new::<T>(sizes).run(
        seq_length + 1,
        2 * MAX_ROWS * PANEL_UNITS,
        |scratch, stage, rows, units| {
            let len = rows.len() * padded(units.len());
            let (d_h, product) = scratch[..2 * len].split_at_mut(len);
            d_h.fill(T::ZERO);
            if stage > 0 {
                let (task, later) = ((rows, units), seq_length - stage);
                let (of_gates, of_products) = ((gates, N_GATES * d_hidden), (inner, d_hidden));
                // SAFETY: the step after this one is a stage of its own, and finished.
                unsafe {
                    pull_back.add_step(0..2, of_gates, later, task, d_h, product);
                    pull_back.add_step(2..3, of_products, later, task, d_h, product);
                }
            }
            let t = seq_length.checked_sub(stage + 1);
            arch.dispatch(BackwardRows {
                sizes,
                t,
                rows,
                units,
                d_h,
                gradient: pass.gradient,
                states,
                gates,
                inner,
                carried,
            });
        },
    );
}

/// The point-wise part of one step back, for some rows and units; without a step, what is left for
/// `h_0`.
struct BackwardRows<'a, 'b, T> {
    sizes: Sizes,
    t: Option<usize>,
    rows: &'b Range<usize>,
    units: &'b Range<usize>,
    /// What comes back through the products of the next step, `[rows, padded units]`.
    d_h: &'b mut [T],
    gradient: &'a [T],
    states: (&'a [T], &'a [T]),
    gates: Shared<'a, T>,
    inner: Shared<'a, T>,
    /// What comes back through the update of the next step.
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
            add(d_h, carried);
            let Some(t) = self.t else {
                carried.copy_from_slice(d_h);
                continue;
            };
            add(d_h, &self.gradient[at(t * batch_size + row)]);
            // SAFETY: as above; each range is another part of its buffer.
            let (r, z, n, q) = unsafe {
                let gate = |gate| self.gates.write(at((t * batch_size + row) * N_GATES + gate));
                (gate(0), gate(1), gate(2), self.inner.write(at(t * batch_size + row)))
            };
            let before = previous(self.states, t, at(row));
            through_update::<S, T>(z, n, carried, d_h, before);
            through_reset(r, q, n);
        }
    }
}

/// Back through `x_n + r ∘ q`: `r, q ← δ_r, δ_q`.
#[inline(always)]
fn through_reset<T: Real>(r: &mut [T], q: &mut [T], delta_n: &[T]) {
    for ((r, q), &delta_n) in r.iter_mut().zip(q).zip(delta_n) {
        let delta_q = delta_n * *r;
        *r = delta_q * *q * (T::ONE - *r);
        *q = delta_q;
    }
}
