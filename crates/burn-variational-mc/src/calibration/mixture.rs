//! A mixture of Gaussians for every value, beside the value that was observed.

use std::f64::consts::{PI, TAU};

use burn::tensor::Tensor;

use super::read_back::ReadBack;
use super::{CalibrationError, ObservedDraws, PitValues, Scores};
use crate::normal::normal_cdf;

/// The predictive distribution of every value, beside the value `y` that was observed: a Gaussian
/// around each draw,
///
/// ```text
/// p(y) = 1/K Σ_k N(y; ŷ_k, σ_k²)
/// ```
///
/// with `σ_k² = 1/τ` for noise of precision `τ`. [`ObservedDraws`] makes it of draws; a Gaussian
/// is the mixture of one.
#[derive(Debug, Clone)]
pub struct PredictiveMixture {
    draws: ObservedDraws,
    /// As the draws: `n_draws` for each value.
    variances: Vec<f64>,
}

impl PredictiveMixture {
    pub(super) fn new(draws: ObservedDraws, variances: Vec<f64>) -> Self {
        Self { draws, variances }
    }

    /// A Gaussian of this mean and variance for every value.
    ///
    /// The mean and the total variance of a Monte Carlo prediction make the Gaussian with the moments
    /// of its mixture; what is judged is then this and not the mixture.
    ///
    /// # Shapes
    ///
    /// - mean, variance, observed: any, all the same
    ///
    /// # Errors
    ///
    /// If a mean or an observed value is not finite, or a variance not positive and finite, naming
    /// it; if there is none.
    ///
    /// # Panics
    ///
    /// If the dims differ.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_mc::calibration::PredictiveMixture;
    ///
    /// let tensor = |value: f64| Tensor::<1>::from_data([value], &Device::flex());
    /// let gaussian = PredictiveMixture::gaussian(&tensor(0.0), &tensor(1.0), &tensor(0.0))?;
    /// // Of the standard normal at its mean, 2 φ(0) - 1/√π.
    /// let crps = 2.0 / std::f64::consts::TAU.sqrt() - 1.0 / std::f64::consts::PI.sqrt();
    /// assert!((gaussian.crps().mean() - crps).abs() < 1e-15);
    /// assert_eq!(gaussian.pit().values(), [0.5]);
    /// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
    /// ```
    pub fn gaussian<const D: usize>(
        mean: &Tensor<D>,
        variance: &Tensor<D>,
        observed: &Tensor<D>,
    ) -> Result<Self, CalibrationError> {
        let (mean, observed) =
            (ReadBack::finite("mean", mean)?, ReadBack::finite("observed", observed)?);
        let variance = ReadBack::positive("variance", variance)?;
        variance.expect_dims(&mean.dims);
        Ok(Self::new(ObservedDraws::of_read(1, mean, observed), variance.values))
    }

    /// What `score` makes of the Gaussians of each value, mean and variance, and of the value.
    fn map(&self, score: impl Fn(&[f64], &[f64], f64) -> f64) -> Vec<f64> {
        let variances = self.variances.chunks_exact(self.draws.n_draws);
        let values = self.draws.values().zip(variances);
        values.map(|((means, observed), variances)| score(means, variances, observed)).collect()
    }

    /// `-log p(y)` of each value, in nats.
    pub fn negative_log_likelihood(&self) -> Scores {
        Scores::new(self.map(|means, variances, observed| {
            let log_density = |(mean, variance): (&f64, &f64)| {
                -0.5 * ((observed - mean).powi(2) / variance + (TAU * variance).ln())
            };
            let log_densities = means.iter().zip(variances).map(log_density);
            let largest = log_densities.clone().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = log_densities.map(|log_density| (log_density - largest).exp()).sum();
            (means.len() as f64).ln() - largest - sum.ln()
        }))
    }

    /// The continuous ranked probability score of each value, in its units:
    ///
    /// ```text
    /// E|X - y| - ½ E|X - X'| = 1/K Σ_k A(y - ŷ_k, σ_k²) - 1/(2K²) Σ_j Σ_k A(ŷ_j - ŷ_k, σ_j² + σ_k²)
    /// A(μ, σ²) = 2σ φ(μ/σ) + μ (2Φ(μ/σ) - 1)
    /// ```
    ///
    /// where `X` and `X'` are drawn from the mixture, `φ` and `Φ` are the density and distribution
    /// function of the standard normal, and `A` is the mean size of a Gaussian number. Of one
    /// Gaussian it is the closed form of Gneiting and Raftery. It takes a time of the order `K²`.
    ///
    /// # References
    ///
    /// Eric Grimit, Tilmann Gneiting, Veronica Berrocal and Nicholas Johnson, *The Continuous
    /// Ranked Probability Score for Circular Variables and its Application to Mesoscale Forecast
    /// Ensemble Verification*, 2006; Tilmann Gneiting and Adrian Raftery, *Strictly Proper
    /// Scoring Rules, Prediction, and Estimation*, 2007, section 4.2.
    pub fn crps(&self) -> Scores {
        Scores::new(self.map(|means, variances, observed| {
            let (mut distance, mut spread) = (0.0, 0.0);
            for (k, (mean, variance)) in means.iter().zip(variances).enumerate() {
                distance += mean_size(observed - mean, *variance);
                // Each pair of two once, for both its orders; of one with itself a half.
                spread += 0.5 * mean_size(0.0, 2.0 * variance);
                for (other, other_variance) in means.iter().zip(variances).take(k) {
                    spread += mean_size(mean - other, variance + other_variance);
                }
            }
            let n_draws = means.len() as f64;
            distance / n_draws - spread / (n_draws * n_draws)
        }))
    }

    /// The probability integral transform of each value, `1/K Σ_k Φ((y - ŷ_k)/σ_k)`: where in its
    /// predictive distribution it lies. See [`PitValues`] for what it tells.
    pub fn pit(&self) -> PitValues {
        PitValues::new(self.map(|means, variances, observed| {
            let probability =
                |(mean, variance): (&f64, &f64)| normal_cdf((observed - mean) / variance.sqrt());
            means.iter().zip(variances).map(probability).sum::<f64>() / means.len() as f64
        }))
    }
}

/// `E|X|` of a Gaussian.
fn mean_size(mean: f64, variance: f64) -> f64 {
    let density = (-0.5 * mean * mean / variance).exp();
    (2.0 * variance / PI).sqrt() * density + mean * libm::erf(mean / (2.0 * variance).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn the_score_of_a_mixture_is_the_integral_that_it_stands_for() {
        // ∫ (F(x) - [x ≥ y])² dx, by the midpoint rule on steps of 1/1000: its error is of the order
        // of the square of the step.
        let tensor = |value: f64| Tensor::<1>::from_data([value], &Device::flex());
        let (means, variances, observed) = ([-1.0, 0.5, 2.0], [0.25, 1.0, 0.5], 0.75);
        let draws = ObservedDraws::new(&means.map(tensor), &tensor(observed)).unwrap();
        let crps = draws.with_variances(&variances.map(tensor)).unwrap().crps().mean();
        let step = 1e-3;
        let integrand = |i: i32| {
            let x = -10.0 + step * (f64::from(i) + 0.5);
            let cdf = |k: usize| normal_cdf((x - means[k]) / f64::sqrt(variances[k]));
            let above = f64::from(u8::from(x >= observed));
            ((0..3).map(cdf).sum::<f64>() / 3.0 - above).powi(2) * step
        };
        let expected: f64 = (0..20_000).map(integrand).sum();
        assert!((crps - expected).abs() < 1e-6, "{crps} and {expected}");
    }

    #[test]
    fn noise_that_vanishes_leaves_the_score_of_the_draws() {
        let tensor = |value: f64| Tensor::<1>::from_data([value], &Device::flex());
        let draws = ObservedDraws::new(&[-1.0, 0.5, 2.0].map(tensor), &tensor(0.75)).unwrap();
        let crps = draws.crps().mean();
        // The noise has a standard deviation of 1e-8.
        assert!((draws.with_precision(1e16).crps().mean() - crps).abs() < 1e-7);
    }

    #[test]
    fn a_value_far_from_all_draws_keeps_a_likelihood_and_a_place() {
        let tensor = |value: f64| Tensor::<1>::from_data([value], &Device::flex());
        let far = PredictiveMixture::gaussian(&tensor(0.0), &tensor(1.0), &tensor(-100.0)).unwrap();
        let expected = 5000.0 + 0.5 * TAU.ln();
        assert!((far.negative_log_likelihood().mean() - expected).abs() < 1e-9);
        assert_eq!(far.pit().values(), [0.0]);
        // Φ(-10), as SciPy's norm.cdf gives it.
        let tail = PredictiveMixture::gaussian(&tensor(0.0), &tensor(1.0), &tensor(-10.0)).unwrap();
        assert!((tail.pit().values()[0] / 7.619_853_024_160_495e-24 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_variance_that_is_not_positive_is_an_error() {
        let tensor = |value: f64| Tensor::<1>::from_data([value], &Device::flex());
        let error = PredictiveMixture::gaussian(&tensor(0.0), &tensor(-1.0), &tensor(0.0));
        assert_eq!(
            error.unwrap_err().to_string(),
            "variance at [0] must be positive and finite, got -1"
        );
    }
}
