//! Measures of predictions of real values.

use burn::tensor::Tensor;

use super::RowMean;
use crate::calibration::PredictiveMixture;
use crate::host::on_host;
use crate::{GaussianMixture, ObservationNoise};

/// Predictions of a batch beside what was observed.
#[derive(Debug, Clone)]
pub struct RegressionInput {
    /// The predictive distribution, a Gaussian for each draw.
    pub mixture: GaussianMixture<2>,
    /// The observed values, `[batch_size, n_outputs]`.
    pub observed: Tensor<2>,
}

impl RegressionInput {
    /// Predictions of one pass or of several draws, and the noise of what is observed around them.
    pub fn new(
        draws: Vec<Tensor<2>>,
        observed: Tensor<2>,
        noise: impl Into<ObservationNoise<2>>,
    ) -> Self {
        Self { mixture: GaussianMixture::new(draws, noise), observed }
    }

    /// Numbers of each observed value; NaN if they are not to be had.
    fn of_observed(&self, of: impl Fn(&PredictiveMixture) -> Vec<f64>) -> Vec<f64> {
        let values = self.mixture.observed(&self.observed).map(|mixture| of(&mixture));
        values.unwrap_or_else(|_| vec![f64::NAN; self.observed.shape().num_elements()])
    }
}

/// The root of the mean squared error of the mean.
pub fn rmse() -> RowMean<RegressionInput> {
    RowMean::new("RMSE", |input: &RegressionInput| {
        on_host(&(input.mixture.moments().mean() - input.observed.clone()).square())
    })
    .with_of_mean(f64::sqrt)
}

/// Minus the logarithm of the density of what was observed.
pub fn negative_log_likelihood() -> RowMean<RegressionInput> {
    RowMean::new("NLL", |input: &RegressionInput| {
        input.of_observed(|mixture| mixture.negative_log_likelihood().values().to_vec())
    })
}

/// The continuous ranked probability score, in the units of what was observed.
pub fn crps() -> RowMean<RegressionInput> {
    RowMean::new("CRPS", |input: &RegressionInput| {
        input.of_observed(|mixture| mixture.crps().values().to_vec())
    })
}

/// The share of what was observed that lies in the central interval of this level; it should be the
/// level.
///
/// # Panics
///
/// If the level is not between 0 and 1.
pub fn coverage(level: f64) -> RowMean<RegressionInput> {
    assert!(level > 0.0 && level < 1.0, "coverage: level must be in (0, 1), got {level}");
    RowMean::new(format!("Coverage of {level}"), move |input: &RegressionInput| {
        let is_inside = |pit: &f64| f64::from((pit - 0.5).abs() <= level / 2.0);
        input.of_observed(|mixture| mixture.pit().values().iter().map(is_inside).collect())
    })
    .where_higher_is_better()
}

/// The standard deviation of the draws: what the model does not know. 0 for one pass.
pub fn epistemic_deviation() -> RowMean<RegressionInput> {
    RowMean::new("Epistemic deviation", |input: &RegressionInput| {
        on_host(&input.mixture.moments().epistemic_variance())
    })
    .with_of_mean(f64::sqrt)
}
