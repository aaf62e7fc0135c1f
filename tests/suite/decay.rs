//! Weight decay beside the penalty of the KL term: where they are the same step, and where not.

use burn::grad_clipping::GradientClipping;
use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{
    AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, Optimizer, SgdConfig,
};
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::dropout::{DropoutPrior, KlTerm, SiteDropout};
use burn_variational::rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};
use burn_variational::training::{CheckpointDir, Decay, PlainSgd, clip_global_norm, with_decays};
use cross_backend_tests::{on_every_device, relative_error, tolerance};

/// A few roundings of 2⁻²⁴ over three steps, on GPUs too: nothing here but sums and products.
const TOLERANCE: f64 = 1e-6;
const LEARNING_RATES: [f64; 3] = [0.1, 0.05, 0.2];
const MAX_NORM: f64 = 0.5;

/// Six weights and three biases.
const PARAMS: [f64; 9] = [0.5, -1.0, 0.25, 1.5, 0.75, -0.5, 0.125, -2.0, 1.0];
const INPUT: [f64; 2] = [0.5, -1.0];
const SLOPE: [f64; 3] = [1.0, -2.0, 0.25];
/// The gradient of `Σ slope (x W + b)`, whatever the parameters.
const GRADIENT: [f64; 9] = [0.5, -1.0, 0.125, -1.0, 2.0, -0.25, 1.0, -2.0, 0.25];
/// `2λ`: with l = 1, N = 2 and τ = 1, λ is 1/4 for a bias and 1/2 for a weight dropped at 0.5.
const RATES: [f64; 9] = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5];

fn linear(device: &Device) -> Linear {
    let mut linear = LinearConfig::new(2, 3).init(device);
    linear.weight = Param::from_tensor(tensor(&PARAMS[..6], [2, 3], device));
    linear.bias = Some(Param::from_tensor(tensor(&PARAMS[6..], [3], device)));
    linear
}

fn tensor<const D: usize>(values: &[f64], dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims).convert::<f32>(), device)
}

fn term(linear: &Linear) -> KlTerm {
    DropoutPrior::new(1.0, 2).linear(linear, Some(SiteDropout::new(0.5)))
}

/// The parameters after a step with each learning rate.
fn trained(
    device: &Device,
    penalised: bool,
    clipped: bool,
    optimizer: impl Fn(&Linear) -> ModuleOptimizer,
) -> Vec<f64> {
    let device = device.clone().autodiff();
    let mut linear = linear(&device);
    let mut optimizer = optimizer(&linear);
    let kl = term(&linear);
    for lr in LEARNING_RATES {
        let output = linear.forward(tensor(&INPUT, [1, 2], &device));
        let mut loss = (output * tensor(&SLOPE, [1, 3], &device)).sum();
        if penalised {
            loss = loss + kl.penalty(&linear);
        }
        let mut grads = GradientsParams::from_grads(loss.backward(), &linear);
        if clipped {
            clip_global_norm(&mut grads, &linear, MAX_NORM);
        }
        linear = optimizer.step(lr, linear, grads);
    }
    let weight = linear.weight.val().into_data();
    let bias = linear.bias.as_ref().unwrap().val().into_data();
    weight.iter::<f64>().chain(bias.iter::<f64>()).collect()
}

fn with_decay<O: Optimizer>(optimizer: O, decay: Decay) -> impl Fn(&Linear) -> ModuleOptimizer {
    move |linear| with_decays(optimizer.clone(), decay, term(linear).decays(linear))
}

fn plain(_: &Linear) -> ModuleOptimizer {
    PlainSgd.into()
}

/// In plain numbers: `step` takes the learning rate and the parameters, and gives what is
/// subtracted from each.
fn expected(mut step: impl FnMut(f64, &[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut params = PARAMS.to_vec();
    for lr in LEARNING_RATES {
        let deltas = step(lr, &params);
        params.iter_mut().zip(deltas).for_each(|(param, delta)| *param -= delta);
    }
    params
}

/// `∂w + 2λ w`.
fn penalised_gradient(params: &[f64]) -> Vec<f64> {
    let rates = RATES.iter().zip(params);
    GRADIENT.iter().zip(rates).map(|(grad, (rate, param))| grad + rate * param).collect()
}

fn clip_factor(gradient: &[f64]) -> f64 {
    let norm = gradient.iter().map(|grad| grad * grad).sum::<f64>().sqrt();
    assert!(norm > 2.0 * MAX_NORM, "it clips");
    MAX_NORM / norm
}

fn assert_equal(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    let error = relative_error(got, expected);
    assert!(error <= tolerance, "{what}: {error:.1e} is over {tolerance:.0e}");
}

/// Adam in plain numbers: what it makes of the gradients, learning rate aside.
#[derive(Default)]
struct Adam {
    steps: i32,
    moments: [(f64, f64); 9],
}

impl Adam {
    fn step(&mut self, gradient: &[f64]) -> Vec<f64> {
        let (beta_1, beta_2, epsilon) = (0.9_f64, 0.999_f64, 1e-5);
        self.steps += 1;
        let corrections = (1.0 - beta_1.powi(self.steps), 1.0 - beta_2.powi(self.steps));
        let moments = self.moments.iter_mut().zip(gradient);
        let delta = moments.map(|((first, second), grad)| {
            *first = beta_1 * *first + (1.0 - beta_1) * grad;
            *second = beta_2 * *second + (1.0 - beta_2) * grad * grad;
            (*first / corrections.0) / ((*second / corrections.1).sqrt() + epsilon)
        });
        delta.collect()
    }
}

on_every_device! {
    fn without_clipping_the_penalty_and_both_decays_are_one_descent(device: &Device) {
        let expected = expected(|lr, params| {
            penalised_gradient(params).iter().map(|grad| lr * grad).collect()
        });
        let check = |got: Vec<f64>, what: &str| assert_equal(&got, &expected, TOLERANCE, what);
        check(trained(device, true, false, plain), "penalty");
        check(trained(device, false, false, with_decay(PlainSgd, Decay::Coupled)), "coupled");
        check(trained(device, false, false, with_decay(PlainSgd, Decay::Decoupled)), "decoupled");
        let burns = SgdConfig::new().build();
        check(trained(device, true, false, |_| burns.clone().into()), "Burn's, penalty");
        check(trained(device, false, false, with_decay(burns, Decay::Decoupled)), "Burn's");
    }

    fn global_clipping_clips_the_penalty_and_no_decay(device: &Device) {
        let penalised = expected(|lr, params| {
            let gradient = penalised_gradient(params);
            let factor = clip_factor(&gradient);
            gradient.iter().map(|grad| lr * factor * grad).collect()
        });
        let decayed = expected(|lr, params| {
            let factor = clip_factor(&GRADIENT);
            let rates = RATES.iter().zip(params);
            let deltas = GRADIENT.iter().zip(rates);
            deltas.map(|(grad, (rate, param))| lr * (factor * grad + rate * param)).collect()
        });
        assert!(relative_error(&penalised, &decayed) > 0.05, "they differ");

        let check = |got: Vec<f64>, expected: &[f64], what: &str| {
            assert_equal(&got, expected, TOLERANCE, what);
        };
        check(trained(device, true, true, plain), &penalised, "penalty");
        let coupled = with_decay(PlainSgd, Decay::Coupled);
        check(trained(device, false, true, coupled), &decayed, "coupled");
        let decoupled = with_decay(PlainSgd, Decay::Decoupled);
        check(trained(device, false, true, decoupled), &decayed, "decoupled");
    }

    fn the_decay_after_the_step_is_not_times_the_learning_rate(device: &Device) {
        // Rates under 1: a hundredth of those of the term.
        let rates = || {
            let hundredth = |(group, rate)| (group, 0.01 * rate);
            move |linear: &Linear| {
                let decays = term(linear).decays(linear).into_iter().map(hundredth);
                with_decays(PlainSgd, Decay::AfterStep, decays)
            }
        };
        for clipped in [false, true] {
            let factor = if clipped { clip_factor(&GRADIENT) } else { 1.0 };
            let expected = expected(|lr, params| {
                let rates = RATES.iter().zip(params);
                let deltas = GRADIENT.iter().zip(rates).map(|(grad, (rate, param))| {
                    let stepped = param - lr * factor * grad;
                    param - (1.0 - 0.01 * rate) * stepped
                });
                deltas.collect()
            });
            assert_equal(&trained(device, false, clipped, rates()), &expected, TOLERANCE, "after");
        }
    }

    fn the_clipping_of_burns_optimisers_does_not_reach_the_groups(device: &Device) {
        let decayed = with_decay(PlainSgd, Decay::Coupled);
        let clipping = |linear: &Linear| {
            decayed(linear).with_grad_clipping(GradientClipping::Value(0.01))
        };
        let without = trained(device, false, false, &decayed);
        assert_eq!(trained(device, false, false, clipping), without);
    }

    fn with_adam_coupled_decay_is_the_penalty_and_decoupled_decay_is_not(device: &Device) {
        let mut adam = Adam::default();
        let penalised = expected(|lr, params| {
            adam.step(&penalised_gradient(params)).iter().map(|delta| lr * delta).collect()
        });
        let mut adam = Adam::default();
        let decoupled = expected(|lr, params| {
            let rates = RATES.iter().zip(params);
            let deltas = adam.step(&GRADIENT).into_iter().zip(rates);
            deltas.map(|(delta, (rate, param))| lr * (delta + rate * param)).collect()
        });
        assert!(relative_error(&decoupled, &penalised) > 0.05, "another objective");

        let tolerance = tolerance(device);
        let adam = AdamConfig::new().build();
        let got = trained(device, true, false, |_| adam.clone().into());
        assert_equal(&got, &penalised, tolerance, "penalty");
        let got = trained(device, false, false, with_decay(adam.clone(), Decay::Coupled));
        assert_equal(&got, &penalised, tolerance, "coupled");
        let got = trained(device, false, false, with_decay(adam, Decay::Decoupled));
        assert_equal(&got, &decoupled, tolerance, "decoupled");
    }

    fn decoupled_decay_of_adam_is_burns_adamw(device: &Device) {
        let rate = 0.5;
        let decoupled = |linear: &Linear| {
            let decays = KlTerm::l2(linear, rate / 2.0).decays(linear);
            with_decays(AdamConfig::new().build(), Decay::Decoupled, decays)
        };
        let burns = |_: &Linear| AdamWConfig::new().with_weight_decay(rate as f32).init();
        let expected = trained(device, false, false, burns);
        let got = trained(device, false, false, decoupled);
        assert_equal(&got, &expected, tolerance(device), "AdamW");
    }

    fn a_loaded_checkpoint_decays_the_groups_of_the_term(device: &Device) {
        let device = &device.clone().autodiff();
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = CheckpointDir::new(folder.path().join("checkpoints"));
        let prior = DropoutPrior::new(0.3, 20).with_precision(5.0);
        let lstm = || -> VariationalLstm {
            VariationalLstmConfig::new(3, 4, true)
                .with_dropout(StackDropout::variational(0.2, 0.5))
                .init(device)
        };
        // Made for a module that the checkpoint then takes the place of, parameter ids and all.
        let replaced = lstm();
        let decays = replaced.kl_term(&prior).decays(&replaced);
        let optimizer = with_decays(SgdConfig::new().build(), Decay::Decoupled, decays);
        let step = |lstm: VariationalLstm, mut optimizer: ModuleOptimizer| {
            let input = Tensor::ones([1, 1, 3], device);
            let loss = lstm.forward(input, None, &lstm.identity_masks()).0.sum().mul_scalar(0.0);
            let grads = GradientsParams::from_grads(loss.backward(), &lstm);
            optimizer.step(10.0, lstm, grads)
        };
        let saved = lstm();
        checkpoints.save(&saved, &optimizer, &()).unwrap();
        let (loaded, optimizer, ()) =
            checkpoints.load(replaced, |_| optimizer.clone()).unwrap().unwrap();
        let after = step(loaded, optimizer);

        let base = 0.3 * 0.3 / (2.0 * 20.0 * 5.0);
        let gates = |lstm: &VariationalLstm| {
            let gates = &lstm.layers[0].cell.gates;
            let [w, u] = [&gates.input, &gates.recurrent].map(|param| param.val().into_data());
            [w, u].map(|data| data.iter::<f64>().collect::<Vec<f64>>())
        };
        for ((before, after), lambda) in
            gates(&saved).iter().zip(gates(&after)).zip([base / 0.8, base / 0.5])
        {
            let expected: Vec<f64> =
                before.iter().map(|value| value * (1.0 - 10.0 * 2.0 * lambda)).collect();
            assert!(relative_error(before, &expected) > 1e-3, "the decay shows");
            assert_equal(&after, &expected, TOLERANCE, "decayed");
        }
    }
}
