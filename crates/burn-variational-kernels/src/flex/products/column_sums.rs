//! Sums over all rows: the gradients of biases.

use rayon::prelude::*;

use crate::flex::numbers::Real;

/// The column sums of `[rows, width]`: the gradient of a bias.
pub(crate) fn column_sums<T: Real>(deltas: &[T], output: &mut [T]) {
    weighted_column_sums(deltas, |_| T::ONE, output);
}

/// The column sums of `[rows, width]` with a weight for each row. Every sum is over all rows in
/// order, whatever threads there are.
pub(crate) fn weighted_column_sums<T: Real>(
    deltas: &[T],
    weight: impl Fn(usize) -> T + Sync,
    output: &mut [T],
) {
    const COLUMNS: usize = 128;
    let width = output.len();
    output.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, sums)| {
        sums.fill(T::ZERO);
        for (n, row) in deltas.chunks_exact(width).enumerate() {
            let weight = weight(n);
            let row = &row[chunk * COLUMNS..][..sums.len()];
            for (sum, &delta) in sums.iter_mut().zip(row) {
                *sum += weight * delta;
            }
        }
    });
}
