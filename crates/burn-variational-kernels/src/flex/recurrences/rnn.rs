//! The simple recurrent network on the CPU.

use pulp::{Simd, WithSimd};

use super::entering::Entering;
use super::pointwise::{add, add_tanh};
use crate::flex::memory::{Scratch, Shared};
use crate::flex::numbers::{Real, arch, mul_add};
use crate::flex::products::{MaskValues, Panels, PullBack};
use crate::flex::sharing::{Schedule, Sizes, Tile};

/// What a forward pass reads and writes.
pub(crate) struct Forward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) hidden: &'a [T],
    pub(crate) projected: &'a [T],
    /// `h_1 … h_T`.
    pub(crate) packed: &'a mut [T],
}

/// Runs the recurrence over all steps.
pub(crate) fn forward<T: Real>(sizes: Sizes, pass: Forward<'_, T>) {
    let seq_length = sizes.seq_length;
    let schedule = Schedule::new::<T>(sizes);
    let panels = Panels::of_weights(pass.recurrent, &schedule);
    let packed = Shared::new(pass.packed);
    let mut masked = Scratch::new(Entering::n_masked(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut masked);
    let arch = arch();

    schedule.run(seq_length, 1, |scratch, t, tile| {
        let products = &mut scratch[..tile.product_len()];
        // SAFETY: the step before is a stage of its own.
        unsafe { entering.products(&panels, t, 0..1, tile, products) };
        let (projected, entering) = (pass.projected, &entering);
        arch.dispatch(ForwardRows { t, tile, products, projected, packed, entering });
    });
}

/// The point-wise part of one step, for some rows and units.
struct ForwardRows<'a, 'b, T> {
    t: usize,
    tile: Tile<'b>,
    products: &'b [T],
    projected: &'a [T],
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
            // SAFETY: as above.
            unsafe { self.entering.set(t, row, tile, h) };
        }
    }
}

/// What a backward pass reads and writes.
pub(crate) struct Backward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) packed: &'a [T],
    /// That of the packed result.
    pub(crate) gradient: &'a [T],
    /// The gradient of the projected inputs, to be filled.
    pub(crate) deltas: &'a mut [T],
    /// The gradient of `h_0`, to be filled.
    pub(crate) d_hidden: &'a mut [T],
}

/// Walks back over all steps. One stage more than there are steps gives the gradient of `h_0`.
pub(crate) fn backward<T: Real>(sizes: Sizes, pass: Backward<'_, T>) {
    let Sizes { seq_length, d_hidden, .. } = sizes;
    let schedule = Schedule::new::<T>(sizes);
    let pull_back = PullBack::new(pass.recurrent, pass.masks, &schedule);
    let (deltas, d_initial) = (Shared::new(pass.deltas), Shared::new(pass.d_hidden));
    let (gradient, packed) = (pass.gradient, pass.packed);
    let arch = arch();

    schedule.run(seq_length + 1, 2, |scratch, stage, tile| {
        let (d_h, product) = tile.sum_and_product(scratch);
        if stage > 0 {
            let (deltas, later) = ((deltas, d_hidden), seq_length - stage);
            // SAFETY: the step after this one is a stage of its own, and finished.
            unsafe { pull_back.add_step(0..1, deltas, later, tile, d_h, product) };
        }
        let t = seq_length.checked_sub(stage + 1);
        arch.dispatch(BackwardRows { t, tile, d_h, gradient, packed, deltas, d_initial });
    });
}

/// The point-wise part of one step back, for some rows and units; without a step, what is left for
/// `h_0`.
struct BackwardRows<'a, 'b, T> {
    t: Option<usize>,
    tile: Tile<'b>,
    /// What the next step hands back, `[rows, padded units]`.
    d_h: &'b mut [T],
    gradient: &'a [T],
    packed: &'a [T],
    deltas: Shared<'a, T>,
    d_initial: Shared<'a, T>,
}

impl<T: Real> WithSimd for BackwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { tile, .. } = self;
        for (row, d_h) in tile.rows.clone().zip(self.d_h.chunks_exact_mut(tile.width())) {
            let d_h = &mut d_h[..tile.units.len()];
            let Some(t) = self.t else {
                // SAFETY: this task alone has these rows and units.
                unsafe { self.d_initial.write(tile.at(row)) }.copy_from_slice(d_h);
                continue;
            };
            let range = tile.at_step(t, row);
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
