//! The predictive distribution itself, draw by draw.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::mixture_quantile::Mixture;
use super::noise::{Observation, ObservationNoise};
use crate::calibration::{CalibrationError, ObservedDraws, PredictiveMixture};
use crate::host::{on_host, to_device};
use crate::interval::check_level;
use crate::{LogMeanExp, PredictionInterval, RealValues, RegressionPrediction, Statistic};

/// The predictive distribution of real values: a Gaussian for each draw of the masks,
///
/// ```text
/// p(y) = 1/K Σ_k N(y; ŷ_k, σ²_k)
/// ```
///
/// with `σ²_k = 1/τ` where a precision is given, or predicted by the model. It is made of draws that
/// were kept, and so takes memory in proportion to them: for mean and variance
/// [`MonteCarlo::regression`](crate::MonteCarlo::regression), for likelihoods
/// [`MonteCarlo::log_likelihood`](crate::MonteCarlo::log_likelihood) keep none.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
/// use burn_variational_mc::{MonteCarlo, GaussianMixture};
///
/// // Any model: here, all that it does is drop.
/// let model = LockedDropoutConfig::new(1, 0.5).init();
/// let input = Tensor::<3>::ones([1, 1, 1], &Device::flex());
/// let draws = MonteCarlo::new(100, MaskRng::seeded(1)).samples(&model, &input).unwrap();
/// let prediction = draws.map(|draws| GaussianMixture::new(draws, 25.0));
///
/// // Half the draws are 0 and half are 2, with a noise of 0.2: nine tenths lie about here.
/// let interval = prediction.central_interval(0.9);
/// assert!((interval.lower().into_scalar::<f32>() + 0.25).abs() < 0.05);
/// assert!((interval.upper().into_scalar::<f32>() - 2.25).abs() < 0.05);
/// ```
///
/// # References
///
/// Gal & Ghahramani 2016, arXiv 1506.02142.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GaussianMixture<const D: usize> {
    draws: Vec<Tensor<D>>,
    noise: ObservationNoise<D>,
}

impl<const D: usize> GaussianMixture<D> {
    /// Of these draws, as [`MonteCarlo::samples`](crate::MonteCarlo::samples) gives them, with this
    /// noise: a precision as a number or as a tensor, or [`ObservationNoise::Predicted`].
    ///
    /// # Shapes
    ///
    /// - draws: `[n_rows, .., n_outputs]`, or `[n_rows, .., 2 n_outputs]` where the noise is predicted
    ///
    /// # Panics
    ///
    /// If there is no draw, a precision is not positive and finite, or the dims of noise and draws
    /// do not go together.
    pub fn new(draws: Vec<Tensor<D>>, noise: impl Into<ObservationNoise<D>>) -> Self {
        let mixture = Self { draws, noise: noise.into() };
        let first = mixture.draws.first();
        let first = first.expect("GaussianMixture: there must be at least one draw, got 0");
        // Refused here, and not where it is read.
        drop(mixture.noise.around(first.clone()));
        mixture
    }

    /// The draws, as they were given.
    pub fn draws(&self) -> &[Tensor<D>] {
        &self.draws
    }

    /// Mean and variances.
    pub fn moments(&self) -> RegressionPrediction<D> {
        let (mut values, precision) = match &self.noise {
            ObservationNoise::Given(precision) => (RealValues::new(), Some(precision.clone())),
            ObservationNoise::Predicted => (RealValues::with_predicted_noise(), None),
        };
        for draw in &self.draws {
            values.push(draw.clone());
        }
        let prediction = values.finish();
        match precision {
            Some(precision) => prediction.with_precision(precision),
            None => prediction,
        }
    }

    /// The predictive log-likelihood of the observed values, each value by itself:
    ///
    /// ```text
    /// log p(y) = logsumexp_k(-½ τ_k (y - ŷ_k)² + ½ log τ_k) - log K - ½ log 2π      τ_k = 1/σ²_k
    /// ```
    ///
    /// Values that belong together, such as the steps of one sequence, are more likely jointly than
    /// the sum of these says, for they share their draw of the masks:
    /// [`MonteCarlo::joint_log_likelihood`](crate::MonteCarlo::joint_log_likelihood).
    ///
    /// # Panics
    ///
    /// If the values have other dims than the means.
    ///
    /// # References
    ///
    /// Gal & Ghahramani 2016, arXiv 1506.02142, eq. 8.
    pub fn log_likelihood(&self, observed: &Tensor<D>) -> Tensor<D> {
        let mut density = LogMeanExp::new();
        for gaussian in self.gaussians() {
            density.push(gaussian.log_density("GaussianMixture", observed));
        }
        density.finish()
    }

    /// The value under which what is observed lies with each of these probabilities: the roots of
    ///
    /// ```text
    /// F(y) = 1/K Σ_k Φ((y - ŷ_k) / σ_k) = p
    /// ```
    ///
    /// found on the host, in double precision. Where a draw is no number, or its variance is 0 or
    /// infinite in its float type, the quantile is no number either.
    ///
    /// # Panics
    ///
    /// If a probability is not in `(0, 1)`.
    pub fn quantiles(&self, probabilities: &[f64]) -> Vec<Tensor<D>> {
        for probability in probabilities {
            check_level("GaussianMixture", "a probability", *probability);
        }
        let gaussians = self.gaussians().map(|Observation { mean, precision, .. }| {
            let deviation = precision.expand(mean.dims());
            let deviation = on_host(&deviation).into_iter().map(|tau| tau.sqrt().recip());
            (on_host(&mean), deviation.collect::<Vec<_>>())
        });
        let (means, deviations): (Vec<_>, Vec<_>) = gaussians.unzip();
        let mut of_probabilities = vec![Vec::new(); probabilities.len()];
        for place in 0..means[0].len() {
            let at = |draws: &[Vec<f64>]| draws.iter().map(|draw| draw[place]).collect();
            let mixture = Mixture::new(at(&means), at(&deviations));
            for (quantiles, probability) in of_probabilities.iter_mut().zip(probabilities) {
                quantiles.push(mixture.quantile(*probability));
            }
        }
        let like = self.noise.around(self.draws[0].clone()).mean;
        of_probabilities.into_iter().map(|quantiles| to_device(quantiles, &like)).collect()
    }

    /// The interval that what is observed lies in with probability `level`, and beyond either end
    /// with the same one: from the quantile of `(1 - level) / 2` to that of `(1 + level) / 2`.
    ///
    /// # Panics
    ///
    /// If the level is not in `(0, 1)`.
    pub fn central_interval(&self, level: f64) -> PredictionInterval<D> {
        PredictionInterval::central(level, |ends| self.quantiles(ends))
    }

    /// The same distribution beside the values that were observed, to be judged by them: CRPS,
    /// probability integral transform, coverage.
    ///
    /// # Errors
    ///
    /// If a draw or an observed value is not finite, or a variance is not positive and finite in its
    /// float type, naming it; if there is no value.
    ///
    /// # Panics
    ///
    /// If the values have other dims than the means.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_mc::GaussianMixture;
    ///
    /// let column = |values: [f64; 2]| Tensor::<1>::from_data(values, &Device::flex());
    /// let mixture = GaussianMixture::new(vec![column([1.0, 5.0]), column([3.0, 7.0])], 4.0);
    /// let judged = mixture.observed(&column([2.0, 9.0]))?;
    /// // The first lies in the middle, the second four deviations beyond the upper draw.
    /// assert!((judged.pit().values()[0] - 0.5).abs() < 1e-6);
    /// assert_eq!(judged.pit().coverage(0.9), 0.5);
    /// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
    /// ```
    pub fn observed(&self, observed: &Tensor<D>) -> Result<PredictiveMixture, CalibrationError> {
        let gaussians = self.gaussians().map(|Observation { mean, precision, .. }| {
            let variance = precision.recip().expand(mean.dims());
            (mean, variance)
        });
        let (means, variances): (Vec<_>, Vec<_>) = gaussians.unzip();
        ObservedDraws::new(&means, observed)?.with_variances(&variances)
    }

    fn gaussians(&self) -> impl Iterator<Item = Observation<D>> {
        self.draws.iter().map(|draw| self.noise.around(draw.clone()))
    }
}
