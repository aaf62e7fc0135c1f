//! What one task computes: some rows and units of a step.

use std::ops::Range;

use super::blocks::padded;
use super::sizes::Sizes;
use crate::flex::numbers::Real;

/// Rows and units of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tile<'a> {
    pub(crate) sizes: Sizes<'a>,
    pub(crate) rows: &'a Range<usize>,
    pub(crate) units: &'a Range<usize>,
}

impl Tile<'_> {
    /// The length of a row of a product: the units, padded to whole vectors.
    pub(crate) fn width(&self) -> usize {
        padded(self.units.len())
    }

    /// The elements of a product.
    pub(crate) fn product_len(&self) -> usize {
        self.rows.len() * self.width()
    }

    /// The units of row `row` of a buffer, `[…, d_hidden]`.
    #[inline(always)]
    pub(crate) fn at(&self, row: usize) -> Range<usize> {
        let start = row * self.sizes.d_hidden;
        start + self.units.start..start + self.units.end
    }

    /// The units of row `row` at step `t` of `[n_rows, d_hidden]`.
    #[inline(always)]
    pub(crate) fn at_step(&self, t: usize, row: usize) -> Range<usize> {
        self.at(self.sizes.steps.row(t, row))
    }

    /// The units of row `row` at step `t` of a gate, in `[n_rows, n_gates, d_hidden]`.
    #[inline(always)]
    pub(crate) fn at_gate(&self, t: usize, row: usize, gate: usize) -> Range<usize> {
        self.at(self.sizes.steps.row(t, row) * self.sizes.n_gates + gate)
    }

    /// The rows of it that are among the first so many of the batch.
    pub(crate) fn among(&self, n_rows: usize) -> Range<usize> {
        self.rows.start.min(n_rows)..self.rows.end.min(n_rows)
    }

    /// The units of row `row` in products of several gates, `[gates, rows, width]`.
    #[inline(always)]
    pub(crate) fn of_product<'p, T>(&self, products: &'p [T], gate: usize, row: usize) -> &'p [T] {
        let row = gate * self.rows.len() + row - self.rows.start;
        &products[row * self.width()..][..self.units.len()]
    }

    /// Zeros to add to, and room for a product.
    pub(crate) fn sum_and_product<'s, T: Real>(
        &self,
        scratch: &'s mut [T],
    ) -> (&'s mut [T], &'s mut [T]) {
        let len = self.product_len();
        let (sum, product) = scratch[..2 * len].split_at_mut(len);
        sum.fill(T::ZERO);
        (sum, product)
    }
}
