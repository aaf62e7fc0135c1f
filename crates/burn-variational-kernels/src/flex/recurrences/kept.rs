//! What a forward pass keeps beside the gates: of every step for the way back, or of a few in turns.

use crate::flex::memory::Shared;
use crate::flex::sharing::{Sizes, Tile};

/// Values `[n_rows, d_hidden]` of all steps, or `[turns, batch_size, d_hidden]`.
#[derive(Debug)]
pub(crate) struct Kept<'a, T> {
    values: Shared<'a, T>,
    turns: Option<usize>,
}

impl<T> Clone for Kept<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kept<'_, T> {}

impl<'a, T> Kept<'a, T> {
    /// In a buffer for all rows of all steps, or for as many states as take turns.
    pub(crate) fn new(sizes: Sizes<'_>, values: &'a mut [T]) -> Self {
        let all = values.len() == sizes.steps.n_rows() * sizes.d_hidden;
        let turns = (!all).then_some(values.len() / sizes.state_len());
        Self { values: Shared::new(values), turns }
    }

    /// Units of one row of step `t`, to be written.
    ///
    /// # Safety
    ///
    /// As [`Shared::write`].
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "the caller keeps elements apart")]
    pub(crate) unsafe fn write(&self, t: usize, row: usize, tile: Tile<'_>) -> &'a mut [T] {
        // SAFETY: the caller's.
        unsafe { self.values.write(tile.at(self.row(t, row, tile.sizes))) }
    }

    /// Units of one row of step `t`, to be read.
    ///
    /// # Safety
    ///
    /// As [`Shared::read`].
    #[inline(always)]
    pub(crate) unsafe fn read(&self, t: usize, row: usize, tile: Tile<'_>) -> &'a [T] {
        // SAFETY: the caller's.
        unsafe { self.values.read(tile.at(self.row(t, row, tile.sizes))) }
    }

    /// All units of the rows of a tile at step `t`, one after the other, to be read.
    ///
    /// # Safety
    ///
    /// As [`Shared::read`].
    pub(crate) unsafe fn rows(&self, t: usize, tile: Tile<'_>) -> &'a [T] {
        let first = self.row(t, tile.rows.start, tile.sizes) * tile.sizes.d_hidden;
        // SAFETY: the caller's.
        unsafe { self.values.read(first..first + tile.rows.len() * tile.sizes.d_hidden) }
    }

    fn row(&self, t: usize, row: usize, sizes: Sizes<'_>) -> usize {
        match self.turns {
            None => sizes.steps.row(t, row),
            Some(turns) => t % turns * sizes.batch_size() + row,
        }
    }
}
