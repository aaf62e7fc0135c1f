//! The draws of real values beside the values that were observed.

use burn::tensor::Tensor;

use super::read_back::ReadBack;
use super::{CalibrationError, PredictiveMixture, Scores};

/// The `K` draws `ŷ_k` of every value, as [`Samples`](crate::Samples) keeps them, beside the value `y`
/// that was observed.
///
/// A draw is here either a sample of what is observed (noise and all), as
/// [`crps`](Self::crps) has it, or the mean of what is observed given the masks, to which noise is
/// added by [`with_precision`](Self::with_precision).
///
/// # Example
///
/// A precision fitted on validation data, and the prediction judged on test data:
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::calibration::ObservedDraws;
///
/// let column = |values: [f64; 4]| Tensor::<1>::from_data(values, &Device::flex());
/// let draws = [column([0.0, 1.0, 2.0, 3.0]), column([0.5, 1.5, 2.5, 3.5])];
/// let validation = ObservedDraws::new(&draws, &column([0.0, 2.0, 1.5, 4.0]))?;
/// let precision = validation.fit_precision()?;
///
/// let test = ObservedDraws::new(&draws, &column([1.0, 1.0, 2.0, 3.0]))?;
/// let predicted = test.with_precision(precision);
/// println!("CRPS {}", predicted.crps().mean());
/// assert_eq!(predicted.pit().coverage(0.9), 1.0);
/// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ObservedDraws {
    pub(super) n_draws: usize,
    /// Of a draw.
    dims: Vec<usize>,
    /// `n_draws` for each value.
    draws: Vec<f64>,
    observed: Vec<f64>,
}

impl ObservedDraws {
    /// Of draws and observed values of equal dims.
    ///
    /// # Shapes
    ///
    /// - each draw, observed: `[n_rows, ..]`; the last of several dims is that of outputs
    ///
    /// # Errors
    ///
    /// If a value is not finite, naming it, or there is no draw or no value.
    ///
    /// # Panics
    ///
    /// If the dims differ.
    pub fn new<const D: usize>(
        draws: &[Tensor<D>],
        observed: &Tensor<D>,
    ) -> Result<Self, CalibrationError> {
        let n_draws = draws.len();
        let draws = ReadBack::draws("draws", draws, ReadBack::finite)?;
        Ok(Self::of_read(n_draws, draws, ReadBack::finite("observed", observed)?))
    }

    pub(super) fn of_read(n_draws: usize, draws: ReadBack, observed: ReadBack) -> Self {
        observed.expect_dims(&draws.dims);
        Self { n_draws, dims: draws.dims, draws: draws.values, observed: observed.values }
    }

    /// The last of several dims; of rows alone there is one output.
    pub(super) fn n_outputs(&self) -> usize {
        if let [_, .., n_outputs] = self.dims[..] { n_outputs } else { 1 }
    }

    /// The draws of each value, and the value that was observed.
    pub(super) fn values(&self) -> impl Iterator<Item = (&[f64], f64)> + Clone {
        self.draws.chunks_exact(self.n_draws).zip(self.observed.iter().copied())
    }

    /// The continuous ranked probability score of the draws as the predictive distribution:
    ///
    /// ```text
    /// 1/K Σ_k |ŷ_k - y| - 1/(2K²) Σ_j Σ_k |ŷ_j - ŷ_k|
    /// ```
    ///
    /// in the units of `y`; of one draw it is the absolute error. It is exact for the distribution
    /// that puts `1/K` on each draw, and larger than the score of the distribution that they were
    /// drawn from, by a part of the order `1/K`; [`fair_crps`](Self::fair_crps) is not.
    ///
    /// # References
    ///
    /// Tilmann Gneiting and Adrian Raftery, *Strictly Proper Scoring Rules, Prediction, and
    /// Estimation*, 2007, section 4.2.
    pub fn crps(&self) -> Scores {
        self.crps_over((self.n_draws * self.n_draws) as f64)
    }

    /// The same in its fair form,
    ///
    /// ```text
    /// 1/K Σ_k |ŷ_k - y| - 1/(2K(K-1)) Σ_j Σ_k |ŷ_j - ŷ_k|
    /// ```
    ///
    /// whose expectation over independent draws is the score of the distribution that they come
    /// from: numbers for different `K` can be compared. A single value may be negative.
    ///
    /// # Panics
    ///
    /// If there are fewer than two draws.
    ///
    /// # References
    ///
    /// Christopher Ferro, *Fair Scores for Ensemble Forecasts*, 2014.
    pub fn fair_crps(&self) -> Scores {
        let n_draws = self.n_draws;
        assert!(n_draws > 1, "ObservedDraws: a fair score needs two draws, got {n_draws}");
        self.crps_over((n_draws * (n_draws - 1)) as f64)
    }

    fn crps_over(&self, n_pairs: f64) -> Scores {
        let n_draws = self.n_draws as f64;
        let score = |(draws, observed): (&[f64], f64)| {
            let distance = draws.iter().map(|draw| (draw - observed).abs()).sum::<f64>();
            distance / n_draws - half_distances_of_pairs(draws) / n_pairs
        };
        Scores::new(self.values().map(score).collect())
    }

    /// With Gaussian noise of precision `τ` (inverse variance) around each draw.
    ///
    /// # Panics
    ///
    /// If the precision is not positive and finite.
    pub fn with_precision(self, precision: f64) -> PredictiveMixture {
        let precisions = vec![precision; self.n_outputs()];
        self.with_precision_per_output(&precisions)
    }

    /// With Gaussian noise of a precision for each output, the last dim.
    ///
    /// # Panics
    ///
    /// If there is another number of precisions than of outputs, or one is not positive and finite.
    pub fn with_precision_per_output(self, precisions: &[f64]) -> PredictiveMixture {
        assert!(
            precisions.len() == self.n_outputs(),
            "ObservedDraws: there must be a precision for each of {} outputs, got {}",
            self.n_outputs(),
            precisions.len()
        );
        for precision in precisions {
            assert!(
                *precision > 0.0 && precision.is_finite(),
                "ObservedDraws: precision must be positive and finite, got {precision}"
            );
        }
        let of_value =
            |n: usize| std::iter::repeat_n(1.0 / precisions[n % precisions.len()], self.n_draws);
        let variances = (0..self.observed.len()).flat_map(of_value).collect();
        PredictiveMixture::new(self, variances)
    }

    /// With Gaussian noise of a variance for each value and draw, as a model predicts it that has a
    /// second output for the noise.
    ///
    /// # Shapes
    ///
    /// - the variances of each draw: those of the draws
    ///
    /// # Errors
    ///
    /// If a variance is not positive and finite, naming it, its draw first.
    ///
    /// # Panics
    ///
    /// If there are other numbers of variances than of draws, or of values in them.
    pub fn with_variances<const D: usize>(
        self,
        variances: &[Tensor<D>],
    ) -> Result<PredictiveMixture, CalibrationError> {
        assert!(
            variances.len() == self.n_draws,
            "ObservedDraws: there must be variances for each of {} draws, got {}",
            self.n_draws,
            variances.len()
        );
        let variances = ReadBack::draws("variances", variances, ReadBack::positive)?;
        variances.expect_dims(&self.dims);
        Ok(PredictiveMixture::new(self, variances.values))
    }
}

/// `½ Σ_j Σ_k |x_j - x_k|`, of values in order: the `i`-th lies above `i` of them and below the
/// `K-1-i` others.
fn half_distances_of_pairs(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n_below_less_above = |i: usize| 2.0 * i as f64 - (sorted.len() - 1) as f64;
    sorted.iter().enumerate().map(|(i, x)| n_below_less_above(i) * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn tensor<const N: usize>(values: [f64; N]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    #[test]
    fn draws_score_as_by_hand() {
        // |1 - 2| + |4 - 2| = 3 and pairs 2 · |1 - 4| = 6.
        let draws = ObservedDraws::new(&[tensor([1.0]), tensor([4.0])], &tensor([2.0])).unwrap();
        assert_eq!(draws.crps().values(), [3.0 / 2.0 - 6.0 / 8.0]);
        assert_eq!(draws.fair_crps().values(), [3.0 / 2.0 - 6.0 / 4.0]);
        let one = ObservedDraws::new(&[tensor([1.0])], &tensor([3.0])).unwrap();
        assert_eq!(one.crps().values(), [2.0]);
    }

    #[test]
    fn a_value_that_is_not_finite_is_an_error_that_names_it() {
        let (draw, observed) = (tensor([1.0, 2.0]), tensor([1.0, f64::NAN]));
        let error = ObservedDraws::new(std::slice::from_ref(&draw), &observed).unwrap_err();
        assert_eq!(error.to_string(), "observed at [1] must be finite, got NaN");
        let broken = tensor([f64::INFINITY, 0.0]);
        let error = ObservedDraws::new(&[draw.clone(), broken], &draw).unwrap_err();
        assert_eq!(error.to_string(), "draws at [1, 0] must be finite, got inf");
        let error = ObservedDraws::new(&[], &draw).unwrap_err();
        assert_eq!(error.to_string(), "draws: there must be at least one value, got none");
    }

    #[test]
    fn a_variance_that_is_not_positive_is_an_error_that_names_it() {
        let draws = [tensor([1.0, 2.0]), tensor([1.0, 2.0])];
        let observed = ObservedDraws::new(&draws, &tensor([1.0, 2.0])).unwrap();
        let error = observed.with_variances(&[tensor([1.0, 1.0]), tensor([1.0, 0.0])]);
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "variances at [1, 1] must be positive and finite, got 0");
    }

    #[test]
    #[should_panic(expected = "calibration: observed must have dims [1], got [2]")]
    fn observed_values_of_other_dims_are_refused() {
        let _ = ObservedDraws::new(&[tensor([1.0])], &tensor([1.0, 2.0]));
    }

    #[test]
    #[should_panic(expected = "ObservedDraws: a fair score needs two draws, got 1")]
    fn a_fair_score_of_one_draw_is_refused() {
        let _ = ObservedDraws::new(&[tensor([1.0])], &tensor([1.0])).unwrap().fair_crps();
    }

    #[test]
    #[should_panic(expected = "ObservedDraws: precision must be positive and finite, got -1")]
    fn a_negative_precision_is_refused() {
        let draws = ObservedDraws::new(&[tensor([1.0])], &tensor([1.0])).unwrap();
        let _ = draws.with_precision(-1.0);
    }

    #[test]
    #[should_panic(expected = "there must be a precision for each of 1 outputs, got 2")]
    fn precisions_of_other_outputs_are_refused() {
        let draws = ObservedDraws::new(&[tensor([1.0])], &tensor([1.0])).unwrap();
        let _ = draws.with_precision_per_output(&[1.0, 1.0]);
    }

    #[test]
    #[should_panic(expected = "there must be variances for each of 1 draws, got 2")]
    fn variances_of_other_draws_are_refused() {
        let draws = ObservedDraws::new(&[tensor([1.0])], &tensor([1.0])).unwrap();
        let _ = draws.with_variances(&[tensor([1.0]), tensor([1.0])]);
    }

    #[test]
    #[should_panic(expected = "calibration: variances must have dims [1], got [2]")]
    fn variances_of_other_values_are_refused() {
        let draws = ObservedDraws::new(&[tensor([1.0])], &tensor([1.0])).unwrap();
        let _ = draws.with_variances(&[tensor([1.0, 1.0])]);
    }
}
