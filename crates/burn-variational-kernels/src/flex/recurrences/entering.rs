//! What enters the gates: the state of the step before, masked.

use std::ops::Range;

use crate::flex::memory::Shared;
use crate::flex::numbers::Real;
use crate::flex::products::{MaskValues, Panels, masked};
use crate::flex::sharing::{Sizes, Tile};

/// The masked states of the step at hand and of the next, in turns.
#[derive(Debug)]
pub(crate) struct Entering<'a, T> {
    sizes: Sizes,
    masks: MaskValues<'a, T>,
    /// `h_0`.
    initial: &'a [T],
    /// `h_1 … h_T`.
    states: Shared<'a, T>,
    /// `[2, copies, batch_size, d_hidden]`.
    masked: Shared<'a, T>,
}

impl<'a, T: Real> Entering<'a, T> {
    /// The elements to set aside for masked states.
    pub(crate) fn n_masked(masks: &MaskValues<'a, T>, sizes: Sizes) -> usize {
        2 * masks.n_copies() * sizes.batch_size * sizes.d_hidden
    }

    /// Ready for step 0. `buffer` has [`n_masked`](Self::n_masked) elements.
    pub(crate) fn new(
        sizes: Sizes,
        masks: MaskValues<'a, T>,
        initial: &'a [T],
        states: Shared<'a, T>,
        buffer: &'a mut [T],
    ) -> Self {
        for copy in 0..masks.n_copies() {
            let output = &mut buffer[copy * initial.len()..][..initial.len()];
            masked(output, initial, masks.copy(copy));
        }
        Self { sizes, masks, initial, states, masked: Shared::new(buffer) }
    }

    /// `(h_{t-1} ∘ z_k) U_k` for neighbouring gates `k`, `[gates, rows, padded units]`.
    ///
    /// # Safety
    ///
    /// Step `t - 1` of these rows is finished.
    pub(crate) unsafe fn products(
        &self,
        panels: &Panels<'_, T>,
        t: usize,
        gates: Range<usize>,
        tile: Tile<'_>,
        output: &mut [T],
    ) {
        if tile.rows.len() == 1 && self.masks.n_copies() <= 1 && panels.joins(tile.units) {
            // SAFETY: the caller's.
            let row = unsafe { self.rows(t, gates.start, tile.rows) };
            panels.joined_product(gates, row, output);
            return;
        }
        for (gate, output) in gates.zip(output.chunks_exact_mut(tile.product_len())) {
            // SAFETY: the caller's.
            let states = unsafe { self.rows(t, gate, tile.rows) };
            let rows = (states, self.sizes.d_hidden, tile.rows.len());
            panels.product(tile.units, gate..gate + 1, rows, output);
        }
    }

    /// Rows of `h_{t-1} ∘ z_k`, one after the other, for step `t` counted from 0.
    ///
    /// # Safety
    ///
    /// Step `t - 1` of these rows is finished.
    pub(crate) unsafe fn rows(&self, t: usize, gate: usize, rows: &Range<usize>) -> &'a [T] {
        let Sizes { batch_size, d_hidden, .. } = self.sizes;
        let range = |first: usize| (first + rows.start) * d_hidden..(first + rows.end) * d_hidden;
        match self.masks {
            // SAFETY: what an earlier step wrote is written no more; masked copies of step `t` are
            // written by step `t - 1`, and again by step `t + 1` only.
            MaskValues::Identity if t == 0 => &self.initial[range(0)],
            // SAFETY: as above.
            MaskValues::Identity => unsafe { self.states.read(range((t - 1) * batch_size)) },
            // SAFETY: as above.
            _ => unsafe {
                self.masked.read(range(self.copy_row(t, self.masks.copy_of_gate(gate))))
            },
        }
    }

    /// Units of one row of `h_{t-1}` itself.
    ///
    /// # Safety
    ///
    /// Step `t - 1` of this row and these units is finished.
    pub(crate) unsafe fn state(&self, t: usize, row: usize, tile: Tile<'_>) -> &'a [T] {
        match t {
            0 => &self.initial[tile.at(row)],
            // SAFETY: what an earlier step wrote is written no more.
            _ => unsafe { self.states.read(tile.at_step(t - 1, row)) },
        }
    }

    /// Masks units of one row of `h_t`, which enter step `t + 1`.
    ///
    /// # Safety
    ///
    /// This task alone has this row and these units at step `t`.
    #[inline(always)]
    pub(crate) unsafe fn set(&self, t: usize, row: usize, tile: Tile<'_>, h: &[T]) {
        for copy in 0..self.masks.n_copies() {
            let range = tile.at(self.copy_row(t + 1, copy) + row);
            // SAFETY: the caller owns them; readers of step `t` read the other half.
            let output = unsafe { self.masked.write(range) };
            masked(output, h, &self.masks.copy(copy)[tile.at(row)]);
        }
    }

    fn copy_row(&self, t: usize, copy: usize) -> usize {
        ((t % 2) * self.masks.n_copies() + copy) * self.sizes.batch_size
    }
}
