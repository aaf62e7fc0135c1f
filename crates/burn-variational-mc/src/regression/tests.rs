//! Regressions by hand, and what is refused.

use std::f64::consts::PI;

use burn::tensor::{DType, Device, Tensor};
use burn_variational_dropout::{LockedDropoutConfig, MaskRng};

use super::*;
use crate::Statistic;

/// A few roundings of a value near 1.
const TOLERANCE: f64 = 1e-6;

fn draws(values: &[f32]) -> Vec<Tensor<1>> {
    values.iter().map(|value| Tensor::from_data([*value], &Device::flex())).collect()
}

/// Draws 1 and 3.
fn prediction() -> RegressionPrediction<1> {
    let mut values = RealValues::new();
    for draw in draws(&[1.0, 3.0]) {
        values.push(draw);
    }
    values.finish()
}

fn assert_near(got: Tensor<1>, expected: f64) {
    let got = f64::from(got.into_scalar::<f32>());
    assert!((got - expected).abs() < TOLERANCE * expected.abs().max(1.0), "{got}, not {expected}");
}

fn density(y: f64, mean: f64, variance: f64) -> f64 {
    (-(y - mean).powi(2) / (2.0 * variance)).exp() / (2.0 * PI * variance).sqrt()
}

#[test]
fn noise_adds_to_the_variance_of_the_draws() {
    assert_near(prediction().mean(), 2.0);
    assert_near(prediction().variance(), 1.0);
    assert_near(prediction().aleatoric_variance(), 0.0);
    let noisy = prediction().with_precision(4.0);
    assert_near(noisy.epistemic_variance(), 1.0);
    assert_near(noisy.aleatoric_variance(), 0.25);
    assert_near(noisy.variance(), 1.25);
}

#[test]
fn every_output_may_have_a_precision_of_its_own() {
    let mut values = RealValues::new();
    for draw in [[[1.0, 5.0], [2.0, 0.0]], [[3.0, 5.0], [2.0, 1.0]]] {
        values.push(Tensor::<2>::from_data(draw, &Device::flex()));
    }
    let precision = Tensor::<2>::from_data([[4.0, 0.5]], &Device::flex());
    let variance = values.finish().with_precision(precision).variance();
    let variance: Vec<f32> = variance.into_data().try_to_vec().unwrap();
    assert_eq!(variance, [1.25, 2.0, 0.25, 2.25]);
}

#[test]
fn the_log_likelihood_is_that_of_a_mixture_of_gaussians() {
    let (y, precision) = (2.5, 4.0);
    let expected = (0.5 * (density(y, 1.0, 0.25) + density(y, 3.0, 0.25))).ln();
    let observed = Tensor::from_data([y], &Device::flex());
    let mixture = GaussianMixture::new(draws(&[1.0, 3.0]), precision);
    assert_near(mixture.log_likelihood(&observed), expected);
}

#[test]
fn a_mixture_beside_what_was_observed_is_the_same_distribution() {
    let device = Device::flex();
    let draws = [[1.0, -0.5], [3.0, 0.7]];
    let draws = draws.map(|draw| Tensor::<2>::from_data([draw], &device)).to_vec();
    let mixtures = [
        GaussianMixture::new(draws.clone(), 4.0),
        GaussianMixture::new(draws.clone(), Tensor::<2>::from_data([[4.0, 0.5]], &device)),
    ];
    let observed = Tensor::<2>::from_data([[2.5, 0.25]], &device);
    for mixture in &mixtures {
        let likelihood: Vec<f64> = mixture.log_likelihood(&observed).into_data().iter().collect();
        let judged = mixture.observed(&observed).unwrap();
        for (loss, likelihood) in judged.negative_log_likelihood().values().iter().zip(likelihood) {
            assert!((loss + likelihood).abs() < TOLERANCE, "{loss} and {likelihood}");
        }
        // What lies under the quantile of a probability has that probability.
        for quantile in [0.05, 0.5, 0.99] {
            let at = mixture.quantiles(&[quantile])[0].clone();
            for pit in mixture.observed(&at).unwrap().pit().values() {
                assert!((pit - quantile).abs() < TOLERANCE, "{pit} under that of {quantile}");
            }
        }
    }
    // Mean 1 with variance e^-½, mean 3 with variance e^0.7, of one value each.
    let predicted = GaussianMixture::new(draws, ObservationNoise::Predicted);
    let observed = Tensor::<2>::from_data([[2.5]], &device);
    let judged = predicted.observed(&observed).unwrap();
    let expected = 0.5 * (density(2.5, 1.0, (-0.5_f64).exp()) + density(2.5, 3.0, 0.7_f64.exp()));
    assert!((judged.negative_log_likelihood().mean() + expected.ln()).abs() < TOLERANCE);
}

#[test]
fn a_variance_of_zero_beside_what_was_observed_is_an_error_that_names_it() {
    let draws = [[1.0, 0.0], [3.0, -200.0]];
    let draws = draws.map(|draw| Tensor::<2>::from_data([draw], &Device::flex())).to_vec();
    let mixture = GaussianMixture::new(draws, ObservationNoise::Predicted);
    let error = mixture.observed(&Tensor::zeros([1, 1], &Device::flex())).unwrap_err();
    let told = error.to_string();
    assert_eq!(told, "variances at [1, 0, 0] must be positive and finite, got 0");
}

#[test]
fn predicted_noise_is_that_of_each_draw() {
    // Mean 1 with variance ½, mean 3 with variance 2.
    let draws = [[1.0, 0.5_f32.ln()], [3.0, 2_f32.ln()]];
    let draws = draws.map(|draw| Tensor::from_data(draw, &Device::flex())).to_vec();
    let mixture = GaussianMixture::new(draws, ObservationNoise::Predicted);
    let expected = (0.5 * (density(2.5, 1.0, 0.5) + density(2.5, 3.0, 2.0))).ln();
    let observed = Tensor::from_data([2.5], &Device::flex());
    assert_near(mixture.log_likelihood(&observed), expected);
    assert_near(mixture.moments().epistemic_variance(), 1.0);
    assert_near(mixture.moments().aleatoric_variance(), 1.25);
    // Below the median lies as much of both as beyond it: it is between 1 and 2.
    let median = mixture.quantiles(&[0.5])[0].clone().into_scalar::<f32>();
    assert!((1.0..2.0).contains(&median), "{median}");
}

#[test]
fn measures_have_the_float_type_of_the_draws() {
    let double = (&Device::flex(), DType::F64);
    let draws = [1.0, 3.0].map(|draw| Tensor::<1>::from_data([draw], double)).to_vec();
    // τ as a tensor of another type.
    let mixture = GaussianMixture::new(draws, Tensor::from_data([4.0_f32], &Device::flex()));
    let median = mixture.quantiles(&[0.5])[0].clone();
    assert_eq!((median.dtype(), median.into_scalar::<f64>()), (DType::F64, 2.0));
    let variance = mixture.moments().variance();
    assert_eq!((variance.dtype(), variance.into_scalar::<f64>()), (DType::F64, 1.25));
    let observed = Tensor::from_data([2.5], double);
    let expected = (0.5 * (density(2.5, 1.0, 0.25) + density(2.5, 3.0, 0.25))).ln();
    let error = mixture.log_likelihood(&observed).into_scalar::<f64>() - expected;
    assert!(error.abs() < 1e-14, "{error:e}");
}

#[test]
fn a_mixture_that_was_saved_is_the_same() {
    let mixture = GaussianMixture::new(draws(&[1.0, 3.0]), 4.0);
    let saved = serde_json::to_string(&mixture).unwrap();
    let loaded: GaussianMixture<1> = serde_json::from_str(&saved).unwrap();
    let lower = |mixture: &GaussianMixture<1>| mixture.central_interval(0.8).lower().into_data();
    assert_eq!(lower(&loaded), lower(&mixture));
    let saved = serde_json::to_string(&mixture.moments()).unwrap();
    let loaded: RegressionPrediction<1> = serde_json::from_str(&saved).unwrap();
    assert_near(loaded.variance(), 1.25);
}

#[test]
fn predictions_of_noise_merge() {
    let values = |draws: &[[f32; 2]]| {
        let mut values = RealValues::<1>::with_predicted_noise();
        for draw in draws {
            values.push(Tensor::from_data(*draw, &Device::flex()));
        }
        values
    };
    let mut merged = values(&[[1.0, 0.0]]);
    let saved = serde_json::to_string(&values(&[[4.0, 1.0], [7.0, 2.0]])).unwrap();
    merged.merge(serde_json::from_str(&saved).unwrap());
    let merged = merged.finish();
    assert_near(merged.mean(), 4.0);
    assert_near(merged.epistemic_variance(), 6.0);
    assert_near(merged.aleatoric_variance(), (1.0 + 1_f64.exp() + 2_f64.exp()) / 3.0);
}

#[test]
#[should_panic(expected = "draws with predicted noise and draws without do not belong together")]
fn draws_of_two_kinds_do_not_merge() {
    RealValues::<1>::new().merge(RealValues::with_predicted_noise());
}

#[test]
#[should_panic(expected = "Precision: must be positive and finite, got -1")]
fn a_negative_precision_is_refused() {
    let _ = prediction().with_precision(-1.0);
}

#[test]
#[should_panic(expected = "Precision: must be positive and finite, got 0")]
fn a_precision_of_zero_for_one_output_is_refused() {
    let _ = prediction().with_precision(Tensor::from_data([0.0], &Device::flex()));
}

#[test]
#[should_panic(expected = "each dim must be 1 or that of the values, [1], got [2]")]
fn a_precision_of_other_dims_is_refused() {
    let _ = prediction().with_precision(Tensor::ones([2], &Device::flex()));
}

#[test]
#[should_panic(expected = "GaussianMixture: observed must have dims [1], got [2]")]
fn observed_values_of_other_dims_are_refused() {
    let observed = Tensor::zeros([2], &Device::flex());
    let _ = GaussianMixture::new(draws(&[1.0]), 1.0).log_likelihood(&observed);
}

#[test]
#[should_panic(expected = "GaussianMixture: there must be at least one draw, got 0")]
fn a_mixture_of_no_draw_is_refused() {
    let _ = GaussianMixture::<1>::new(Vec::new(), 1.0);
}

#[test]
#[should_panic(expected = "GaussianMixture: a probability must be in (0, 1), got 1")]
fn the_quantile_of_all_is_infinite_and_refused() {
    let _ = GaussianMixture::new(draws(&[1.0]), 1.0).quantiles(&[1.0]);
}

#[test]
#[should_panic(expected = "MonteCarlo: observed must have dims [2, 1, 1], got [2, 1, 2]")]
fn observed_values_that_a_model_does_not_give_are_refused() {
    let model = LockedDropoutConfig::new(1, 0.5).init();
    let (input, observed) = ([2, 1, 1], [2, 1, 2]);
    let [input, observed] = [input, observed].map(|dims| Tensor::ones(dims, &Device::flex()));
    let mc = MonteCarlo::new(2, MaskRng::seeded(1));
    let _: MonteCarloResult<Tensor<3>> = mc.log_likelihood(&model, &input, &observed, 1.0);
}

#[test]
#[should_panic(
    expected = "MonteCarlo: lengths must be from 1 to the 3 steps there are, got 4 in row 0"
)]
fn a_joint_likelihood_of_steps_beyond_the_last_is_refused() {
    let model = LockedDropoutConfig::new(1, 0.5).init();
    let input = Tensor::<3>::ones([2, 3, 1], &Device::flex());
    let mc = MonteCarlo::new(2, MaskRng::seeded(1));
    let _ = mc.joint_log_likelihood(&model, &input, &input, Some(&[4, 1]), 1.0);
}
