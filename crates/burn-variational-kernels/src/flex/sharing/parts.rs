//! Into how many parts work is cut: as many as threads can use, as long as no bit depends on it.
//!
//! `gemm` sums all elements of a product in the same order, whatever rows and columns there are
//! beside them, but for three kinds of products that have kernels of their own: a single row or
//! column, at most [`TINY`] elements, and at most [`SMALL`] rows and columns, where it cuts a depth
//! beyond [`SMALL_DEPTH`] elsewhere. So a part must be of the same kind as the whole.

use crate::flex::numbers::VECTOR;

/// The most elements of a product that `gemm` sums across its depth.
const TINY: usize = 256;

/// The most rows and columns of a product that `gemm` takes for small.
const SMALL: usize = 64;

/// What `gemm` sums up at a time in a small product; in others it is as much or more.
pub(crate) const SMALL_DEPTH: usize = 512;

/// Fewer rows make a part of a product slow.
pub(crate) const MIN_ROWS: usize = 8;

/// Fewer units make a panel slow: two of the widest vectors.
pub(crate) const MIN_UNITS: usize = 2 * VECTOR;

/// The number of parts for the threads at hand: no fewer than `least`, the same for each thread
/// where `most` allows that.
pub(crate) fn n_parts(least: usize, most: usize) -> usize {
    least.next_multiple_of(rayon::current_num_threads()).min(most).max(least)
}

/// The least columns of a part of a product of so many rows, cut at whole vectors.
pub(crate) fn least_columns(rows: usize) -> usize {
    SMALL.max(TINY / rows) + VECTOR
}

/// The least rows of a part of a product of so many columns.
pub(crate) fn least_rows(depth: usize, columns: usize) -> usize {
    let least = if columns <= SMALL && depth > SMALL_DEPTH { SMALL + 1 } else { MIN_ROWS };
    least.max(TINY / columns + 1)
}

/// Whether `gemm` takes a product of so many columns for small if it has few rows.
pub(crate) fn is_narrow(columns: usize) -> bool {
    columns <= SMALL
}
