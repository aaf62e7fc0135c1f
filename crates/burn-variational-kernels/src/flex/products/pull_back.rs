//! `Σ_k (δ_k U_kᵀ) ∘ z_k`: from the gates of a step back to the state that entered it.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::masks::{Mask, MaskValues};
use super::panels::Panels;
use crate::flex::memory::Shared;
use crate::flex::numbers::{Real, arch, mul_add};
use crate::flex::sharing::{Schedule, Tile};

/// The transposed recurrent weights with their masks.
#[derive(Debug)]
pub(crate) struct PullBack<'a, T> {
    panels: Panels<'a, T>,
    masks: MaskValues<'a, T>,
    d_hidden: usize,
    arch: Arch,
}

impl<'a, T: Real> PullBack<'a, T> {
    pub(crate) fn new(
        recurrent: &'a [T],
        masks: MaskValues<'a, T>,
        schedule: &Schedule<'_>,
    ) -> Self {
        let panels = Panels::of_transposed_weights(recurrent, schedule);
        Self { panels, masks, d_hidden: schedule.sizes.d_hidden, arch: arch() }
    }

    /// [`add`](Self::add) for step `t` of `deltas`, `[n_rows, stride]`, to those rows that it has.
    ///
    /// # Safety
    ///
    /// That step is finished.
    pub(crate) unsafe fn add_step(
        &self,
        gates: Range<usize>,
        (deltas, stride): (Shared<'_, T>, usize),
        t: usize,
        tile: Tile<'_>,
        d_h: &mut [T],
        product: &mut [T],
    ) {
        let steps = tile.sizes.steps;
        let rows = tile.among(steps.n_at(t));
        if rows.is_empty() {
            return;
        }
        let tile = Tile { rows: &rows, ..tile };
        let range = steps.row(t, rows.start) * stride..steps.row(t, rows.end) * stride;
        // SAFETY: the caller's: what an earlier stage wrote is written no more.
        let deltas = unsafe { deltas.read(range) };
        let len = tile.product_len();
        self.add(gates, (deltas, stride), t, tile, &mut d_h[..len], &mut product[..len]);
    }

    /// Adds what comes back through neighbouring gates of step `t` to `d_h`, `[rows, padded
    /// units]`. `deltas` starts at the first of the gates in the first of the rows, which lie
    /// `stride` apart. `product` is scratch as large as `d_h`.
    pub(crate) fn add(
        &self,
        gates: Range<usize>,
        (deltas, stride): (&[T], usize),
        t: usize,
        tile: Tile<'_>,
        d_h: &mut [T],
        product: &mut [T],
    ) {
        let first = gates.start;
        for run in self.masks.runs(gates) {
            let deltas = &deltas[(run.start - first) * self.d_hidden..];
            let mask = self.masks.of_gate(run.start);
            self.panels.product(tile.units, run, (deltas, stride, tile.rows.len()), product);
            self.arch.dispatch(AddMasked { d_h, product, mask, t, tile });
        }
    }
}

/// `d_h += product ∘ z` for some rows and units.
struct AddMasked<'b, T> {
    d_h: &'b mut [T],
    product: &'b [T],
    mask: Option<Mask<'b, T>>,
    t: usize,
    tile: Tile<'b>,
}

impl<T: Real> WithSimd for AddMasked<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { t, tile, .. } = self;
        let Some(mask) = self.mask else {
            for (d_h, &product) in self.d_h.iter_mut().zip(self.product) {
                *d_h += product;
            }
            return;
        };
        let rows = tile.rows.clone().zip(self.d_h.chunks_exact_mut(tile.width()));
        for ((row, d_h), product) in rows.zip(self.product.chunks_exact(tile.width())) {
            let mask = mask.at(tile.sizes.steps, (t, row), tile.units);
            for ((d_h, &product), &z) in d_h.iter_mut().zip(product).zip(mask) {
                *d_h = mul_add::<S, T>(product, z, *d_h);
            }
        }
    }
}
