//! Confidence that is right on average, by one number.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::CalibrationError;
use super::maximum::log_of_maximum;
use super::read_back::{ReadBack, read_classes};

/// A temperature `T > 0` that logits `z` are divided by before the softmax, `softmax(z / T)`: above
/// 1 a model was too sure, below 1 not sure enough. What it predicts stays the same, each draw by
/// itself.
///
/// It is fitted by the likelihood of validation data, neither those of training nor those of test.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use burn_variational_mc::calibration::TemperatureScaling;
///
/// // Says 98 % (logits 4 and 0), and is right three times of four.
/// let device = Device::flex();
/// let logits = Tensor::<2>::from_data([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]], &device);
/// let classes = Tensor::<1, Int>::from_data([0, 0, 1, 0], &device);
/// let scaling = TemperatureScaling::fit(&logits, &classes)?;
/// // softmax(4 / T, 0) = (3/4, 1/4) at T = 4 / log 3.
/// assert!((scaling.temperature() - 4.0 / 3.0_f64.ln()).abs() < 1e-9);
/// let calibrated = scaling.apply(logits);
/// # let _ = calibrated;
/// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
/// ```
///
/// # References
///
/// Chuan Guo, Geoff Pleiss, Yu Sun and Kilian Weinberger, *On Calibration of Modern Neural
/// Networks*, 2017, arXiv 1706.04599, section 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TemperatureScaling {
    temperature: f64,
}

impl TemperatureScaling {
    /// The temperature under which the classes are likeliest, of logits of one prediction each: of
    /// weight averaging, say. The likelihood is concave in `1/T`, so there is one such temperature
    /// at most.
    ///
    /// # Shapes
    ///
    /// - logits: `[.., n_classes]`
    /// - classes: `[..]`
    ///
    /// # Errors
    ///
    /// If a logit is not finite, a class is none of the classes, or no temperature is likeliest:
    /// every prediction is right, or they are no better than chance.
    ///
    /// # Panics
    ///
    /// If the classes have other dims than the predictions.
    pub fn fit<const D: usize, const R: usize>(
        logits: &Tensor<D>,
        classes: &Tensor<R, Int>,
    ) -> Result<Self, CalibrationError> {
        Self::fit_read(1, ReadBack::finite("logits", logits)?, classes)
    }

    /// The temperature under which the classes are likeliest by Monte Carlo, of the logits of every
    /// draw: what is fitted is what is used,
    ///
    /// ```text
    /// p(y) = 1/K Σ_k softmax(z_k / T)
    /// ```
    ///
    /// a softmax of each draw's logits, divided by `T`, and then the mean. It is not the temperature
    /// of [`fit`](Self::fit): averaging makes a prediction less sure by itself. With several draws
    /// the likelihood may have several maxima; the one uphill from `T = 1` is taken.
    ///
    /// # Shapes
    ///
    /// - logits: `[.., n_classes]` of each draw
    /// - classes: `[..]`
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit); the index of a logit then begins with its draw. If there is no draw.
    ///
    /// # Panics
    ///
    /// If the draws differ in their dims, or the classes have others than the predictions.
    pub fn fit_draws<const D: usize, const R: usize>(
        logits: &[Tensor<D>],
        classes: &Tensor<R, Int>,
    ) -> Result<Self, CalibrationError> {
        Self::fit_read(logits.len(), ReadBack::draws("logits", logits, ReadBack::finite)?, classes)
    }

    fn fit_read<const R: usize>(
        n_draws: usize,
        logits: ReadBack,
        classes: &Tensor<R, Int>,
    ) -> Result<Self, CalibrationError> {
        let classes = read_classes(classes, &logits.dims)?;
        let n_classes = logits.dims[R];
        let rows = Rows { n_draws, n_classes, logits: logits.values, classes };
        // The maximum is over log 1/T.
        match log_of_maximum(0.0, |eta| rows.derivatives(eta.exp())) {
            Ok(eta) => Ok(Self { temperature: (-eta).exp() }),
            Err(limit) => Err(CalibrationError::Unbounded {
                what: "temperature",
                limit: 1.0 / limit,
                reason: if limit > 0.0 {
                    "every row is predicted right, by a draw at least"
                } else {
                    "the logits say no more of the classes than chance"
                },
            }),
        }
    }

    /// `T`.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// `z / T`. For Monte Carlo, a model gives this in place of its logits `z`: each draw's are
    /// divided before the softmax, and the probabilities then averaged. Dividing the logarithm of
    /// averaged probabilities would be another model, that no likelihood was fitted to.
    ///
    /// # Shapes
    ///
    /// - logits, output: any, the classes last
    pub fn apply<const D: usize>(&self, logits: Tensor<D>) -> Tensor<D> {
        logits.div_scalar(self.temperature)
    }
}

/// Logits and observed classes.
struct Rows {
    n_draws: usize,
    n_classes: usize,
    /// Those of all draws of the first row's first class, then of its second.
    logits: Vec<f64>,
    classes: Vec<usize>,
}

impl Rows {
    /// The mean log-likelihood's first and second derivative in `log β`, at `β = 1/T`.
    fn derivatives(&self, beta: f64) -> [f64; 2] {
        let logits = self.logits.chunks_exact(self.n_draws * self.n_classes);
        let mut sums = [0.0; 2];
        let mut draws = vec![[0.0; 3]; self.n_draws];
        for (logits, &class) in logits.zip(&self.classes) {
            for (k, draw) in draws.iter_mut().enumerate() {
                *draw = self.of_draw(logits, k, class, beta);
            }
            let [slope, curvature] = of_mean(&draws);
            sums[0] += beta * slope;
            sums[1] += beta * slope + beta * beta * curvature;
        }
        sums.map(|sum| sum / self.classes.len() as f64)
    }

    /// The log-likelihood of the class by one draw, and its two derivatives in `β`: with
    /// `d_c = z_c - z_class`, `-log Σ_c exp(β d_c)`, `-E[d]` and `-Var[d]` under the softmax.
    fn of_draw(&self, logits: &[f64], draw: usize, class: usize, beta: f64) -> [f64; 3] {
        let z = |c: usize| logits[c * self.n_draws + draw];
        // Differences first: where the class is the likeliest no sum of them can round below 0.
        let differences = (0..self.n_classes).map(|c| z(c) - z(class));
        let largest = differences.clone().fold(0.0, f64::max);
        let [mut sum, mut first, mut second] = [0.0; 3];
        for d in differences {
            let weight = (beta * (d - largest)).exp();
            sum += weight;
            first += weight * d;
            second += weight * d * d;
        }
        let mean = first / sum;
        [-(beta * largest + sum.ln()), -mean, -(second / sum - mean * mean)]
    }
}

/// The derivatives of `log 1/K Σ_k exp a_k`, of `a_k` and its two derivatives.
fn of_mean(draws: &[[f64; 3]]) -> [f64; 2] {
    let largest = draws.iter().map(|draw| draw[0]).fold(f64::NEG_INFINITY, f64::max);
    let [mut sum, mut first, mut second] = [0.0; 3];
    for &[log_likelihood, slope, curvature] in draws {
        let weight = (log_likelihood - largest).exp();
        sum += weight;
        first += weight * slope;
        second += weight * (curvature + slope * slope);
    }
    let slope = first / sum;
    [slope, second / sum - slope * slope]
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn logits(rows: [[f32; 2]; 2]) -> Tensor<2> {
        Tensor::from_data(rows, &Device::flex())
    }

    fn classes<const N: usize>(classes: [i32; N]) -> Tensor<1, Int> {
        Tensor::from_data(classes, &Device::flex())
    }

    fn refused(draws: &[Tensor<2>], observed: [i32; 2]) -> String {
        TemperatureScaling::fit_draws(draws, &classes(observed)).unwrap_err().to_string()
    }

    #[test]
    fn logits_and_classes_that_cannot_be_are_errors_that_name_them() {
        let (sound, broken) = (logits([[0.0, 1.0]; 2]), logits([[0.0, 1.0], [f32::NAN, 0.0]]));
        let error = TemperatureScaling::fit(&broken, &classes([0, 1])).unwrap_err();
        assert_eq!(error.to_string(), "logits at [1, 0] must be finite, got NaN");
        let impossible = logits([[0.0, f32::NEG_INFINITY]; 2]);
        assert_eq!(
            refused(&[sound.clone(), impossible], [0, 1]),
            "logits at [1, 0, 1] must be finite, got -inf"
        );
        assert_eq!(refused(&[sound], [0, 2]), "class at [1] must be in 0..2, got 2");
        assert_eq!(refused(&[], [0, 0]), "logits: there must be at least one value, got none");
    }

    #[test]
    fn predictions_that_are_all_right_or_no_better_than_chance_have_no_likeliest_temperature() {
        let rows = logits([[3.0, 0.0], [0.0, 0.5]]);
        let right = "no temperature is likeliest: the likelihood grows as it goes to 0: every row \
                     is predicted right, by a draw at least";
        assert_eq!(refused(std::slice::from_ref(&rows), [0, 1]), right);
        // Of the first row the second draw is wrong, of the second the first, and both are sure.
        let draws = [logits([[2.0, 0.0], [9.0, 0.0]]), logits([[0.0, 9.0], [0.0, 2.0]])];
        assert_eq!(refused(&draws, [0, 1]), right);
        let chance = "no temperature is likeliest: the likelihood grows as it goes to inf: the \
                      logits say no more of the classes than chance";
        assert_eq!(refused(std::slice::from_ref(&rows), [1, 0]), chance);
        // No row tells the classes apart.
        assert_eq!(refused(&[rows * 0.0], [1, 0]), chance);
    }

    #[test]
    fn the_derivatives_are_those_of_the_likelihood_of_averaged_probabilities() {
        let draws = [logits([[3.0, 0.5], [-1.0, 0.5]]), logits([[0.0, 1.0], [2.0, 0.0]])];
        let logits = ReadBack::draws("logits", &draws, ReadBack::finite).unwrap().values;
        let rows = Rows { n_draws: 2, n_classes: 2, logits, classes: vec![0, 1] };
        // By hand: of two classes, the softmax is a logistic function of their difference.
        let log_likelihood = |eta: f64| {
            let p = |difference: f64| 1.0 / (1.0 + (-difference * eta.exp()).exp());
            0.5 * ((p(2.5) + p(-1.0)).ln() + (p(1.5) + p(-2.0)).ln())
        };
        let (eta, step) = (0.3, 1e-4);
        let [slope, curvature] = rows.derivatives(f64::exp(eta));
        let [below, here, above] = [eta - step, eta, eta + step].map(log_likelihood);
        // Central differences: errors of the order of the step squared, and of a rounding over it.
        assert!((slope - (above - below) / (2.0 * step)).abs() < 1e-7);
        assert!((curvature - (above - 2.0 * here + below) / (step * step)).abs() < 1e-6);
    }

    #[test]
    fn a_temperature_comes_back_as_it_was_saved() {
        let scaling = TemperatureScaling { temperature: 1.25 };
        let saved = serde_json::to_string(&scaling).unwrap();
        assert_eq!(serde_json::from_str::<TemperatureScaling>(&saved).unwrap(), scaling);
        let logits = scaling.apply(logits([[2.5, 0.0]; 2]));
        logits.into_data().assert_eq(&[[2.0_f32, 0.0]; 2].into(), true);
    }

    #[test]
    #[should_panic(expected = "calibration: classes must have dims [2], got [1]")]
    fn classes_of_other_rows_are_refused() {
        let _ = TemperatureScaling::fit(&logits([[0.0, 1.0]; 2]), &classes([0]));
    }

    #[test]
    #[should_panic(expected = "calibration: logits must have dims [2, 2], got [1, 2]")]
    fn draws_of_other_dims_are_refused() {
        let draws = [logits([[0.0, 1.0]; 2]), Tensor::zeros([1, 2], &Device::flex())];
        let _ = TemperatureScaling::fit_draws(&draws, &classes([0, 1]));
    }
}
