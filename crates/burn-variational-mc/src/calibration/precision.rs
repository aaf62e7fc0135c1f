//! The precision of observation noise, fitted to validation data.

use super::maximum::log_of_maximum;
use super::{CalibrationError, ObservedDraws};

impl ObservedDraws {
    /// The precision `τ` of Gaussian noise under which the observed values are likeliest, the draws
    /// held fixed:
    ///
    /// ```text
    /// τ = argmax Σ_n log 1/K Σ_k N(y_n; ŷ_nk, 1/τ)
    /// ```
    ///
    /// Fit it on validation data. On training data, which the model is closer to than to any other,
    /// it would be too high, and its intervals too narrow; on test data nothing is left to judge by.
    ///
    /// Of one draw, or of weight averaging, `1/τ` is the mean squared error. For several draws the
    /// search begins at that of them all, which `1/τ` never exceeds, and goes uphill to the first
    /// maximum.
    ///
    /// The decay `λ` of training has a `τ` in it as well
    /// ([`DropoutPrior::with_precision`](burn_variational_dropout::DropoutPrior::with_precision)).
    /// A `τ` that is fitted afterwards was not the one of `λ`: the intervals hold what they say of
    /// such data, but the draws are those of a posterior under another noise. Train again with what
    /// was fitted, until the two agree, or say that they do not.
    ///
    /// # Errors
    ///
    /// If no finite precision is likeliest: each observed value is met exactly by a draw.
    ///
    /// # References
    ///
    /// The likelihood is that of Gal & Ghahramani 2016, arXiv 1506.02142, eq. 8.
    pub fn fit_precision(&self) -> Result<f64, CalibrationError> {
        likeliest_precision(self.n_draws, self.values())
    }

    /// The precision of each output by itself, as [`fit_precision`](Self::fit_precision): of each place
    /// in the last dim, of forecasts `[n_rows, horizon]` each step ahead.
    ///
    /// # Errors
    ///
    /// As [`fit_precision`](Self::fit_precision), of any output.
    pub fn fit_precision_per_output(&self) -> Result<Vec<f64>, CalibrationError> {
        let output = |m| self.values().skip(m).step_by(self.n_outputs());
        (0..self.n_outputs()).map(|m| likeliest_precision(self.n_draws, output(m))).collect()
    }
}

fn likeliest_precision<'a>(
    n_draws: usize,
    values: impl Iterator<Item = (&'a [f64], f64)> + Clone,
) -> Result<f64, CalibrationError> {
    let unbounded = |limit| CalibrationError::Unbounded {
        what: "precision",
        limit,
        reason: "each observed value is met exactly by a draw",
    };
    // Draws weighed alike: at a precision of 0.
    let error = mean(values.clone().map(|(draws, observed)| of_squares(draws, observed, 0.0)[0]));
    if error == 0.0 {
        return Err(unbounded(f64::INFINITY));
    }
    if n_draws == 1 {
        return Ok(1.0 / error);
    }
    let of_log = |eta: f64| derivatives(values.clone(), eta.exp());
    log_of_maximum(-error.ln(), of_log).map(f64::exp).map_err(unbounded)
}

/// The mean log-likelihood's first and second derivative in `log τ`: of one value
/// `½ - ½ τ E[d²]` and `-½ τ E[d²] + ¼ τ² Var[d²]`, of the distances `d = y - ŷ_k` of the draws, each
/// weighed by its likelihood.
fn derivatives<'a>(values: impl Iterator<Item = (&'a [f64], f64)>, precision: f64) -> [f64; 2] {
    let (mut n_values, mut sums) = (0, [0.0; 2]);
    for (draws, observed) in values {
        let [mean, variance] = of_squares(draws, observed, precision);
        n_values += 1;
        sums[0] += 0.5 - 0.5 * precision * mean;
        sums[1] += -0.5 * precision * mean + 0.25 * precision * precision * variance;
    }
    sums.map(|sum| sum / f64::from(n_values))
}

/// Mean and variance of `(y - ŷ_k)²` over the draws, each weighed by `exp(-½ τ (y - ŷ_k)²)`.
fn of_squares(draws: &[f64], observed: f64, precision: f64) -> [f64; 2] {
    let squares = draws.iter().map(|draw| (observed - draw).powi(2));
    let smallest = squares.clone().fold(f64::INFINITY, f64::min);
    let [mut sum, mut first, mut second] = [0.0; 3];
    for square in squares {
        let weight = (-0.5 * precision * (square - smallest)).exp();
        sum += weight;
        first += weight * square;
        second += weight * square * square;
    }
    let mean = first / sum;
    [mean, second / sum - mean * mean]
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0, 0.0), |(n, sum), value| (n + 1, sum + value));
    sum / f64::from(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};

    fn column<const N: usize>(values: [f64; N]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    #[test]
    fn of_one_draw_the_variance_is_the_mean_squared_error() {
        let (draw, observed) = (column([0.0, 1.0]), column([1.0, -1.0]));
        let draws = [draw.clone(), draw];
        let one = ObservedDraws::new(&draws[..1], &observed).unwrap();
        assert_eq!(one.fit_precision().unwrap(), 1.0 / 2.5);
        // Equal draws are one, but for the roundings of the search.
        let two = ObservedDraws::new(&draws, &observed).unwrap();
        assert!((two.fit_precision().unwrap() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn draws_on_both_sides_of_what_is_observed_are_no_exact_prediction() {
        let draws = [column([0.0]), column([4.0])];
        let draws = ObservedDraws::new(&draws, &column([2.0])).unwrap();
        assert!((draws.fit_precision().unwrap() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn an_output_is_fitted_by_itself() {
        let device = Device::flex();
        let draw = Tensor::<2>::zeros([2, 2], &device);
        let observed = Tensor::from_data([[1.0, 2.0], [1.0, 4.0]], &device);
        let draws = ObservedDraws::new(&[draw], &observed).unwrap();
        assert_eq!(draws.fit_precision_per_output().unwrap(), [1.0, 0.1]);
        assert_eq!(draws.fit_precision().unwrap(), 2.0 / 11.0);
    }

    #[test]
    fn the_derivatives_are_those_of_the_likelihood_of_the_mixture() {
        let draws = [column([0.0, 1.0]), column([2.0, -1.0]), column([0.5, 0.0])];
        let draws = ObservedDraws::new(&draws, &column([0.75, -0.5])).unwrap();
        let log_likelihood =
            |eta: f64| -draws.clone().with_precision(eta.exp()).negative_log_likelihood().mean();
        let (eta, step) = (0.3, 1e-4);
        let [slope, curvature] = derivatives(draws.values(), f64::exp(eta));
        let [below, here, above] = [eta - step, eta, eta + step].map(log_likelihood);
        // Central differences: errors of the order of the step squared, and of a rounding over it.
        assert!((slope - (above - below) / (2.0 * step)).abs() < 1e-7);
        assert!((curvature - (above - 2.0 * here + below) / (step * step)).abs() < 1e-6);
    }

    #[test]
    fn values_met_exactly_have_no_likeliest_precision() {
        let message = "no precision is likeliest: the likelihood grows as it goes to inf: each \
                       observed value is met exactly by a draw";
        let draws = [column([1.0, 2.0]), column([0.0, 3.0])];
        let error = ObservedDraws::new(&draws[..1], &draws[0]).unwrap().fit_precision();
        assert_eq!(error.unwrap_err().to_string(), message);
        let error = ObservedDraws::new(&draws, &draws[0]).unwrap().fit_precision();
        assert_eq!(error.unwrap_err().to_string(), message);
    }
}
