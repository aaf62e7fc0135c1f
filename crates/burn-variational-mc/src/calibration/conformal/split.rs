//! Intervals that cover as often as asked, whatever the model: split conformal prediction.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::quantile::RowQuantiles;
use crate::calibration::read_back::ReadBack;
use crate::calibration::{CalibrationError, PredictionInterval};
use crate::interval::check_level;

/// Intervals `ŷ ± q` of one width for all rows, where `q` is the `⌈(n+1) level⌉`-th smallest of the
/// errors `|y - ŷ|` of `n` calibration rows.
///
/// They cover a new value with a probability between `level` and `level + 1/(n+1)` (the latter where
/// no two errors are equal), whatever the model and the data, if the calibration rows and the new one
/// are exchangeable, and calibration rows were used for nothing else: not for training, for no choice
/// of an epoch, no `τ` and no temperature. The probability is over both; given one calibration set
/// the coverage is spread around it, by `√(level (1-level) / n)`. It is that of all rows together and
/// not of each kind of them. See [`calibration`](crate::calibration#time-series) for time series.
///
/// Each place of a row has a quantile of its own: of forecasts `[n_rows, horizon]`, each step ahead.
/// Each of them covers as often as asked by itself, all steps of a row together less often.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::calibration::SplitConformal;
///
/// // Nine rows, with errors of 1 to 9 one step ahead, and twice that two steps ahead.
/// let device = Device::flex();
/// let errors: [[f64; 2]; 9] = std::array::from_fn(|n| [1.0, 2.0].map(|by| by * (n as f64 + 1.0)));
/// let observed = Tensor::<2>::from_data(errors, &device);
/// let predicted = observed.zeros_like();
/// let conformal = SplitConformal::fit(&predicted, &observed, 0.8)?;
/// assert_eq!(conformal.radii(), [8.0, 16.0]);
/// let interval = conformal.interval(Tensor::<2>::from_data([[100.0, 100.0]], &device));
/// interval.upper().into_data().assert_eq(&[[108.0_f32, 116.0]].into(), true);
/// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
/// ```
///
/// # References
///
/// Vladimir Vovk, Alexander Gammerman and Glenn Shafer, *Algorithmic Learning in a Random World*,
/// 2005; Jing Lei, Max G'Sell, Alessandro Rinaldo, Ryan Tibshirani and Larry Wasserman,
/// *Distribution-Free Predictive Inference for Regression*, 2018, arXiv 1604.04173, algorithm 2 and
/// theorem 2.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitConformal {
    level: f64,
    radii: RowQuantiles,
}

impl SplitConformal {
    /// Of calibration rows.
    ///
    /// # Shapes
    ///
    /// - predicted, observed: `[n_rows, ..]`
    ///
    /// # Errors
    ///
    /// If there are fewer than `level / (1 - level)` rows, so that no finite interval covers as often
    /// as asked: 9 rows for 90 %, 19 for 95 %. If a value is not finite, naming it.
    ///
    /// # Panics
    ///
    /// If the level is not in (0, 1), or the dims differ.
    pub fn fit<const D: usize>(
        predicted: &Tensor<D>,
        observed: &Tensor<D>,
        level: f64,
    ) -> Result<Self, CalibrationError> {
        check_level("SplitConformal", "level", level);
        let errors = absolute_errors(predicted, observed)?;
        Ok(Self { level, radii: RowQuantiles::fit(&errors, level)? })
    }

    /// The share of new values to be covered.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// `q` of each place of a row, row-major: half the width of the intervals, in the units of `y`.
    pub fn radii(&self) -> &[f64] {
        self.radii.values()
    }

    /// `[ŷ - q, ŷ + q]`.
    ///
    /// # Shapes
    ///
    /// - predicted: `[n_rows, ..]`, with rows of the dims of the calibration rows
    ///
    /// # Panics
    ///
    /// If the rows have other dims.
    pub fn interval<const D: usize>(&self, predicted: Tensor<D>) -> PredictionInterval<D> {
        let radius = self.radii.beside(&predicted);
        around(predicted, radius)
    }
}

/// Intervals `ŷ ± q σ`, wide where the model says that it is unsure: `σ` is a standard deviation that
/// it predicts, of all its uncertainty or of a part, and `q` the `⌈(n+1) level⌉`-th smallest of the
/// errors `|y - ŷ| / σ` of `n` calibration rows.
///
/// The guarantee is that of [`SplitConformal`], whatever the `σ`; how well they tell easy rows from
/// hard ones shows in the mean width. A `q` near that of a Gaussian (1.645 at 90 %) says that `σ` had
/// been right by itself.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::calibration::NormalisedConformal;
///
/// let row = |values: [f64; 4]| Tensor::<1>::from_data(values, &Device::flex());
/// let (predicted, observed) = (row([0.0, 0.0, 0.0, 0.0]), row([1.0, -2.0, 30.0, 8.0]));
/// let deviation = row([1.0, 1.0, 10.0, 2.0]);
/// // Errors of 1, 2, 3 and 4 deviations.
/// let conformal = NormalisedConformal::fit(&predicted, &deviation, &observed, 0.8)?;
/// assert_eq!(conformal.factors(), [4.0]);
/// let interval = conformal.interval(row([0.0; 4]), deviation);
/// assert_eq!(interval.mean_width()?, 2.0 * 4.0 * 14.0 / 4.0);
/// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
/// ```
///
/// # References
///
/// Lei et al. 2018, arXiv 1604.04173, section 5.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormalisedConformal {
    level: f64,
    factors: RowQuantiles,
}

impl NormalisedConformal {
    /// Of calibration rows.
    ///
    /// # Shapes
    ///
    /// - predicted, deviation, observed: `[n_rows, ..]`
    ///
    /// # Errors
    ///
    /// As [`SplitConformal::fit`]; if a standard deviation is not positive and finite, naming it.
    ///
    /// # Panics
    ///
    /// If the level is not in (0, 1), or the dims differ.
    pub fn fit<const D: usize>(
        predicted: &Tensor<D>,
        deviation: &Tensor<D>,
        observed: &Tensor<D>,
        level: f64,
    ) -> Result<Self, CalibrationError> {
        check_level("NormalisedConformal", "level", level);
        let mut scores = absolute_errors(predicted, observed)?;
        let deviation = ReadBack::positive("deviation", deviation)?;
        deviation.expect_dims(&scores.dims);
        for (score, deviation) in scores.values.iter_mut().zip(&deviation.values) {
            *score /= deviation;
        }
        Ok(Self { level, factors: RowQuantiles::fit(&scores, level)? })
    }

    /// The share of new values to be covered.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// `q` of each place of a row, row-major: how many standard deviations an interval reaches.
    pub fn factors(&self) -> &[f64] {
        self.factors.values()
    }

    /// `[ŷ - q σ, ŷ + q σ]`.
    ///
    /// # Shapes
    ///
    /// - predicted, deviation: `[n_rows, ..]`, with rows of the dims of the calibration rows
    ///
    /// # Panics
    ///
    /// If the rows have other dims, or the two differ.
    pub fn interval<const D: usize>(
        &self,
        predicted: Tensor<D>,
        deviation: Tensor<D>,
    ) -> PredictionInterval<D> {
        assert!(
            predicted.dims() == deviation.dims(),
            "NormalisedConformal: deviation must have dims {:?}, got {:?}",
            predicted.dims(),
            deviation.dims()
        );
        let radius = self.factors.beside(&predicted) * deviation;
        around(predicted, radius)
    }
}

/// `|y - ŷ|`.
pub(super) fn absolute_errors<const D: usize>(
    predicted: &Tensor<D>,
    observed: &Tensor<D>,
) -> Result<ReadBack, CalibrationError> {
    let mut errors = ReadBack::finite("predicted", predicted)?;
    let observed = ReadBack::finite("observed", observed)?;
    observed.expect_dims(&errors.dims);
    for (error, observed) in errors.values.iter_mut().zip(&observed.values) {
        *error = (observed - *error).abs();
    }
    Ok(errors)
}

fn around<const D: usize>(centre: Tensor<D>, radius: Tensor<D>) -> PredictionInterval<D> {
    PredictionInterval::new(centre.clone() - radius.clone(), centre + radius)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn tensor<const N: usize>(values: [f64; N]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    #[test]
    fn too_few_rows_are_an_error_that_says_how_many_it_takes() {
        let rows = tensor([0.0; 8]);
        let error = SplitConformal::fit(&rows, &rows, 0.9).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a conformal interval of level 0.9 needs 9 calibration rows, got 8"
        );
        assert!(SplitConformal::fit(&tensor([0.0; 9]), &tensor([0.0; 9]), 0.9).is_ok());
    }

    #[test]
    fn values_that_are_not_finite_are_an_error_that_names_them() {
        let (zeros, broken) = (tensor([0.0, 0.0]), tensor([0.0, f64::NAN]));
        let message = |result: Result<_, CalibrationError>| {
            result.map(|_: SplitConformal| ()).unwrap_err().to_string()
        };
        assert_eq!(
            message(SplitConformal::fit(&broken, &zeros, 0.5)),
            "predicted at [1] must be finite, got NaN"
        );
        assert_eq!(
            message(SplitConformal::fit(&zeros, &broken, 0.5)),
            "observed at [1] must be finite, got NaN"
        );
        let error = NormalisedConformal::fit(&zeros, &zeros, &zeros, 0.5).unwrap_err();
        assert_eq!(error.to_string(), "deviation at [0] must be positive and finite, got 0");
    }

    #[test]
    fn what_was_fitted_comes_back_as_it_was_saved() {
        let fitted = SplitConformal::fit(&tensor([0.0; 3]), &tensor([1.0, 2.0, 3.0]), 0.5).unwrap();
        let saved = serde_json::to_string(&fitted).unwrap();
        let loaded: SplitConformal = serde_json::from_str(&saved).unwrap();
        assert_eq!((loaded.level(), loaded.radii()), (0.5, [2.0].as_slice()));
    }

    #[test]
    #[should_panic(expected = "SplitConformal: level must be in (0, 1), got 1.5")]
    fn a_level_over_one_is_refused() {
        let _ = SplitConformal::fit(&tensor([0.0]), &tensor([0.0]), 1.5);
    }

    #[test]
    #[should_panic(expected = "calibration: rows of predicted must have dims [], got [2]")]
    fn rows_of_other_dims_are_refused() {
        let fitted = SplitConformal::fit(&tensor([0.0]), &tensor([1.0]), 0.5).unwrap();
        let _ = fitted.interval(Tensor::<2>::zeros([1, 2], &Device::flex()));
    }

    #[test]
    #[should_panic(expected = "NormalisedConformal: deviation must have dims [2], got [1]")]
    fn deviations_of_other_dims_are_refused() {
        let ones = tensor([1.0, 1.0]);
        let fitted = NormalisedConformal::fit(&ones, &ones, &ones, 0.5).unwrap();
        let _ = fitted.interval(ones, tensor([1.0]));
    }
}
