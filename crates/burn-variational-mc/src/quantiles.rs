//! Quantiles of the draws, which have to be kept for them.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::host::{on_host, to_device};
use crate::{PredictionInterval, Samples, Statistic};

/// The quantiles of draws, `[n_rows, ..]` for each probability, with linear interpolation:
///
/// ```text
/// q(p) = x_(i) + (h - i) (x_(i+1) - x_(i))      h = p (K - 1), i = ⌊h⌋
/// ```
///
/// where `x_(0) ≤ .. ≤ x_(K-1)` are the draws of a value in their order. This is type 7 of Hyndman
/// and Fan, the default of `NumPy` and R. They are quantiles of what the draws are: of the means `ŷ_k`
/// of a regression they leave the noise out, which
/// [`GaussianMixture`](crate::GaussianMixture) has in it.
///
/// They are found on the host. Where a draw is no number, neither is the quantile.
///
/// # Panics
///
/// If there is no draw, or a probability is not in `[0, 1]`.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::quantiles;
///
/// let draws = [1.0_f32, 9.0, 4.0].map(|draw| Tensor::<1>::from_data([draw], &Device::flex()));
/// let found = quantiles(&draws, &[0.25, 0.5]);
/// assert_eq!(found[0].clone().into_scalar::<f32>(), 2.5);
/// assert_eq!(found[1].clone().into_scalar::<f32>(), 4.0);
/// ```
///
/// # References
///
/// Rob Hyndman and Yanan Fan, *Sample Quantiles in Statistical Packages*, 1996.
pub fn quantiles<const D: usize>(draws: &[Tensor<D>], probabilities: &[f64]) -> Vec<Tensor<D>> {
    check_probabilities(probabilities);
    let first = draws.first().expect("Quantiles: there must be at least one draw, got 0");
    let on_host: Vec<Vec<f64>> = draws.iter().map(on_host).collect();
    let mut of_probabilities = vec![Vec::new(); probabilities.len()];
    for place in 0..first.shape().num_elements() {
        let mut values: Vec<f64> = on_host.iter().map(|draw| draw[place]).collect();
        values.sort_by(f64::total_cmp);
        for (quantiles, &probability) in of_probabilities.iter_mut().zip(probabilities) {
            quantiles.push(of_sorted(&values, probability));
        }
    }
    of_probabilities.into_iter().map(|quantiles| to_device(quantiles, first)).collect()
}

fn check_probabilities(probabilities: &[f64]) {
    for probability in probabilities {
        assert!(
            (0.0..=1.0).contains(probability),
            "Quantiles: a probability must be in [0, 1], got {probability}"
        );
    }
}

fn of_sorted(values: &[f64], probability: f64) -> f64 {
    // What is no number stands at either end.
    if values[0].is_nan() || values[values.len() - 1].is_nan() {
        return f64::NAN;
    }
    let position = probability * (values.len() - 1) as f64;
    let below = position.floor();
    let lower = values[below as usize];
    let upper = values[position.ceil() as usize];
    lower + (position - below) * (upper - lower)
}

/// The interval that holds the middle `level` of the draws: between the [`quantiles`] of
/// `(1 - level) / 2` and `(1 + level) / 2`.
///
/// # Panics
///
/// If there is no draw, or the level is not in `(0, 1)`.
pub fn central_interval<const D: usize>(draws: &[Tensor<D>], level: f64) -> PredictionInterval<D> {
    PredictionInterval::central(level, |ends| quantiles(draws, ends))
}

/// Quantiles of the draws, by [`quantiles`]; every draw is kept up to the end.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
/// use burn_variational_mc::{MonteCarlo, Quantiles};
///
/// let model = LockedDropoutConfig::new(4, 0.2).init();
/// let input = Tensor::<3>::ones([2, 3, 4], &Device::flex());
/// let mc = MonteCarlo::new(50, MaskRng::seeded(1));
/// let quantiles = mc.estimate(&model, &input, Quantiles::new(&[0.0, 0.5, 1.0])).unwrap();
/// // A unit is 0 where it is dropped, and else 1 / 0.8.
/// let of_a_unit = quantiles.iter().map(|q| q.clone().slice([0..1, 0..1, 0..1]).into_scalar());
/// assert_eq!(of_a_unit.collect::<Vec<f32>>(), [0.0, 1.25, 1.25]);
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quantiles<const D: usize> {
    probabilities: Vec<f64>,
    samples: Samples<D>,
}

impl<const D: usize> Quantiles<D> {
    /// Of no draw yet, for these probabilities.
    ///
    /// # Panics
    ///
    /// If one is not in `[0, 1]`.
    pub fn new(probabilities: &[f64]) -> Self {
        check_probabilities(probabilities);
        Self { probabilities: probabilities.to_vec(), samples: Samples::new() }
    }
}

/// Gives the quantiles `[n_rows, ..]`, one for each probability.
impl<const D: usize> Statistic<D> for Quantiles<D> {
    type Output = Vec<Tensor<D>>;

    fn push(&mut self, draw: Tensor<D>) {
        self.samples.push(draw);
    }

    fn merge(&mut self, other: Self) {
        self.samples.merge(other.samples);
    }

    fn append_rows(&mut self, other: Self) {
        self.samples.append_rows(other.samples);
    }

    fn finish(self) -> Vec<Tensor<D>> {
        quantiles(&self.samples.finish(), &self.probabilities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn draws(values: &[f32]) -> Vec<Tensor<1>> {
        values.iter().map(|value| Tensor::from_data([*value], &Device::flex())).collect()
    }

    fn quantile(values: &[f32], probability: f64) -> f32 {
        quantiles(&draws(values), &[probability])[0].clone().into_scalar()
    }

    #[test]
    fn between_two_draws_a_quantile_is_on_the_line() {
        let values = [3.0, 1.0, 2.0, 10.0];
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 1.0), 10.0);
        // 0.9 · 3 = 2.7: 3 + 0.7 · 7.
        assert!((quantile(&values, 0.9) - 7.9).abs() < 1e-6);
        assert_eq!(quantile(&[5.0], 0.3), 5.0);
    }

    #[test]
    fn of_draws_that_are_no_numbers_there_is_no_quantile() {
        assert!(quantile(&[1.0, f32::NAN, 2.0], 0.0).is_nan());
        assert!(quantile(&[1.0, -f32::NAN, 2.0], 1.0).is_nan());
    }

    #[test]
    fn what_was_saved_merges_with_what_was_not() {
        let statistic = |values: &[f32]| {
            let mut quantiles = Quantiles::new(&[0.5]);
            for draw in draws(values) {
                quantiles.push(draw);
            }
            quantiles
        };
        let saved = serde_json::to_string(&statistic(&[7.0])).unwrap();
        let mut merged: Quantiles<1> = serde_json::from_str(&saved).unwrap();
        merged.merge(statistic(&[1.0, 2.0]));
        merged.append_rows(statistic(&[4.0, 6.0, 5.0]));
        let median: Vec<f32> = merged.finish()[0].clone().into_data().try_to_vec().unwrap();
        assert_eq!(median, [2.0, 5.0]);
    }

    #[test]
    fn a_central_interval_leaves_out_the_same_on_both_sides() {
        let values: Vec<f32> = (0_u8..=100).map(f32::from).collect();
        let interval = central_interval(&draws(&values), 0.9);
        assert!((interval.lower().into_scalar::<f32>() - 5.0).abs() < 1e-5);
        assert!((interval.upper().into_scalar::<f32>() - 95.0).abs() < 1e-5);
    }

    #[test]
    #[should_panic(expected = "PredictionInterval: level must be in (0, 1), got 90")]
    fn a_level_in_percent_is_refused() {
        let _ = central_interval(&draws(&[1.0]), 90.0);
    }

    #[test]
    #[should_panic(expected = "Quantiles: there must be at least one draw, got 0")]
    fn no_draw_has_no_quantile() {
        let _ = quantiles::<1>(&[], &[0.5]);
    }

    #[test]
    #[should_panic(expected = "Quantiles: a probability must be in [0, 1], got 1.5")]
    fn a_probability_over_one_is_refused() {
        let _ = Quantiles::<1>::new(&[1.5]);
    }

    #[test]
    #[should_panic(expected = "Quantiles: a probability must be in [0, 1], got NaN")]
    fn a_probability_that_is_no_number_is_refused() {
        let _ = quantiles(&draws(&[1.0]), &[f64::NAN]);
    }
}
