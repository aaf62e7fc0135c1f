//! The quantile of calibration scores that makes an interval cover.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::calibration::CalibrationError;
use crate::calibration::read_back::ReadBack;

/// Products of whole numbers and decimal fractions that are whole may be rounded to just above.
const ROUNDING: f64 = 1e-9;

/// Which of `n` scores in order, from 1 on, is the quantile of this level: `⌈(n+1) level⌉`. It may be
/// 0 or lie beyond the last.
pub(super) fn rank(n_scores: usize, level: f64) -> usize {
    ((n_scores + 1) as f64 * level - ROUNDING).ceil() as usize
}

/// The score of a rank that is there.
pub(super) fn score_of_rank(mut scores: Vec<f64>, rank: usize) -> f64 {
    *scores.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

/// A quantile for each place of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RowQuantiles {
    /// Of a row.
    dims: Vec<usize>,
    values: Vec<f64>,
}

impl RowQuantiles {
    /// Of scores `[n_rows, ..]`.
    pub(super) fn fit(scores: &ReadBack, level: f64) -> Result<Self, CalibrationError> {
        let (&n_rows, dims) = scores.dims.split_first().expect("a tensor has a dim");
        let rank = rank(n_rows, level);
        if rank > n_rows {
            let needed = (level / (1.0 - level) - ROUNDING).ceil() as usize;
            return Err(CalibrationError::TooFewRows { level, needed, n_rows });
        }
        let n_places = scores.values.len() / n_rows;
        let of_place =
            |place| scores.values.iter().skip(place).step_by(n_places).copied().collect();
        let quantile = |place| score_of_rank(of_place(place), rank);
        Ok(Self { dims: dims.to_vec(), values: (0..n_places).map(quantile).collect() })
    }

    /// Row-major.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Beside predictions, `[1, ..]`.
    ///
    /// # Panics
    ///
    /// If their rows have other dims.
    pub(super) fn beside<const D: usize>(&self, predicted: &Tensor<D>) -> Tensor<D> {
        let mut dims = predicted.dims();
        assert!(
            dims[1..] == self.dims,
            "calibration: rows of predicted must have dims {:?}, got {:?}",
            self.dims,
            &dims[1..]
        );
        dims[0] = 1;
        let data = TensorData::new(self.values.clone(), dims);
        Tensor::from_data(data, (&predicted.device(), predicted.dtype()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_is_that_of_the_finite_sample_and_rounding_adds_none() {
        assert_eq!([9, 19, 99, 100].map(|n| rank(n, 0.9)), [9, 18, 90, 91]);
        // 20 · 0.55 is 11.000000000000002 in f64.
        assert_eq!(rank(19, 0.55), 11);
        assert_eq!(rank(8, 0.9), 9);
        assert_eq!(rank(8, -0.1), 0);
    }
}
