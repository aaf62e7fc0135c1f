//! Predictions of real values with Gaussian observation noise.

use burn::tensor::Tensor;

use crate::log_mean_exp;
use crate::{Moments, MonteCarlo, MonteCarloError, Pass};

/// The predictive distribution of real values: a draw `ŷ_k` for each of `K` masks, and Gaussian
/// noise of precision `τ`.
#[derive(Debug, Clone)]
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
        let log_densities = self.samples.iter().map(|sample| {
            (observed.clone() - sample.clone()).square().mul_scalar(-0.5 * precision)
        });
        log_mean_exp(log_densities).add_scalar(0.5 * (precision / std::f64::consts::TAU).ln())
    }
}

impl MonteCarlo {
    /// Predicts real values from the outputs of a model. Every draw is kept, for the likelihood;
    /// [`mean_and_variance`](Self::mean_and_variance) keeps none.
    ///
    /// # Shapes
    ///
    /// - what `forward` returns: `[pass.batch_size(), ..]`
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn regression<const D: usize>(
        &self,
        n_rows: usize,
        forward: impl FnMut(&Pass) -> Tensor<D>,
    ) -> Result<RegressionPrediction<D>, MonteCarloError> {
        let samples = self.samples(n_rows, forward)?;
        let mut moments = Moments::new();
        for sample in &samples {
            moments.push(sample.clone());
        }
        Ok(RegressionPrediction { samples, moments, precision: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use burn_variational_dropout::{MaskRng, SiteDropout};

    /// Draws 1 and 3.
    fn prediction() -> RegressionPrediction<1> {
        let device = Device::flex();
        let mut value = -1.0;
        MonteCarlo::new(2, MaskRng::seeded(1))
            .with_max_rows(1)
            .regression(1, |pass| {
                let _ = SiteDropout::new(0.5).sample([1, 1], pass.rng(), &device);
                value += 2.0;
                Tensor::from_data([value], &device)
            })
            .unwrap()
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
