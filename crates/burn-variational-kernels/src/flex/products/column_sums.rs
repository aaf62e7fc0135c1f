//! Sums over all rows: the gradients of biases.

use crate::flex::numbers::Real;

/// The column sums of `[rows, width]`: the gradient of a bias.
pub(crate) fn column_sums<T: Real>(deltas: &[T], output: &mut [T]) {
    weighted_column_sums(deltas, |_| T::ONE, output);
}

/// The column sums of `[rows, width]` with a weight for each row.
pub(crate) fn weighted_column_sums<T: Real>(
    deltas: &[T],
    weight: impl Fn(usize) -> T + Sync,
    output: &mut [T],
) {
    sum_halves(deltas, 0, &weight, output);
}

/// Sums up two halves, and then their sums, so that the error grows with the logarithm of the
/// number of rows. `deltas` begins with row `first`. Where it is halved, rows alone say.
fn sum_halves<T: Real>(
    deltas: &[T],
    first: usize,
    weight: &(impl Fn(usize) -> T + Sync),
    output: &mut [T],
) {
    /// So few rows are summed up in order.
    const ROWS: usize = 64;
    let width = output.len();
    let n_rows = deltas.len() / width;
    if n_rows <= ROWS {
        sum_in_order(deltas, first, weight, output);
        return;
    }
    let half = n_rows / 2;
    let (start, end) = deltas.split_at(half * width);
    let mut of_end = vec![T::ZERO; width];
    rayon::join(
        || sum_halves(start, first, weight, output),
        || sum_halves(end, first + half, weight, &mut of_end),
    );
    for (sum, part) in output.iter_mut().zip(of_end) {
        *sum += part;
    }
}

fn sum_in_order<T: Real>(
    deltas: &[T],
    first: usize,
    weight: &impl Fn(usize) -> T,
    output: &mut [T],
) {
    output.fill(T::ZERO);
    for (row, deltas) in deltas.chunks_exact(output.len()).enumerate() {
        let weight = weight(first + row);
        for (sum, &delta) in output.iter_mut().zip(deltas) {
            *sum += weight * delta;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_rows_are_summed_to_a_few_roundings() {
        // One row after the other the sums drift by 1.2e-5, a hundred roundings.
        const TOLERANCE: f64 = 4.0 * f32::EPSILON as f64;
        const ROWS: usize = 100_000;
        const WIDTH: usize = 3;
        let deltas: Vec<f32> =
            (0..ROWS * WIDTH).map(|k| 0.1 + 0.05 * ((k + 1) as f32 * 2.3).sin()).collect();
        let mut sums = [0.0_f32; WIDTH];
        column_sums(&deltas, &mut sums);
        for (column, &sum) in sums.iter().enumerate() {
            let column = deltas.iter().skip(column).step_by(WIDTH);
            let exact: f64 = column.map(|&delta| f64::from(delta)).sum();
            let error = (f64::from(sum) - exact).abs() / exact;
            assert!(error < TOLERANCE, "{error:e}");
        }
    }

    #[test]
    fn weights_belong_to_their_rows() {
        let deltas: Vec<f64> = (0..300).map(f64::from).collect();
        let mut sums = [0.0];
        weighted_column_sums(&deltas, |row| row as f64, &mut sums);
        assert_eq!(sums, [f64::from((0..300).map(|row| row * row).sum::<i32>())]);
    }
}
