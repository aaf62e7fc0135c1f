//! Where observed values lie in their predictive distributions.

use serde::{Deserialize, Serialize};

use crate::interval::check_level;

/// The probability integral transform `F(y)` of every observed value `y`, where `F` is its
/// predictive distribution function: uniform on `[0, 1]` if the predictions hold what they say.
///
/// A histogram that is high at both ends tells of distributions too narrow, one that is high in the
/// middle of ones too wide, one that slopes of a bias.
///
/// # References
///
/// Tilmann Gneiting, Fadoua Balabdaoui and Adrian Raftery, *Probabilistic Forecasts, Calibration
/// and Sharpness*, 2007.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PitValues {
    values: Vec<f64>,
}

impl PitValues {
    pub(super) fn new(values: Vec<f64>) -> Self {
        Self { values }
    }

    /// Of each value, in the order of the tensor that was judged (row-major).
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The share of the observed values within the central interval of this level, that from the
    /// `(1 - level)/2` quantile to the `(1 + level)/2` quantile: exact, and without the quantiles.
    ///
    /// # Panics
    ///
    /// If the level is not in (0, 1).
    pub fn coverage(&self, level: f64) -> f64 {
        check_level("PitValues", "level", level);
        let tail = f64::midpoint(1.0, -level);
        let within = self.values.iter().filter(|pit| (tail..=1.0 - tail).contains(*pit));
        within.count() as f64 / self.values.len() as f64
    }

    /// The number of values in each of so many bins of equal width.
    ///
    /// # Panics
    ///
    /// If there is to be no bin.
    pub fn histogram(&self, n_bins: usize) -> Vec<usize> {
        assert!(n_bins > 0, "PitValues: the number of bins must be positive, got 0");
        let mut counts = vec![0; n_bins];
        for pit in &self.values {
            counts[((pit * n_bins as f64) as usize).min(n_bins - 1)] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pit() -> PitValues {
        PitValues::new(vec![0.0, 0.125, 0.25, 0.5, 0.75, 0.875, 1.0, 1.0])
    }

    #[test]
    fn the_interval_of_a_level_is_central() {
        assert_eq!(pit().coverage(0.5), 3.0 / 8.0);
        assert_eq!(pit().coverage(0.75), 5.0 / 8.0);
        assert_eq!(pit().coverage(0.9), 5.0 / 8.0);
    }

    #[test]
    fn every_value_is_in_a_bin_and_the_ends_are_too() {
        assert_eq!(pit().histogram(4), [2, 1, 1, 4]);
        assert_eq!(pit().histogram(1), [8]);
    }

    #[test]
    #[should_panic(expected = "PitValues: level must be in (0, 1), got 1")]
    fn a_level_of_one_is_refused() {
        let _ = pit().coverage(1.0);
    }

    #[test]
    #[should_panic(expected = "PitValues: the number of bins must be positive, got 0")]
    fn no_bin_is_refused() {
        let _ = pit().histogram(0);
    }
}
