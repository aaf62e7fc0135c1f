//! The recurrent weights as the matrix product reads them, laid out once for a sequence.

use std::ops::Range;

use super::product::Product;
use crate::flex::memory::Scratch;
use crate::flex::numbers::Real;
use crate::flex::sharing::{Threads, blocks, padded};
use crate::operands::Sizes;

/// Weights cut into panels of neighbouring units, each panel contiguous: a product streams it from
/// memory once, and finds it in the cache for the further rows.
#[derive(Debug)]
pub(crate) struct Panels<T> {
    values: Scratch<T>,
    d_hidden: usize,
    n_gates: usize,
}

impl<T: Real> Panels<T> {
    /// For `h · U`: panel of units `j` and gate `k` holds `U[i, k·H + j]` at row `i`.
    pub(crate) fn of_weights(recurrent: &[T], sizes: Sizes) -> Self {
        Self::fill(sizes, |panel, units, gate| {
            let Sizes { d_hidden, n_gates, .. } = sizes;
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
    pub(crate) fn of_transposed_weights(recurrent: &[T], sizes: Sizes) -> Self {
        // Rows at a time: a tile of the panel stays in the first cache while all units fill it.
        const ROWS: usize = 32;
        Self::fill(sizes, |panel, units, gate| {
            let Sizes { d_hidden, n_gates, .. } = sizes;
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

    /// Fills the panels of all units and gates, several at a time.
    fn fill(sizes: Sizes, fill: impl Fn(&mut [T], Range<usize>, usize) + Sync) -> Self {
        let Sizes { d_hidden, n_gates, .. } = sizes;
        let mut values = Scratch::new(n_gates * d_hidden * padded(d_hidden));
        rayon::scope(|scope| {
            let (fill, mut rest) = (&fill, &mut values[..]);
            for units in blocks(d_hidden) {
                let panel_len = d_hidden * padded(units.len());
                let block = rest.split_off_mut(..n_gates * panel_len).expect("room for all blocks");
                scope.spawn(move |_| {
                    for (gate, panel) in block.chunks_exact_mut(panel_len).enumerate() {
                        fill(panel, units.clone(), gate);
                    }
                });
            }
        });
        Self { values, d_hidden, n_gates }
    }

    /// `Σ_k rows_k · panel_k` over neighbouring gates `k`, for the units of one block: `[rows,
    /// padded units]`, row-major. `rows` holds, for each row, `d_hidden` elements of each of the
    /// gates, one after the other, at every `stride`.
    pub(crate) fn product(
        &self,
        block: &Range<usize>,
        gates: Range<usize>,
        (rows, stride, n_rows): (&[T], usize, usize),
        output: &mut [T],
    ) {
        let width = padded(block.len());
        let depth = gates.len() * self.d_hidden;
        let start =
            block.start * self.n_gates * self.d_hidden + gates.start * self.d_hidden * width;
        let panel = &self.values[start..start + depth * width];
        let product = Product {
            left: (rows, stride, 1),
            right: (panel, width, 1),
            dims: [n_rows, depth, width],
        };
        product.write(output, width, false, Threads::One);
    }
}
