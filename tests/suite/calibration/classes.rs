//! Calibration of classes is that of torchmetrics and scikit-learn, and the temperature PyTorch's.

use burn::tensor::{Device, Int, Tensor};
use burn_variational::mc::calibration::{
    Binning, LabelledProbabilities, ReliabilityBin, TemperatureScaling,
};
use cross_backend_tests::{GoldenTensor, golden_cases, on_every_device};
use serde::Deserialize;

use super::{assert_all_near, assert_near};

#[derive(Deserialize)]
struct Labelled {
    probabilities: GoldenTensor,
    classes: Vec<i64>,
    n_bins: usize,
    n_mass_bins: usize,
    expected: ExpectedOfLabelled,
}

#[derive(Deserialize)]
struct ExpectedOfLabelled {
    expected_calibration_error: f64,
    accuracies: Vec<f64>,
    confidences: Vec<f64>,
    adaptive_calibration_error: f64,
    mass_accuracies: Vec<f64>,
    mass_confidences: Vec<f64>,
    negative_log_likelihood: f64,
    brier_score: f64,
}

#[derive(Deserialize)]
struct Temperature {
    /// `[n_draws, n_rows, n_classes]`.
    logits: GoldenTensor,
    classes: Vec<i64>,
    expected: ExpectedTemperature,
}

#[derive(Deserialize)]
struct ExpectedTemperature {
    temperature: f64,
}

fn classes(classes: &[i64], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(classes, device)
}

impl Temperature {
    fn draws(&self, device: &Device) -> Vec<Tensor<2>> {
        let logits = self.logits.on::<3>(device);
        logits.chunk(self.logits.shape[0], 0).into_iter().map(|z| z.squeeze_dim(0)).collect()
    }
}

/// One number of every bin.
fn column(bins: &[ReliabilityBin], number: fn(&ReliabilityBin) -> f64) -> Vec<f64> {
    bins.iter().map(number).collect()
}

on_every_device! {
    fn calibration_of_classes_is_that_of_torchmetrics_and_scikit_learn(device: &Device) {
        for case in golden_cases::<Labelled>("calibration/probabilities") {
            let (probabilities, expected) = (case.probabilities.on::<2>(device), case.expected);
            let labelled = LabelledProbabilities::from_probabilities(
                &probabilities,
                &classes(&case.classes, device),
            )
            .unwrap();

            let table = labelled.reliability(Binning::EqualWidth(case.n_bins));
            let error = table.expected_calibration_error();
            assert_near(error, expected.expected_calibration_error, "ECE");
            let accuracies = column(table.bins(), |bin| bin.accuracy);
            assert_all_near(&accuracies, &expected.accuracies, "accuracies");
            let confidences = column(table.bins(), |bin| bin.confidence);
            assert_all_near(&confidences, &expected.confidences, "confidences");

            let table = labelled.reliability(Binning::EqualMass(case.n_mass_bins));
            let error = table.expected_calibration_error();
            assert_near(error, expected.adaptive_calibration_error, "adaptive ECE");
            let accuracies = column(table.bins(), |bin| bin.accuracy);
            assert_all_near(&accuracies, &expected.mass_accuracies, "accuracies, equal mass");
            let confidences = column(table.bins(), |bin| bin.confidence);
            assert_all_near(&confidences, &expected.mass_confidences, "confidences, equal mass");

            let likelihood = labelled.negative_log_likelihood().mean();
            assert_near(likelihood, expected.negative_log_likelihood, "NLL");
            assert_near(labelled.brier_score().mean(), expected.brier_score, "Brier score");
        }
    }

    fn a_prediction_for_each_step_is_judged_as_one_for_each_row(device: &Device) {
        let case = &golden_cases::<Labelled>("calibration/probabilities")[0];
        let probabilities = case.probabilities.on::<2>(device);
        let classes = classes(&case.classes, device);
        let by_row = LabelledProbabilities::from_probabilities(&probabilities, &classes).unwrap();
        let by_step = LabelledProbabilities::from_probabilities(
            &probabilities.reshape([10, 6, 3]),
            &classes.reshape([10, 6]),
        )
        .unwrap();
        assert_eq!(by_step.brier_score(), by_row.brier_score());
        let binning = Binning::EqualWidth(15);
        assert_eq!(by_step.reliability(binning), by_row.reliability(binning));
    }

    fn the_temperature_is_the_one_that_pytorch_finds(device: &Device) {
        for case in golden_cases::<Temperature>("calibration/temperature") {
            let classes = classes(&case.classes, device);
            let draws = case.draws(device);
            let scaling = TemperatureScaling::fit_draws(&draws, &classes).unwrap();
            assert_near(scaling.temperature(), case.expected.temperature, "T of the draws");
            if let [logits] = draws.as_slice() {
                let scaling = TemperatureScaling::fit(logits, &classes).unwrap();
                assert_near(scaling.temperature(), case.expected.temperature, "T");
            }
        }
    }

    fn logits_that_were_doubled_have_twice_the_temperature(device: &Device) {
        for case in golden_cases::<Temperature>("calibration/temperature") {
            let classes = classes(&case.classes, device);
            let draws = case.draws(device);
            let doubled: Vec<_> = draws.iter().map(|z| z.clone() * 2.0).collect();
            let temperature = |draws: &[Tensor<2>]| {
                TemperatureScaling::fit_draws(draws, &classes).unwrap().temperature()
            };
            let (once, twice) = (temperature(&draws), temperature(&doubled));
            // Both end within 1e-13 of log T.
            assert!((twice / once - 2.0).abs() < 1e-10, "{once} and {twice}");
        }
    }

    fn scaled_logits_are_likeliest_as_they_are(device: &Device) {
        let case = &golden_cases::<Temperature>("calibration/temperature")[0];
        let classes = classes(&case.classes, device);
        let logits = case.draws(device).remove(0);
        let scaling = TemperatureScaling::fit(&logits, &classes).unwrap();
        let again = TemperatureScaling::fit(&scaling.apply(logits), &classes).unwrap();
        // Logits are rounded to f32 when they are divided.
        assert!((again.temperature() - 1.0).abs() < 1e-6, "{again:?}");
    }
}
