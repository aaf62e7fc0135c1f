//! Scores of real values are those of `scoringrules` and `SciPy`.

use burn::tensor::{Device, Tensor};
use burn_variational::mc::calibration::{ObservedDraws, PredictiveMixture};
use cross_backend_tests::{GoldenTensor, golden_cases, on_every_device};
use serde::Deserialize;

use super::{assert_all_near, assert_near};

#[derive(Deserialize)]
struct Case {
    /// `[n_draws, n_rows, n_outputs]`.
    draws: GoldenTensor,
    /// `[n_rows, n_outputs]`.
    observed: GoldenTensor,
    /// As the draws.
    variances: GoldenTensor,
    precision: f64,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    crps: GoldenTensor,
    fair_crps: GoldenTensor,
    /// Of the first draw and its variances.
    gaussian: ExpectedOfMixture,
    /// With noise of the precision.
    fixed: ExpectedOfMixture,
    /// With noise of the variances.
    predicted: ExpectedOfMixture,
    fitted_precision: f64,
    fitted_precision_per_output: Vec<f64>,
}

#[derive(Deserialize)]
struct ExpectedOfMixture {
    crps: GoldenTensor,
    pit: GoldenTensor,
    negative_log_likelihood: GoldenTensor,
}

/// One after the other along the first dim.
fn unstack(tensor: &GoldenTensor, device: &Device) -> Vec<Tensor<2>> {
    let parts = tensor.on::<3>(device).chunk(tensor.shape[0], 0);
    parts.into_iter().map(|part| part.squeeze_dim(0)).collect()
}

fn assert_scores(mixture: &PredictiveMixture, expected: &ExpectedOfMixture, what: &str) {
    assert_all_near(mixture.crps().values(), &expected.crps.values, &format!("CRPS, {what}"));
    assert_all_near(mixture.pit().values(), &expected.pit.values, &format!("PIT, {what}"));
    let likelihood = mixture.negative_log_likelihood();
    let expected = &expected.negative_log_likelihood.values;
    assert_all_near(likelihood.values(), expected, &format!("NLL, {what}"));
}

on_every_device! {
    fn scores_of_real_values_are_those_of_scoringrules_and_scipy(device: &Device) {
        for case in golden_cases::<Case>("calibration/real_values") {
            let (draws, variances) =
                (unstack(&case.draws, device), unstack(&case.variances, device));
            let (observed, expected) = (case.observed.on::<2>(device), case.expected);
            let gaussian = PredictiveMixture::gaussian(&draws[0], &variances[0], &observed);
            assert_scores(&gaussian.unwrap(), &expected.gaussian, "Gaussian");

            let draws = ObservedDraws::new(&draws, &observed).unwrap();
            assert_all_near(draws.crps().values(), &expected.crps.values, "CRPS");
            assert_all_near(draws.fair_crps().values(), &expected.fair_crps.values, "fair CRPS");
            let fixed = draws.clone().with_precision(case.precision);
            assert_scores(&fixed, &expected.fixed, "fixed noise");
            let predicted = draws.with_variances(&variances).unwrap();
            assert_scores(&predicted, &expected.predicted, "predicted noise");
        }
    }

    fn the_precision_is_the_one_that_scipy_finds(device: &Device) {
        for case in golden_cases::<Case>("calibration/real_values") {
            let draws = unstack(&case.draws, device);
            let observed = case.observed.on::<2>(device);
            let draws = ObservedDraws::new(&draws, &observed).unwrap();
            let (precision, expected) = (draws.fit_precision().unwrap(), case.expected);
            assert_near(precision, expected.fitted_precision, "precision");
            let per_output = draws.fit_precision_per_output().unwrap();
            let expected = expected.fitted_precision_per_output;
            assert_all_near(&per_output, &expected, "precision per output");
            // An output by itself is scored with its own.
            let by_output = draws.clone().with_precision_per_output(&per_output);
            let whole = draws.with_precision(precision);
            let likelihood = |mixture: &PredictiveMixture| mixture.negative_log_likelihood().mean();
            assert!(likelihood(&by_output) < likelihood(&whole));
        }
    }
}
