//! Predictions of real values with Gaussian observation noise.

use burn::tensor::Tensor;
use burn_variational_dropout::VariationalModel;
use serde::{Deserialize, Serialize};

use crate::{LogMeanExp, Moments, MonteCarlo, MonteCarloResult, Samples, Statistic};

/// The predictive distribution of real values: a draw `ŷ_k` for each of `K` masks, and Gaussian
/// noise of precision `τ`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegressionPrediction<const D: usize> {
    samples: Vec<Tensor<D>>,
    moments: Moments<D>,
    precision: Option<f64>,
}

impl<const D: usize> RegressionPrediction<D> {
    /// With observation noise of this precision (inverse variance).
    ///
    /// # Panics
    ///
    /// If the precision is not positive and finite.
    pub fn with_precision(mut self, precision: f64) -> Self {
        assert!(
            precision > 0.0 && precision.is_finite(),
            "RegressionPrediction: precision must be positive and finite, got {precision}"
        );
        self.precision = Some(precision);
        self
    }

    /// The draws `ŷ_k`.
    pub fn samples(&self) -> &[Tensor<D>] {
        &self.samples
    }

    /// `E[y] = 1/K Σ_k ŷ_k`.
    pub fn mean(&self) -> Tensor<D> {
        self.moments.mean()
    }

    /// `Var[y] = 1/K Σ_k (ŷ_k - E[y])² + 1/τ`; without a precision, the first term alone.
    pub fn variance(&self) -> Tensor<D> {
        let noise = self.precision.map_or(0.0, |precision| 1.0 / precision);
        self.moments.variance().add_scalar(noise)
    }

    /// The predictive log-likelihood of the observed values, each value by itself:
    ///
    /// ```text
    /// log p(y) = logsumexp_k(-τ/2 (y - ŷ_k)²) - log K - ½ log 2π + ½ log τ
    /// ```
    ///
    /// Values that belong together, such as the steps of one sequence, are more likely jointly than
    /// the sum of these says, for they share their draw of the masks.
    ///
    /// # Panics
    ///
    /// If no precision was given, or the values have other dims than the draws.
    ///
    /// # References
    ///
    /// Gal & Ghahramani 2016, arXiv 1506.02142, eq. 8.
    pub fn log_likelihood(&self, observed: &Tensor<D>) -> Tensor<D> {
        let precision = self
            .precision
            .expect("RegressionPrediction: precision must be given for a log-likelihood, got none");
        let dims = self.samples[0].dims();
        assert!(
            observed.dims() == dims,
            "RegressionPrediction: observed must have dims {dims:?}, got {:?}",
            observed.dims()
        );
        let mut density = LogMeanExp::new();
        for sample in &self.samples {
            let distance = observed.clone() - sample.clone();
            density.push(distance.square().mul_scalar(-0.5 * precision));
        }
        density.finish().add_scalar(0.5 * (precision / std::f64::consts::TAU).ln())
    }
}

/// Draws of real values, all of them kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RealValues<const D: usize> {
    samples: Samples<D>,
    moments: Moments<D>,
}

impl<const D: usize> RealValues<D> {
    /// Of no draw yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<const D: usize> Statistic<D> for RealValues<D> {
    type Output = RegressionPrediction<D>;

    fn push(&mut self, draw: Tensor<D>) {
        self.moments.push(draw.clone());
        self.samples.push(draw);
    }

    fn merge(&mut self, other: Self) {
        self.moments.merge(other.moments);
        self.samples.merge(other.samples);
    }

    fn append_rows(&mut self, other: Self) {
        self.moments.append_rows(other.moments);
        self.samples.append_rows(other.samples);
    }

    fn finish(self) -> RegressionPrediction<D> {
        let (samples, moments) = (self.samples.finish(), self.moments);
        RegressionPrediction { samples, moments, precision: None }
    }
}

impl MonteCarlo {
    /// Predicts real values from the outputs of a model. Every draw is kept, for the likelihood;
    /// [`moments`](Self::moments) keeps none.
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn regression<const D: usize, M: VariationalModel<Output = Tensor<D>>>(
        &self,
        model: &M,
        input: &M::Input,
    ) -> MonteCarloResult<RegressionPrediction<D>> {
        self.estimate(model, input, RealValues::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// Draws 1 and 3.
    fn prediction() -> RegressionPrediction<1> {
        let mut values = RealValues::new();
        for value in [1.0, 3.0] {
            values.push(Tensor::from_data([value], &Device::flex()));
        }
        values.finish()
    }

    #[test]
    fn noise_adds_to_the_variance_of_the_draws() {
        assert_eq!(prediction().mean().into_scalar::<f32>(), 2.0);
        assert_eq!(prediction().variance().into_scalar::<f32>(), 1.0);
        assert_eq!(prediction().with_precision(4.0).variance().into_scalar::<f32>(), 1.25);
    }

    #[test]
    fn the_log_likelihood_is_that_of_a_mixture_of_gaussians() {
        let (y, precision) = (2.5_f64, 4.0_f64);
        let density = |mean: f64| {
            let variance = 1.0 / precision;
            (-(y - mean).powi(2) / (2.0 * variance)).exp()
                / (2.0 * std::f64::consts::PI * variance).sqrt()
        };
        let expected = (0.5 * (density(1.0) + density(3.0))).ln();
        let observed = Tensor::from_data([y], &Device::flex());
        let got = prediction().with_precision(precision).log_likelihood(&observed);
        assert!((f64::from(got.into_scalar::<f32>()) - expected).abs() < 1e-6);
    }

    #[test]
    #[should_panic(expected = "precision must be given for a log-likelihood, got none")]
    fn a_log_likelihood_needs_a_precision() {
        let _ = prediction().log_likelihood(&Tensor::zeros([1], &Device::flex()));
    }

    #[test]
    #[should_panic(expected = "precision must be positive and finite, got -1")]
    fn a_negative_precision_is_refused() {
        let _ = prediction().with_precision(-1.0);
    }

    #[test]
    #[should_panic(expected = "observed must have dims [1], got [2]")]
    fn observed_values_of_other_dims_are_refused() {
        let observed = Tensor::zeros([2], &Device::flex());
        let _ = prediction().with_precision(1.0).log_likelihood(&observed);
    }
}
