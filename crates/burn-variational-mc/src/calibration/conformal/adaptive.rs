//! Conformal intervals that follow a time series.

use std::collections::VecDeque;

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::quantile::{rank, score_of_rank};
use super::split::absolute_errors;
use crate::calibration::read_back::ReadBack;
use crate::calibration::{CalibrationError, PredictionInterval};
use crate::interval::check_level;

/// The step size of Gibbs & Candès' experiments.
const STEP_SIZE: f64 = 0.005;

/// Adaptive conformal inference: intervals `ŷ_t ± q_t` around the predictions of a time series, made
/// wider after each miss and narrower after each hit:
///
/// ```text
/// α_{t+1} = α_t + γ (α - err_t)    α_1 = α = 1 - level
/// ```
///
/// where `err_t` is 1 if `y_t` lay outside and 0 if within, and `q_t` is the `⌈(n+1)(1-α_t)⌉`-th
/// smallest of the last `n` errors `|y - ŷ|`, as many as it began with. Where that is more than `n`, as
/// from `α_t = 0` down, the interval is infinite; from `α_t = 1` up it is empty.
///
/// Nothing is assumed of the data, so no single interval is promised to cover. What is promised is
/// the share of misses in the long run, `α` whatever the series does:
///
/// ```text
/// |1/T Σ_t err_t - α| ≤ (max(α, 1-α) + γ) / (γ T)
/// ```
///
/// A larger step size `γ` follows changes faster, by intervals that are less steady.
///
/// A series that is forecast several steps ahead takes one of these for each step: what is `h` steps
/// ahead is observed `h` steps later, and its interval is kept until then. As `h` misses may be on
/// their way, the numerator is then `max(α, 1-α) + h γ`.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::calibration::AdaptiveConformal;
///
/// // The last errors of the year before were 1 to 9; predictions go on, and so do observations.
/// let errors: [f64; 9] = std::array::from_fn(|n| n as f64 + 1.0);
/// let observed = Tensor::<1>::from_data(errors, &Device::flex());
/// let predicted = observed.zeros_like();
/// let mut conformal = AdaptiveConformal::new(&predicted, &observed, 0.8)?.with_step_size(0.1);
/// let interval = conformal.interval(100.0);
/// assert_eq!((interval.lower(), interval.upper()), (92.0, 108.0));
/// conformal.observe(&interval, 120.0)?;
/// assert!((conformal.alpha() - (0.2 + 0.1 * (0.2 - 1.0))).abs() < 1e-15);
/// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
/// ```
///
/// # References
///
/// Isaac Gibbs and Emmanuel Candès, *Adaptive Conformal Inference Under Distribution Shift*, 2021,
/// arXiv 2106.00170, eq. 2 and proposition 4.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveConformal {
    level: f64,
    step_size: f64,
    alpha: f64,
    /// The oldest first.
    scores: VecDeque<f64>,
}

/// The interval of one prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveInterval {
    predicted: f64,
    /// Half the width, or none of an empty interval.
    radius: Option<f64>,
}

impl AdaptiveConformal {
    /// With the errors of predictions that were observed already, and a step size `γ` of 0.005.
    ///
    /// # Shapes
    ///
    /// - predicted, observed: any, in the order of time
    ///
    /// # Errors
    ///
    /// If a value is not finite, naming it, or there is none.
    ///
    /// # Panics
    ///
    /// If the level is not in (0, 1), or the dims differ.
    pub fn new<const D: usize>(
        predicted: &Tensor<D>,
        observed: &Tensor<D>,
        level: f64,
    ) -> Result<Self, CalibrationError> {
        check_level("AdaptiveConformal", "level", level);
        let scores = absolute_errors(predicted, observed)?.values.into();
        Ok(Self { level, step_size: STEP_SIZE, alpha: 1.0 - level, scores })
    }

    /// With this step size `γ`.
    ///
    /// # Panics
    ///
    /// If it is not positive and finite.
    pub fn with_step_size(mut self, step_size: f64) -> Self {
        assert!(
            step_size > 0.0 && step_size.is_finite(),
            "AdaptiveConformal: step_size must be positive and finite, got {step_size}"
        );
        self.step_size = step_size;
        self
    }

    /// The share of values to be covered in the long run.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// `α_t`, the share of misses aimed at next: within `γ` of [0, 1] if each value is observed before
    /// the next is predicted.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The interval of the next prediction `ŷ_t`. Keep it until the value is observed.
    pub fn interval(&self, predicted: f64) -> AdaptiveInterval {
        let n_scores = self.scores.len();
        let radius = match rank(n_scores, 1.0 - self.alpha) {
            0 => None,
            rank if rank > n_scores => Some(f64::INFINITY),
            rank => Some(score_of_rank(self.scores.iter().copied().collect(), rank)),
        };
        AdaptiveInterval { predicted, radius }
    }

    /// Takes in the value `y_t` that an interval was made for, and forgets the oldest error. A value
    /// that was never observed is left out.
    ///
    /// # Errors
    ///
    /// If the prediction or the observed value is not finite; nothing is then taken in.
    pub fn observe(
        &mut self,
        interval: &AdaptiveInterval,
        observed: f64,
    ) -> Result<(), CalibrationError> {
        for (what, value) in [("predicted", interval.predicted), ("observed", observed)] {
            if !value.is_finite() {
                return Err(CalibrationError::NotFinite { what, at: Vec::new(), value });
            }
        }
        let miss = if interval.contains(observed) { 0.0 } else { 1.0 };
        self.alpha += self.step_size * (1.0 - self.level - miss);
        self.scores.push_back((observed - interval.predicted).abs());
        self.scores.pop_front();
        Ok(())
    }

    /// The intervals of a series of predictions one step ahead, each made before its value is taken
    /// in. An empty one is the prediction itself.
    ///
    /// # Shapes
    ///
    /// - predicted, observed: `[n_steps]`
    ///
    /// # Errors
    ///
    /// If a value is not finite, naming it; nothing is then taken in. If there is none.
    ///
    /// # Panics
    ///
    /// If the dims differ.
    pub fn follow(
        &mut self,
        predicted: &Tensor<1>,
        observed: &Tensor<1>,
    ) -> Result<PredictionInterval<1>, CalibrationError> {
        let place = (&predicted.device(), predicted.dtype());
        let predicted = ReadBack::finite("predicted", predicted)?;
        let observed = ReadBack::finite("observed", observed)?;
        observed.expect_dims(&predicted.dims);
        let [mut lower, mut upper] = [Vec::new(), Vec::new()];
        for (&predicted, &observed) in predicted.values.iter().zip(&observed.values) {
            let interval = self.interval(predicted);
            self.observe(&interval, observed)?;
            lower.push(interval.lower());
            upper.push(interval.upper());
        }
        let end = |ends: Vec<f64>| {
            let dims = [ends.len()];
            Tensor::from_data(TensorData::new(ends, dims), place)
        };
        Ok(PredictionInterval::new(end(lower), end(upper)))
    }
}

impl AdaptiveInterval {
    /// The lower end; of an empty interval, the prediction.
    pub fn lower(&self) -> f64 {
        self.predicted - self.radius.unwrap_or(0.0)
    }

    /// The upper end; of an empty interval, the prediction.
    pub fn upper(&self) -> f64 {
        self.predicted + self.radius.unwrap_or(0.0)
    }

    /// Whether a value lies within, ends included; none does within an empty one.
    pub fn contains(&self, value: f64) -> bool {
        self.radius.is_some_and(|radius| (value - self.predicted).abs() <= radius)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn tensor(values: &[f64]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    fn adaptive(level: f64) -> AdaptiveConformal {
        AdaptiveConformal::new(&tensor(&[0.0; 3]), &tensor(&[1.0, 2.0, 3.0]), level).unwrap()
    }

    #[test]
    fn misses_widen_intervals_until_nothing_is_missed() {
        // Ranks 2, 3 and 4, as α falls from ½ to ¼ to 0.
        let mut conformal = adaptive(0.5).with_step_size(0.5);
        let mut radii = Vec::new();
        for observed in [10.0, 20.0, 40.0] {
            let interval = conformal.interval(0.0);
            radii.push(interval.upper());
            conformal.observe(&interval, observed).unwrap();
        }
        // The second is the largest of 2, 3 and 10, the third is beyond 3, 10 and 20.
        assert_eq!(radii, [2.0, 10.0, f64::INFINITY]);
        // An infinite interval misses nothing, and α rises again.
        assert_eq!(conformal.alpha(), 0.25);
    }

    #[test]
    fn hits_narrow_intervals_until_they_are_empty_and_an_empty_one_misses() {
        let mut conformal = adaptive(0.5).with_step_size(1.0);
        let interval = conformal.interval(5.0);
        conformal.observe(&interval, 5.0).unwrap();
        assert_eq!(conformal.alpha(), 1.0);
        let empty = conformal.interval(5.0);
        assert_eq!((empty.lower(), empty.upper(), empty.contains(5.0)), (5.0, 5.0, false));
        conformal.observe(&empty, 5.0).unwrap();
        assert_eq!(conformal.alpha(), 0.5);
    }

    #[test]
    fn misses_are_as_many_as_asked_in_the_long_run_of_a_series_that_changes() {
        // The errors grow by a third of themselves every hundred steps: nothing is exchangeable.
        let error = |t: i32| 1.3_f64.powf(f64::from(t) / 100.0) * f64::from(t * 37 % 101);
        let before: Vec<f64> = (0..100).map(error).collect();
        let zeros = tensor(&[0.0; 100]);
        let (alpha, step_size, n_steps) = (0.1, 0.05, 2000);
        for horizon in [1, 5] {
            let conformal = AdaptiveConformal::new(&zeros, &tensor(&before), 1.0 - alpha).unwrap();
            let mut conformal = conformal.with_step_size(step_size);
            let mut forecasts = VecDeque::new();
            let mut n_misses = 0;
            for t in 100..100 + n_steps {
                forecasts.push_back((conformal.interval(0.0), error(t)));
                if forecasts.len() == horizon {
                    let (interval, observed) = forecasts.pop_front().unwrap();
                    n_misses += i32::from(!interval.contains(observed));
                    conformal.observe(&interval, observed).unwrap();
                }
            }
            let n_observed = f64::from(n_steps) - forecasts.len() as f64;
            let bound = (1.0 - alpha + horizon as f64 * step_size) / (step_size * n_observed);
            let share = f64::from(n_misses) / n_observed;
            assert!((share - alpha).abs() <= bound, "{horizon} steps ahead: {share}");
        }
    }

    #[test]
    fn a_series_is_followed_as_step_by_step() {
        let (predicted, observed) = ([0.0, 1.0, 2.0], [2.5, -9.0, 2.0]);
        let mut by_step = adaptive(0.5).with_step_size(0.25);
        let mut upper = Vec::new();
        for (predicted, observed) in predicted.into_iter().zip(observed) {
            let interval = by_step.interval(predicted);
            upper.push(interval.upper());
            by_step.observe(&interval, observed).unwrap();
        }
        let mut whole = adaptive(0.5).with_step_size(0.25);
        let intervals = whole.follow(&tensor(&predicted), &tensor(&observed)).unwrap();
        assert_eq!(whole, by_step);
        assert_eq!(intervals.upper().into_data().iter::<f64>().collect::<Vec<_>>(), upper);
    }

    #[test]
    fn a_value_that_is_not_finite_is_an_error_and_changes_nothing() {
        let mut conformal = adaptive(0.5);
        let interval = conformal.interval(0.0);
        let error = conformal.observe(&interval, f64::NAN).unwrap_err();
        assert_eq!(error.to_string(), "observed must be finite, got NaN");
        let error = conformal.follow(&tensor(&[0.0, f64::INFINITY]), &tensor(&[0.0, 0.0]));
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "predicted at [1] must be finite, got inf");
        assert_eq!(conformal, adaptive(0.5));
    }

    #[test]
    #[should_panic(expected = "AdaptiveConformal: step_size must be positive and finite, got 0")]
    fn a_step_size_of_zero_is_refused() {
        let _ = adaptive(0.5).with_step_size(0.0);
    }
}
