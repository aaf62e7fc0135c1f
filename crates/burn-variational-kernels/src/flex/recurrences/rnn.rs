//! The simple recurrent network on the CPU.

use pulp::{Simd, WithSimd};

use super::entering::Entering;
use super::pointwise::{add, add_gradient, add_tanh, through_zoneout, zone_out};
use super::unit_masks::UnitMasks;
use crate::flex::memory::{Scratch, Shared};
use crate::flex::numbers::{Real, arch, mul_add};
use crate::flex::products::{MaskValues, Panels, PullBack};
use crate::flex::sharing::{Schedule, Sizes, Tile, WalkedBack};

/// What a forward pass reads and writes.
pub(crate) struct Forward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) unit_masks: UnitMasks<'a, T>,
    pub(crate) hidden: &'a [T],
    pub(crate) projected: &'a [T],
    /// What all steps compute, where it is not `h_t` and the backward pass needs it.
    pub(crate) inner: Option<&'a mut [T]>,
    /// `h_t` of all steps.
    pub(crate) packed: &'a mut [T],
}

/// Runs the recurrence over all steps.
pub(crate) fn forward<T: Real>(sizes: Sizes<'_>, pass: Forward<'_, T>) {
    let schedule = Schedule::new::<T>(sizes);
    let panels = Panels::of_weights(pass.recurrent, &schedule);
    let (inner, packed) = (pass.inner.map(Shared::new), Shared::new(pass.packed));
    let mut copies = Scratch::new(Entering::copies_len(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut copies);
    let arch = arch();

    schedule.walk(1, 1, |scratch, _, t, tile| {
        let products = &mut scratch[..tile.product_len()];
        // SAFETY: the step before is a stage of its own.
        unsafe { entering.products(&panels, t, 0..1, tile, products) };
        arch.dispatch(ForwardRows {
            t,
            tile,
            products,
            projected: pass.projected,
            unit_masks: pass.unit_masks,
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
    products: &'b [T],
    projected: &'a [T],
    unit_masks: UnitMasks<'a, T>,
    inner: Option<Shared<'a, T>>,
    packed: Shared<'a, T>,
    entering: &'b Entering<'a, T>,
}

impl<T: Real> WithSimd for ForwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { t, tile, .. } = self;
        for row in tile.rows.clone() {
            // SAFETY: this task alone has these rows and units of this step.
            let h = unsafe { self.packed.write(tile.at_step(t, row)) };
            h.copy_from_slice(&self.projected[tile.at_step(t, row)]);
            add_tanh::<S, T>(h, tile.of_product(self.products, 0, row));
            if let Some(share) = self.unit_masks.at(t, row, tile).hidden_zoneout {
                if let Some(inner) = self.inner {
                    // SAFETY: as above.
                    unsafe { inner.write(tile.at_step(t, row)) }.copy_from_slice(h);
                }
                // SAFETY: as above; the step before is finished.
                zone_out::<S, T>(h, unsafe { self.entering.state(t, row, tile) }, share);
            }
            // SAFETY: as above.
            unsafe { self.entering.set(t, row, tile, h) };
        }
    }
}

/// What a backward pass reads and writes.
pub(crate) struct Backward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) unit_masks: UnitMasks<'a, T>,
    /// What all steps computed, which is `h_t` without zoneout.
    pub(crate) computed: &'a [T],
    /// That of the packed result.
    pub(crate) gradient: &'a [T],
    /// The gradient of the projected inputs, to be filled.
    pub(crate) deltas: &'a mut [T],
    /// Zeros; the gradient of `h_0` in the end.
    pub(crate) d_hidden: &'a mut [T],
}

/// Walks back over all steps. One stage more than there are steps gives the gradient of `h_0`.
pub(crate) fn backward<T: Real>(sizes: Sizes<'_>, pass: Backward<'_, T>) {
    let d_hidden = sizes.d_hidden;
    let schedule = Schedule::new::<T>(sizes);
    let pull_back = PullBack::new(pass.recurrent, pass.masks, &schedule);
    let (deltas, carried) = (Shared::new(pass.deltas), Shared::new(pass.d_hidden));
    let arch = arch();

    schedule.walk_back(1, 2, |scratch, _, at, tile| {
        let (d_h, product) = tile.sum_and_product(scratch);
        if let Some(later) = at.later {
            // SAFETY: the later step is a stage of its own, and finished.
            unsafe { pull_back.add_step(0..1, (deltas, d_hidden), later, tile, d_h, product) };
        }
        arch.dispatch(BackwardRows {
            at,
            tile,
            d_h,
            gradient: pass.gradient,
            computed: pass.computed,
            unit_masks: pass.unit_masks,
            deltas,
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
    gradient: &'a [T],
    computed: &'a [T],
    unit_masks: UnitMasks<'a, T>,
    deltas: Shared<'a, T>,
    /// What the next step hands back to what it zones out.
    carried: Shared<'a, T>,
}

impl<T: Real> WithSimd for BackwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { tile, .. } = self;
        for (row, d_h) in tile.rows.clone().zip(self.d_h.chunks_exact_mut(tile.width())) {
            let d_h = &mut d_h[..tile.units.len()];
            // SAFETY: this task alone has these rows and units.
            let carried = unsafe { self.carried.write(tile.at(row)) };
            if self.unit_masks.zones_out_hidden() {
                add(d_h, carried);
            }
            let Some(t) = self.at.step_of(row) else {
                carried.copy_from_slice(d_h);
                continue;
            };
            let range = tile.at_step(t, row);
            add_gradient(d_h, &self.gradient[range.clone()]);
            if let Some(share) = self.unit_masks.at(t, row, tile).hidden_zoneout {
                through_zoneout(d_h, carried, share);
            }
            // SAFETY: this task alone has these rows and units of this step.
            let delta = unsafe { self.deltas.write(range.clone()) };
            through_tanh::<S, T>(delta, d_h, &self.computed[range]);
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
