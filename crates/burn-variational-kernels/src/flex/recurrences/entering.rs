//! What enters the gates: the state of the step before, masked.

use std::ops::Range;

use crate::flex::memory::Shared;
use crate::flex::numbers::Real;
use crate::flex::products::{MaskValues, Panels, write_masked};
use crate::flex::sharing::{Sizes, Tile};

/// The states that enter the step at hand and the next, masked, in turns.
#[derive(Debug)]
pub(crate) struct Entering<'a, T> {
    sizes: Sizes<'a>,
    masks: MaskValues<'a, T>,
    /// `h_0`.
    initial: &'a [T],
    /// `h_t` of all steps.
    states: Shared<'a, T>,
    n_copies: usize,
    /// `[2, copies, batch_size, d_hidden]`.
    copies: Shared<'a, T>,
}

impl<'a, T: Real> Entering<'a, T> {
    /// The copies of a state to set aside: one for each mask. Where there is none, states are read
    /// as they lie, unless some rows of a step come from the step before it and others begin.
    fn n_copies(masks: &MaskValues<'a, T>, sizes: Sizes<'a>) -> usize {
        let steps = sizes.steps;
        let mixed = steps.is_backwards() && !steps.is_regular();
        masks.n_copies().max(usize::from(mixed))
    }

    /// The elements to set aside for copies.
    pub(crate) fn copies_len(masks: &MaskValues<'a, T>, sizes: Sizes<'a>) -> usize {
        2 * Self::n_copies(masks, sizes) * sizes.state_len()
    }

    /// Ready for the first step of every row. `buffer` has [`copies_len`](Self::copies_len)
    /// elements.
    pub(crate) fn new(
        sizes: Sizes<'a>,
        masks: MaskValues<'a, T>,
        initial: &'a [T],
        states: Shared<'a, T>,
        buffer: &'a mut [T],
    ) -> Self {
        let n_copies = Self::n_copies(&masks, sizes);
        let Sizes { steps, d_hidden, .. } = sizes;
        // Rows that begin later find their initial state at whichever turn that is.
        for (copy, output) in buffer.chunks_exact_mut(initial.len()).enumerate() {
            let mask = masks.copy(copy % n_copies);
            let states = initial.chunks_exact(d_hidden).zip(output.chunks_exact_mut(d_hidden));
            for (row, (state, output)) in states.enumerate() {
                let mask = mask.map(|mask| mask.at(steps, (steps.first(row), row), &(0..d_hidden)));
                write_masked(output, state, mask);
            }
        }
        Self { sizes, masks, initial, states, n_copies, copies: Shared::new(buffer) }
    }

    /// `(h_{t-1} ∘ z_k) U_k` for neighbouring gates `k`, `[gates, rows, padded units]`.
    ///
    /// # Safety
    ///
    /// The step before `t` of these rows is finished.
    pub(crate) unsafe fn products(
        &self,
        panels: &Panels<'_, T>,
        t: usize,
        gates: Range<usize>,
        tile: Tile<'_>,
        output: &mut [T],
    ) {
        if tile.rows.len() == 1 && self.n_copies <= 1 && panels.joins(tile.units) {
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

    /// Rows of `h_{t-1} ∘ z_k`, one after the other.
    ///
    /// # Safety
    ///
    /// The step before `t` of these rows is finished.
    pub(crate) unsafe fn rows(&self, t: usize, gate: usize, rows: &Range<usize>) -> &'a [T] {
        let Sizes { steps, d_hidden, .. } = self.sizes;
        let range = |first: usize| (first + rows.start) * d_hidden..(first + rows.end) * d_hidden;
        if self.n_copies > 0 {
            let copy = self.copy_row(t, self.masks.copy_of_gate(gate));
            // SAFETY: copies of step `t` are written by the step before it, and again by the one
            // after it only.
            return unsafe { self.copies.read(range(copy)) };
        }
        match steps.row_before(t, 0) {
            None => &self.initial[range(0)],
            // SAFETY: what an earlier step wrote is written no more.
            Some(first) => unsafe { self.states.read(range(first)) },
        }
    }

    /// Units of one row of `h_{t-1}` itself.
    ///
    /// # Safety
    ///
    /// The step before `t` of this row and these units is finished.
    pub(crate) unsafe fn state(&self, t: usize, row: usize, tile: Tile<'_>) -> &'a [T] {
        match self.sizes.steps.row_before(t, row) {
            None => &self.initial[tile.at(row)],
            // SAFETY: what an earlier step wrote is written no more.
            Some(before) => unsafe { self.states.read(tile.at(before)) },
        }
    }

    /// Masks units of one row of `h_t`, which enter the next step: by that step's mask.
    ///
    /// # Safety
    ///
    /// This task alone has this row and these units at step `t`.
    #[inline(always)]
    pub(crate) unsafe fn set(&self, t: usize, row: usize, tile: Tile<'_>, h: &[T]) {
        let steps = self.sizes.steps;
        let Some(next) = steps.after(t, row) else { return };
        for copy in 0..self.n_copies {
            let range = tile.at(self.copy_row(next, copy) + row);
            // SAFETY: the caller owns them; readers of step `t` read the other half.
            let output = unsafe { self.copies.write(range) };
            let mask = self.masks.copy(copy).map(|mask| mask.at(steps, (next, row), tile.units));
            write_masked(output, h, mask);
        }
    }

    fn copy_row(&self, t: usize, copy: usize) -> usize {
        ((t % 2) * self.n_copies + copy) * self.sizes.batch_size()
    }
}
