//! The simple recurrent network on the CPU.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::activation::mul_add;
use super::arch::arch;
use super::entering::Entering;
use super::masks::MaskValues;
use super::panels::{PANEL_UNITS, Panels, padded};
use super::pointwise::{add, add_tanh};
use super::pool::Scratch;
use super::pull_back::PullBack;
use super::real::Real;
use super::schedule::{MAX_ROWS, Schedule};
use super::shared::Shared;
use crate::operation::Sizes;

/// What a forward pass reads and writes.
pub(super) struct Forward<'a, T> {
    pub(super) recurrent: &'a [T],
    pub(super) masks: MaskValues<'a, T>,
    pub(super) hidden: &'a [T],
    pub(super) projected: &'a [T],
    /// `h_1 … h_T`.
    pub(super) packed: &'a mut [T],
}

/// Runs the recurrence over all steps.
pub(super) fn forward<T: Real>(sizes: Sizes, pass: Forward<'_, T>) {
    let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
    let panels = Panels::of_weights(pass.recurrent, sizes);
    let packed = Shared::new(pass.packed);
    let mut masked = Scratch::new(Entering::n_masked(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut masked);
    let arch = arch();

    Schedule::new::<T>(sizes).run(seq_length, MAX_ROWS * PANEL_UNITS, |scratch, t, rows, units| {
        let products = &mut scratch[..rows.len() * padded(units.len())];
        // SAFETY: the step before is a stage of its own.
        let states = unsafe { entering.rows(t, 0, rows) };
        panels.product(units, 0..1, (states, d_hidden, rows.len()), products);
        arch.dispatch(ForwardRows {
            t,
            batch_size,
            d_hidden,
            rows,
            units,
            products,
            projected: pass.projected,
            packed,
            entering: &entering,
        });
    });
}

/// The point-wise part of one step, for some rows and units.
struct ForwardRows<'a, 'b, T> {
    t: usize,
    batch_size: usize,
    d_hidden: usize,
    rows: &'b Range<usize>,
    units: &'b Range<usize>,
    products: &'b [T],
    projected: &'a [T],
    packed: Shared<'a, T>,
    entering: &'b Entering<'a, T>,
}

impl<T: Real> WithSimd for ForwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { t, batch_size, d_hidden, rows, units, .. } = self;
        let products = self.products.chunks_exact(padded(units.len()));
        for (row, product) in rows.clone().zip(products) {
            let start = (t * batch_size + row) * d_hidden;
            let range = start + units.start..start + units.end;
            // SAFETY: this task alone has these rows and units of this step.
            let h = unsafe { self.packed.write(range.clone()) };
            h.copy_from_slice(&self.projected[range]);
            add_tanh::<S, T>(h, product);
            // SAFETY: as above.
            unsafe { self.entering.set(t, row, units, h) };
        }
    }
}

/// What a backward pass reads and writes.
pub(super) struct Backward<'a, T> {
    pub(super) recurrent: &'a [T],
    pub(super) masks: MaskValues<'a, T>,
    pub(super) packed: &'a [T],
    /// That of the packed result.
    pub(super) gradient: &'a [T],
    /// The gradient of the projected inputs, to be filled.
    pub(super) deltas: &'a mut [T],
    /// The gradient of `h_0`, to be filled.
    pub(super) d_hidden: &'a mut [T],
}

/// Walks back over all steps. One stage more than there are steps gives the gradient of `h_0`.
pub(super) fn backward<T: Real>(sizes: Sizes, pass: Backward<'_, T>) {
    let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
    let pull_back = PullBack::new(pass.recurrent, pass.masks, sizes);
    let (deltas, d_initial) = (Shared::new(pass.deltas), Shared::new(pass.d_hidden));
    let arch = arch();

    Schedule::new::<T>(sizes).run(
        seq_length + 1,
        2 * MAX_ROWS * PANEL_UNITS,
        |scratch, stage, rows, units| {
            let len = rows.len() * padded(units.len());
            let (d_h, product) = scratch[..2 * len].split_at_mut(len);
            d_h.fill(T::ZERO);
            if stage > 0 {
                let (deltas, task, later) = ((deltas, d_hidden), (rows, units), seq_length - stage);
                // SAFETY: the step after this one is a stage of its own, and finished.
                unsafe { pull_back.add_step(0..1, deltas, later, task, d_h, product) };
            }
            if let Some(t) = seq_length.checked_sub(stage + 1) {
                arch.dispatch(BackwardRows {
                    first_row: t * batch_size,
                    d_hidden,
                    rows,
                    units,
                    d_h,
                    gradient: pass.gradient,
                    packed: pass.packed,
                    deltas,
                });
            } else {
                let width = padded(units.len());
                for (row, d_h) in rows.clone().zip(d_h.chunks_exact(width)) {
                    let range = row * d_hidden + units.start..row * d_hidden + units.end;
                    // SAFETY: this task alone has these rows and units.
                    unsafe { d_initial.write(range) }.copy_from_slice(&d_h[..units.len()]);
                }
            }
        },
    );
}

/// The point-wise part of one step back, for some rows and units.
struct BackwardRows<'a, 'b, T> {
    first_row: usize,
    d_hidden: usize,
    rows: &'b Range<usize>,
    units: &'b Range<usize>,
    /// What the next step hands back, `[rows, padded units]`.
    d_h: &'b mut [T],
    gradient: &'a [T],
    packed: &'a [T],
    deltas: Shared<'a, T>,
}

impl<T: Real> WithSimd for BackwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { first_row, d_hidden, rows, units, .. } = self;
        let width = padded(units.len());
        for (row, d_h) in rows.clone().zip(self.d_h.chunks_exact_mut(width)) {
            let start = (first_row + row) * d_hidden;
            let range = start + units.start..start + units.end;
            let d_h = &mut d_h[..units.len()];
            add(d_h, &self.gradient[range.clone()]);
            // SAFETY: this task alone has these rows and units of this step.
            let delta = unsafe { self.deltas.write(range.clone()) };
            through_tanh::<S, T>(delta, d_h, &self.packed[range]);
        }
    }
}

/// `delta ← d_h ∘ (1 - h²)`.
#[inline(always)]
fn through_tanh<S: Simd, T: Real>(delta: &mut [T], d_h: &[T], h: &[T]) {
    for ((delta, &d_h), &h) in delta.iter_mut().zip(d_h).zip(h) {
        *delta = d_h * mul_add::<S, T>(-h, h, T::ONE);
    }
}
