//! When the draws so far are enough.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Stops a run as soon as the standard error of every mean is small enough:
///
/// ```text
/// √(1/(K (K - 1)) Σ_k (x_k - mean)²) ≤ bound,  or  ≤ bound · |mean|
/// ```
///
/// It is looked at after fixed numbers of draws, by default after 50, 75, 100, ...: whatever fits a
/// pass, a run stops after the same draws. A bound that is met by chance is met too soon, the more
/// often one looks: the error of a run that stopped early is a little larger than its standard error
/// says. Give it a minimum of draws that settles the standard error itself.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
/// use burn_variational_mc::{EarlyStop, MonteCarlo};
///
/// let model = LockedDropoutConfig::new(4, 0.5).init();
/// let input = Tensor::<3>::ones([2, 3, 4], &Device::flex());
/// // An output is 0 or 2, with a deviation of 1: 100 draws have a standard error of 0.1.
/// let mc = MonteCarlo::new(10_000, MaskRng::seeded(1)).with_early_stop(EarlyStop::absolute(0.11));
/// let moments = mc.moments(&model, &input).unwrap();
/// assert!((75..=125).contains(&moments.n_draws()));
/// assert!(moments.standard_error().max().into_scalar::<f32>() <= 0.11);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EarlyStop {
    bound: f64,
    is_relative: bool,
    min_draws: usize,
    interval: usize,
}

impl EarlyStop {
    /// With a bound in the unit of the mean.
    ///
    /// # Panics
    ///
    /// If the bound is not positive and finite.
    pub fn absolute(bound: f64) -> Self {
        assert!(
            bound > 0.0 && bound.is_finite(),
            "EarlyStop: bound must be positive and finite, got {bound}"
        );
        Self { bound, is_relative: false, min_draws: 50, interval: 25 }
    }

    /// With a bound as a share of each mean. A mean of 0 meets it only if no draw differs from it.
    ///
    /// # Panics
    ///
    /// If the bound is not positive and finite.
    pub fn relative(bound: f64) -> Self {
        Self { is_relative: true, ..Self::absolute(bound) }
    }

    /// With so many draws before the first look: few may agree by chance.
    ///
    /// # Panics
    ///
    /// If they are less than two, which have no standard error.
    pub fn with_min_draws(mut self, min_draws: usize) -> Self {
        assert!(min_draws > 1, "EarlyStop: min_draws must be at least 2, got {min_draws}");
        self.min_draws = min_draws;
        self
    }

    /// With so many draws from look to look. Each look waits for the device.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn with_interval(mut self, interval: usize) -> Self {
        assert!(interval > 0, "EarlyStop: interval must be positive, got 0");
        self.interval = interval;
        self
    }

    /// Whether the standard error of every mean is within the bound: for a
    /// [`Statistic`](crate::Statistic) of your own. What is not a number is not.
    ///
    /// # Shapes
    ///
    /// - mean, `standard_error`: the same, any
    pub fn is_met<const D: usize>(&self, mean: Tensor<D>, standard_error: Tensor<D>) -> bool {
        let excess = if self.is_relative {
            standard_error - mean.abs().mul_scalar(self.bound)
        } else {
            standard_error.sub_scalar(self.bound)
        };
        excess.lower_equal_elem(0.0).all().into_scalar::<bool>()
    }

    /// The numbers of draws after which to look, before all `n_draws`.
    pub(crate) fn looks(&self, n_draws: usize) -> impl Iterator<Item = usize> {
        (self.min_draws..n_draws).step_by(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn is_met(stop: EarlyStop, mean: [f32; 2], standard_error: [f32; 2]) -> bool {
        let tensor = |values: [f32; 2]| Tensor::<1>::from_data(values, &Device::flex());
        stop.is_met(tensor(mean), tensor(standard_error))
    }

    #[test]
    fn every_mean_has_to_be_within_the_bound() {
        let absolute = EarlyStop::absolute(0.5);
        assert!(is_met(absolute, [0.0, 9.0], [0.5, 0.25]));
        assert!(!is_met(absolute, [0.0, 9.0], [0.5, 0.75]));
        let relative = EarlyStop::relative(0.5);
        assert!(is_met(relative, [-1.0, 0.0], [0.5, 0.0]));
        assert!(!is_met(relative, [-1.0, 0.0], [0.5, 0.25]));
    }

    #[test]
    fn what_is_not_a_number_is_not_within_it() {
        assert!(!is_met(EarlyStop::absolute(0.5), [0.0; 2], [f32::NAN, 0.0]));
        assert!(!is_met(EarlyStop::relative(0.5), [f32::NAN, 1.0], [0.0; 2]));
    }

    #[test]
    fn looks_come_after_a_minimum_and_at_intervals() {
        let stop = EarlyStop::absolute(1.0).with_min_draws(3).with_interval(2);
        assert_eq!(stop.looks(8).collect::<Vec<_>>(), [3, 5, 7]);
        assert_eq!(stop.looks(3).count(), 0);
    }

    #[test]
    #[should_panic(expected = "EarlyStop: bound must be positive and finite, got NaN")]
    fn a_bound_that_is_no_number_is_refused() {
        let _ = EarlyStop::relative(f64::NAN);
    }

    #[test]
    #[should_panic(expected = "EarlyStop: min_draws must be at least 2, got 1")]
    fn a_look_after_one_draw_is_refused() {
        let _ = EarlyStop::absolute(1.0).with_min_draws(1);
    }

    #[test]
    #[should_panic(expected = "EarlyStop: interval must be positive, got 0")]
    fn looks_after_no_draw_are_refused() {
        let _ = EarlyStop::absolute(1.0).with_interval(0);
    }
}
