//! `n = tanh(x_n + r ∘ ((h ∘ z_h) U_n + b_hn))`: the reset gate acts after the product.

use pulp::{Simd, WithSimd};

use super::{Backward, Forward, N_GATES, previous, through_update, update};

use crate::flex::memory::{Scratch, Shared};
use crate::flex::numbers::{Real, arch, mul_add, tanh};
use crate::flex::products::{Panels, PullBack};
use crate::flex::recurrences::entering::Entering;
use crate::flex::recurrences::kept::Kept;
use crate::flex::recurrences::pointwise::{add, add_gradient, add_sigmoid};
use crate::flex::recurrences::unit_masks::UnitMasks;
use crate::flex::sharing::{Schedule, Sizes, Tile, WalkedBack};

/// Runs the recurrence over all steps.
pub(crate) fn forward<T: Real>(sizes: Sizes<'_>, pass: Forward<'_, T>) {
    let schedule = Schedule::new::<T>(sizes);
    let panels = Panels::of_weights(pass.recurrent, &schedule);
    let (gates, inner) = (Shared::new(pass.gates), Kept::new(sizes, pass.inner));
    let packed = Shared::new(pass.packed);
    let mut copies = Scratch::new(Entering::copies_len(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut copies);
    let arch = arch();

    schedule.walk(1, N_GATES, |scratch, _, t, tile| {
        let products = &mut scratch[..N_GATES * tile.product_len()];
        // SAFETY: the step before is a stage of its own.
        unsafe { entering.products(&panels, t, 0..N_GATES, tile, products) };
        arch.dispatch(ForwardRows {
            t,
            tile,
            products,
            candidate_bias: pass.candidate_bias,
            unit_masks: pass.unit_masks,
            gates,
            inner,
            packed,
            entering: &entering,
        });
    });
}

/// The point-wise part of one step, for some rows and units.
struct ForwardRows<'a, 'b, T> {
    t: usize,
    tile: Tile<'b>,
    /// `[n_gates, rows, padded units]`.
    products: &'b [T],
    candidate_bias: Option<&'a [T]>,
    unit_masks: UnitMasks<'a, T>,
    gates: Shared<'a, T>,
    inner: Kept<'a, T>,
    packed: Shared<'a, T>,
    entering: &'b Entering<'a, T>,
}

impl<T: Real> WithSimd for ForwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { t, tile, .. } = self;
        for row in tile.rows.clone() {
            let product = |gate: usize| tile.of_product(self.products, gate, row);
            // SAFETY: this task alone has these rows and units of this step; each range is another
            // part of its buffer. The step before is finished.
            let (r, z, n, q, h, before) = unsafe {
                let gate = |gate| self.gates.write(tile.at_gate(t, row, gate));
                let q = self.inner.write(t, row, tile);
                let h = self.packed.write(tile.at_step(t, row));
                (gate(0), gate(1), gate(2), q, h, self.entering.state(t, row, tile))
            };
            add_sigmoid::<S, T>(r, product(0));
            add_sigmoid::<S, T>(z, product(1));
            q.copy_from_slice(product(2));
            if let Some(bias) = self.candidate_bias {
                add(q, &bias[tile.units.clone()]);
            }
            candidate::<S, T>(n, r, q);
            update::<S, T>(h, before, z, n, self.unit_masks.at(t, row, tile));
            // SAFETY: as above.
            unsafe { self.entering.set(t, row, tile, h) };
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
pub(crate) fn backward<T: Real>(sizes: Sizes<'_>, pass: Backward<'_, T>) {
    let d_hidden = sizes.d_hidden;
    let schedule = Schedule::new::<T>(sizes);
    let pull_back = PullBack::new(pass.recurrent, pass.masks, &schedule);
    let (gates, inner) = (Shared::new(pass.gates), Shared::new(pass.inner));
    let carried = Shared::new(pass.d_hidden);
    let states = (pass.hidden, pass.packed);
    let arch = arch();

    schedule.walk_back(1, 2, |scratch, _, at, tile| {
        let (d_h, product) = tile.sum_and_product(scratch);
        if let Some(later) = at.later {
            let (of_gates, of_products) = ((gates, N_GATES * d_hidden), (inner, d_hidden));
            // SAFETY: the later step is a stage of its own, and finished.
            unsafe {
                pull_back.add_step(0..2, of_gates, later, tile, d_h, product);
                pull_back.add_step(2..3, of_products, later, tile, d_h, product);
            }
        }
        arch.dispatch(BackwardRows {
            at,
            tile,
            d_h,
            scratch: product,
            gradient: pass.gradient,
            states,
            unit_masks: pass.unit_masks,
            gates,
            inner,
            carried,
        });
    });
}

/// The point-wise part of one step back, for some rows and units; without a step, what is left for
/// `h_0`.
struct BackwardRows<'a, 'b, T> {
    at: WalkedBack,
    tile: Tile<'b>,
    /// What comes back through the products of the next step, `[rows, padded units]`.
    d_h: &'b mut [T],
    /// As large, of any values.
    scratch: &'b mut [T],
    gradient: &'a [T],
    states: (&'a [T], &'a [T]),
    unit_masks: UnitMasks<'a, T>,
    gates: Shared<'a, T>,
    inner: Shared<'a, T>,
    /// What comes back through the update of the next step.
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
            add(d_h, carried);
            let Some(t) = self.at.step_of(row) else {
                carried.copy_from_slice(d_h);
                continue;
            };
            add_gradient(d_h, &self.gradient[tile.at_step(t, row)]);
            // SAFETY: as above; each range is another part of its buffer.
            let (r, z, n, q) = unsafe {
                let gate = |gate| self.gates.write(tile.at_gate(t, row, gate));
                (gate(0), gate(1), gate(2), self.inner.write(tile.at_step(t, row)))
            };
            let before = previous(self.states, t, row, tile);
            let masks = (self.unit_masks.at(t, row, tile), scratch);
            through_update::<S, T>([z, n], carried, d_h, before, masks);
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
