//! The recurrent weights as the matrix product reads them: laid out once for a sequence, or as they
//! lie.

use std::ops::Range;

use super::product::{Operand, Product};
use crate::flex::memory::Scratch;
use crate::flex::numbers::Real;
use crate::flex::sharing::{Schedule, Sizes, Threads, padded};

/// Weights cut into blocks of neighbouring units.
#[derive(Debug)]
pub(crate) struct Panels<'a, T> {
    layout: Layout<'a, T>,
    d_hidden: usize,
    n_gates: usize,
}

#[derive(Debug)]
enum Layout<'a, T> {
    /// A contiguous panel for each block and gate: a product streams it from memory once, and finds
    /// it in the cache for the further rows.
    Panels(Scratch<T>),
    /// `[d_hidden, n_gates · d_hidden]`, for `h · U`.
    Weights(&'a [T]),
    /// The same, for `δ · Uᵀ`.
    Transposed(&'a [T]),
}

impl<'a, T: Real> Panels<'a, T> {
    /// For `h · U`: panel of units `j` and gate `k` holds `U[i, k·H + j]` at row `i`.
    pub(crate) fn of_weights(recurrent: &'a [T], schedule: &Schedule<'_>) -> Self {
        if !schedule.in_panels {
            return Self::new(Layout::Weights(recurrent), schedule.sizes);
        }
        Self::fill(schedule, |panel, units, gate| {
            let Sizes { d_hidden, n_gates, .. } = schedule.sizes;
            let width = padded(units.len());
            for (row, panel) in panel.chunks_exact_mut(width).enumerate() {
                let start = row * n_gates * d_hidden + gate * d_hidden;
                let source = &recurrent[start + units.start..start + units.end];
                let (panel, padding) = panel.split_at_mut(units.len());
                panel.copy_from_slice(source);
                padding.fill(T::ZERO);
            }
        })
    }

    /// For `δ · Uᵀ`: panel of units `j` and gate `k` holds `U[j, k·H + i]` at row `i`.
    pub(crate) fn of_transposed_weights(recurrent: &'a [T], schedule: &Schedule<'_>) -> Self {
        // Rows at a time: a tile of the panel stays in the first cache while all units fill it.
        const ROWS: usize = 32;
        if !schedule.in_panels {
            return Self::new(Layout::Transposed(recurrent), schedule.sizes);
        }
        Self::fill(schedule, |panel, units, gate| {
            let Sizes { d_hidden, n_gates, .. } = schedule.sizes;
            let width = padded(units.len());
            for (tile, panel) in panel.chunks_mut(ROWS * width).enumerate() {
                for row in panel.chunks_exact_mut(width) {
                    row[units.len()..].fill(T::ZERO);
                }
                for (column, unit) in units.clone().enumerate() {
                    let start = unit * n_gates * d_hidden + gate * d_hidden + tile * ROWS;
                    let source = &recurrent[start..start + panel.len() / width];
                    for (row, &value) in source.iter().enumerate() {
                        panel[row * width + column] = value;
                    }
                }
            }
        })
    }

    fn new(layout: Layout<'a, T>, Sizes { d_hidden, n_gates, .. }: Sizes<'_>) -> Self {
        Self { layout, d_hidden, n_gates }
    }

    /// Fills the panels of all units and gates, several at a time.
    fn fill(schedule: &Schedule<'_>, fill: impl Fn(&mut [T], Range<usize>, usize) + Sync) -> Self {
        let Sizes { d_hidden, n_gates, .. } = schedule.sizes;
        let mut values = Scratch::new(n_gates * d_hidden * padded(d_hidden));
        rayon::scope(|scope| {
            let (fill, mut rest) = (&fill, &mut values[..]);
            for units in &schedule.blocks {
                let panel_len = d_hidden * padded(units.len());
                let block = rest.split_off_mut(..n_gates * panel_len).expect("room for all blocks");
                scope.spawn(move |_| {
                    for (gate, panel) in block.chunks_exact_mut(panel_len).enumerate() {
                        fill(panel, units.clone(), gate);
                    }
                });
            }
        });
        Self::new(Layout::Panels(values), schedule.sizes)
    }

    /// `Σ_k rows_k · U_k` over neighbouring gates `k`, for the units of one block: `[rows, padded
    /// units]`, row-major, whose padding has any value. `rows` holds, for each row, `d_hidden`
    /// elements of each of the gates, one after the other, at every `stride`.
    pub(crate) fn product(
        &self,
        block: &Range<usize>,
        gates: Range<usize>,
        (rows, stride, n_rows): (&[T], usize, usize),
        output: &mut [T],
    ) {
        let width = padded(block.len());
        let depth = gates.len() * self.d_hidden;
        let (right, columns) = self.block(block, gates.start);
        let product = Product { left: (rows, stride, 1), right, dims: [n_rows, depth, columns] };
        product.write(output, width, false, Threads::One);
    }

    /// Whether neighbouring gates lie side by side for the units of a block: all of them, of weights
    /// read as they lie.
    pub(crate) fn joins(&self, block: &Range<usize>) -> bool {
        matches!(self.layout, Layout::Weights(_)) && block.len() == self.d_hidden
    }

    /// A row times the weights of neighbouring gates that lie side by side, `[gates, padded units]`:
    /// each row of the weights is read at a stretch, which is what a single step waits for.
    pub(crate) fn joined_product(&self, gates: Range<usize>, row: &[T], output: &mut [T]) {
        let (d_hidden, n_gates) = (self.d_hidden, gates.len());
        let (right, _) = self.block(&(0..d_hidden), gates.start);
        let columns = n_gates * d_hidden;
        let product = Product { left: (row, d_hidden, 1), right, dims: [1, d_hidden, columns] };
        product.write(output, columns, false, Threads::One);
        for gate in (1..n_gates).rev() {
            let columns = gate * d_hidden..(gate + 1) * d_hidden;
            output.copy_within(columns, gate * padded(d_hidden));
        }
    }

    /// The weights of a block from gate `gate` on, and the columns to multiply.
    fn block(&self, block: &Range<usize>, gate: usize) -> (Operand<'_, T>, usize) {
        let width = self.n_gates * self.d_hidden;
        let first = gate * self.d_hidden;
        match &self.layout {
            Layout::Panels(values) => {
                let columns = padded(block.len());
                let start = block.start * width + first * columns;
                ((&values[start..], columns, 1), columns)
            }
            Layout::Weights(values) => ((&values[first + block.start..], width, 1), block.len()),
            Layout::Transposed(values) => {
                ((&values[block.start * width + first..], 1, width), block.len())
            }
        }
    }
}
