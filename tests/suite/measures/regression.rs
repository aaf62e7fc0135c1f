//! Measures of real values.

use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::mc::{
    GaussianMixture, GaussianOutput, MonteCarlo, ObservationNoise, RegressionPrediction, quantiles,
};
use burn_variational::prelude::*;
use cross_backend_tests::{GoldenTensor, golden_cases, on_every_device};
use serde::Deserialize;

use super::{Told, assert_measure, draws};

#[derive(Deserialize)]
struct Case {
    name: String,
    means: GoldenTensor,
    observed: GoldenTensor,
    precision: Option<GoldenTensor>,
    log_variances: Option<GoldenTensor>,
    lengths: Vec<usize>,
    probabilities: Vec<f64>,
    of_mixture: Vec<f64>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    mean: GoldenTensor,
    epistemic_variance: GoldenTensor,
    aleatoric_variance: GoldenTensor,
    variance: GoldenTensor,
    log_likelihood: GoldenTensor,
    joint_log_likelihood: GoldenTensor,
    quantiles: GoldenTensor,
    mixture_quantiles: GoldenTensor,
}

impl Case {
    fn noise(&self, device: &Device) -> ObservationNoise<3> {
        match &self.precision {
            None => ObservationNoise::Predicted,
            Some(precision) => match precision.values[..] {
                [precision] => precision.into(),
                _ => precision.on::<3>(device).into(),
            },
        }
    }

    /// What a model gives: means, or means and log variances.
    fn outputs(&self, device: &Device) -> Vec<Tensor<3>> {
        let means = draws::<3>(&self.means, device);
        let Some(log_variances) = &self.log_variances else { return means };
        let outputs = means.into_iter().zip(draws::<3>(log_variances, device));
        let outputs =
            outputs.map(|(mean, log_variance)| GaussianOutput { mean, log_variance }.into_tensor());
        outputs.collect()
    }

    fn mixture(&self, device: &Device) -> GaussianMixture<3> {
        GaussianMixture::new(self.outputs(device), self.noise(device))
    }
}

/// `[n_probabilities, ..]`, side by side.
fn assert_quantiles(got: &[Tensor<3>], expected: &GoldenTensor, what: &str) {
    let n_values: usize = expected.shape[1..].iter().product();
    assert_eq!(got.len(), expected.shape[0]);
    for (got, expected) in got.iter().zip(expected.values.chunks(n_values)) {
        assert_measure(got, expected, what);
    }
}

#[derive(Deserialize)]
struct LossCase {
    mean: GoldenTensor,
    log_variance: GoldenTensor,
    targets: GoldenTensor,
    expected: ExpectedLoss,
}

#[derive(Deserialize)]
struct ExpectedLoss {
    losses: GoldenTensor,
    grad_mean: GoldenTensor,
    grad_log_variance: GoldenTensor,
}

on_every_device! {
    fn measures_of_real_values_are_those_of_scipy(device: &Device) {
        let cases: Vec<Case> = golden_cases("measures/regression");
        assert_eq!(cases.len(), 4);
        for case in &cases {
            let (mixture, e) = (case.mixture(device), &case.expected);
            let moments: RegressionPrediction<3> = mixture.moments();
            let observed = case.observed.on::<3>(device);
            let judged = mixture.observed(&observed).unwrap().negative_log_likelihood();
            let judged = TensorData::new(judged.values().to_vec(), observed.dims());
            for (got, expected, measure) in [
                (moments.mean(), &e.mean, "mean"),
                (moments.epistemic_variance(), &e.epistemic_variance, "epistemic variance"),
                (moments.aleatoric_variance(), &e.aleatoric_variance, "aleatoric variance"),
                (moments.variance(), &e.variance, "variance"),
                (mixture.log_likelihood(&observed), &e.log_likelihood, "log-likelihood"),
                (-Tensor::from_data(judged, device), &e.log_likelihood, "log-likelihood, judged"),
            ] {
                let what = format!("{}, {measure}", case.name);
                assert_measure(&got, &expected.values, &what);
            }
        }
    }

    fn streamed_log_likelihoods_are_those_of_scipy(device: &Device) {
        for case in golden_cases::<Case>("measures/regression") {
            let (outputs, e) = (case.outputs(device), &case.expected);
            let mc = MonteCarlo::new(outputs.len(), MaskRng::seeded(1));
            let told = || Told::new(outputs.clone());
            let input = Tensor::<3>::zeros(outputs[0].dims(), device);
            let (observed, noise) = (case.observed.on::<3>(device), case.noise(device));
            let of_values = mc.log_likelihood(&told(), &input, &observed, noise.clone()).unwrap();
            assert_measure(&of_values, &e.log_likelihood.values, &case.name);
            // What lies behind the end of a row must not matter.
            let mut padded = case.observed.clone();
            let n_outputs = padded.shape[2];
            for (row, length) in case.lengths.iter().enumerate() {
                let steps = row * padded.shape[1]..(row + 1) * padded.shape[1];
                padded.values[(steps.start + length) * n_outputs..steps.end * n_outputs]
                    .fill(f64::NAN);
            }
            let (padded, lengths) = (padded.on(device), Some(case.lengths.as_slice()));
            let of_rows = mc.joint_log_likelihood(&told(), &input, &padded, lengths, noise);
            assert_measure(&of_rows.unwrap(), &e.joint_log_likelihood.values, &case.name);
        }
    }

    fn quantiles_are_those_of_numpy_and_of_roots_that_scipy_finds(device: &Device) {
        for case in golden_cases::<Case>("measures/regression") {
            let of_draws = quantiles(&draws::<3>(&case.means, device), &case.probabilities);
            assert_quantiles(&of_draws, &case.expected.quantiles, &case.name);
            let of_mixture = case.mixture(device).quantiles(&case.of_mixture);
            assert_quantiles(&of_mixture, &case.expected.mixture_quantiles, &case.name);
        }
    }

    fn the_loss_of_predicted_noise_and_its_gradients_are_those_of_pytorch(device: &Device) {
        let cases: Vec<LossCase> = golden_cases("measures/loss");
        assert_eq!(cases.len(), 1);
        let device = &device.clone().autodiff();
        for case in &cases {
            let mean = case.mean.on::<2>(device).require_grad();
            let log_variance = case.log_variance.on::<2>(device).require_grad();
            let output = GaussianOutput { mean: mean.clone(), log_variance: log_variance.clone() };
            let losses = output.negative_log_likelihood(case.targets.on(device));
            assert_measure(&losses, &case.expected.losses.values, "losses");
            let gradients = losses.mean().backward();
            for (parameter, expected) in [
                (mean, &case.expected.grad_mean),
                (log_variance, &case.expected.grad_log_variance),
            ] {
                let gradient = parameter.grad(&gradients).unwrap();
                assert_measure(&gradient, &expected.values, "gradient");
            }
        }
    }
}
