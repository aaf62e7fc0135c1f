//! Averages of parameters, and when they begin, are those of PyTorch and of AWD-LSTM's code.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use burn_variational::training::{
    CheckpointDir, Decay, Decayed, NonMonotone, NtAsgd, ParameterAverage, PlainSgd,
};
use cross_backend_tests::{GoldenTensor, assert_close, golden_cases, on_every_device};
use serde::{Deserialize, Serialize};

/// Five significant digits of f32 on every backend: sums and products alone.
const TOLERANCE: f64 = 1e-5;

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    t0: u64,
    lambd: f64,
    alpha: f64,
    weight_decay: f64,
    initial: GoldenTensor,
    curvature: GoldenTensor,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    lr: f64,
    target: GoldenTensor,
    weight: GoldenTensor,
    average: GoldenTensor,
}

impl Case {
    fn start(&self, device: &Device) -> Linear {
        let mut linear = LinearConfig::new(2, 3).with_bias(false).init(device);
        linear.weight = Param::from_tensor(self.initial.on(device));
        linear
    }

    fn optimizer(&self) -> ModuleOptimizer {
        let decayed = Decayed::new(PlainSgd, Decay::Coupled, self.weight_decay);
        Decayed::new(decayed, Decay::Decoupled, self.lambd).into()
    }

    /// Of step `k = 0, 1, …`: PyTorch takes the rate that the optimiser had in the step before.
    fn learning_rate(&self, k: usize) -> f64 {
        let lr = self.steps[k.saturating_sub(1)].lr;
        lr / (1.0 + self.lambd * lr * k as f64).powf(self.alpha)
    }

    fn step(&self, k: usize, linear: Linear, optimizer: &mut ModuleOptimizer) -> Linear {
        let device = linear.weight.device();
        let distance = linear.weight.val() - self.steps[k].target.on(&device);
        let loss = (distance.square() * self.curvature.on(&device)).sum() / 2.0;
        let gradients = GradientsParams::from_grads(loss.backward(), &linear);
        optimizer.step(self.learning_rate(k), linear, gradients)
    }
}

fn cases() -> Vec<Case> {
    golden_cases("awd/asgd")
}

fn check(case: &Case, device: &Device) {
    let (mut linear, mut optimizer) = (case.start(device), case.optimizer());
    let (mut average, mut averaging) = (linear.clone(), ParameterAverage::after(case.t0));
    for (k, expected) in case.steps.iter().enumerate() {
        linear = case.step(k, linear, &mut optimizer);
        average = averaging.step(average, &linear);
        let close = |got: &Linear, expected: &GoldenTensor, what: &str| {
            let what = format!("{}, {what} after {} steps", case.name, k + 1);
            assert_close(&got.weight.val(), &expected.values, TOLERANCE, what);
        };
        close(&linear, &expected.weight, "weight");
        close(&average, &expected.average, "average");
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    next_step: usize,
    asgd: NtAsgd,
}

/// Some steps of a case, averaged from the second on.
fn train(
    case: &Case,
    mut pair: (Linear, Linear),
    optimizer: &mut ModuleOptimizer,
    mut progress: Progress,
    until: usize,
) -> ((Linear, Linear), Progress) {
    for k in progress.next_step..until {
        let linear = case.step(k, pair.0, optimizer);
        pair = (linear.clone(), progress.asgd.step(pair.1, &linear));
        progress.asgd.check(k as f64);
    }
    progress.next_step = until;
    (pair, progress)
}

fn bits(linear: &Linear) -> Vec<u32> {
    linear.weight.val().into_data().iter::<f32>().map(f32::to_bits).collect()
}

on_every_device! {
    fn trajectories_and_averages_are_those_of_pytorch(device: &Device) {
        let cases = cases();
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(
            names,
            ["from the beginning", "weight decay", "after three steps", "lambd", "changing rates"]
        );
        for case in &cases {
            check(case, &device.clone().autodiff());
        }
    }

    fn a_loaded_average_goes_on_where_it_was_saved(device: &Device) {
        let device = &device.clone().autodiff();
        let case = &cases()[1];
        for cut in [1, 2, 5] {
            let start = || (case.start(device), case.start(device).valid());
            let progress = || Progress { next_step: 0, asgd: NtAsgd::new(0) };
            let mut optimizer = case.optimizer();
            let (whole, end) = train(case, start(), &mut optimizer, progress(), 8);
            assert!(end.asgd.is_averaging());
            assert_ne!(bits(&whole.0), bits(&whole.1));

            let folder = tempfile::tempdir().unwrap();
            let checkpoints = CheckpointDir::new(folder.path());
            let (pair, part) = train(case, start(), &mut optimizer, progress(), cut);
            checkpoints.save(&pair, &optimizer, &part).unwrap();
            let (pair, mut optimizer, part): (_, _, Progress) =
                checkpoints.load(start(), |_| case.optimizer()).unwrap().unwrap();
            let (resumed, _) = train(case, pair, &mut optimizer, part, 8);
            assert_eq!(bits(&resumed.0), bits(&whole.0), "raw, after {cut}");
            assert_eq!(bits(&resumed.1), bits(&whole.1), "average, after {cut}");
        }
    }

    fn until_the_trigger_the_average_is_the_model(device: &Device) {
        let device = &device.clone().autodiff();
        let case = &cases()[0];
        let (linear, mut optimizer) = (case.start(device), case.optimizer());
        let mut asgd = NtAsgd::new(5);
        let linear = case.step(0, linear, &mut optimizer);
        let average = asgd.step(case.start(device), &linear);
        assert_eq!(bits(&average), bits(&linear));
        assert_eq!(average.weight.id, linear.weight.id);
        // It is evaluated, and holds no graph.
        assert!(!average.weight.val().device().is_autodiff());
        assert!(linear.weight.val().is_require_grad());
    }

    fn averaging_leaves_training_as_it_is(device: &Device) {
        let device = &device.clone().autodiff();
        let case = &cases()[0];
        let mut optimizer = case.optimizer();
        let averaged = Progress { next_step: 0, asgd: NtAsgd::new(0) };
        let start = (case.start(device), case.start(device));
        let ((averaged, _), _) = train(case, start, &mut optimizer, averaged, 8);
        let raw = (0..8).fold(case.start(device), |linear, k| case.step(k, linear, &mut optimizer));
        assert_eq!(bits(&averaged), bits(&raw));
    }
}

#[derive(Debug, Deserialize)]
struct TriggerCase {
    name: String,
    nonmono: usize,
    losses: Vec<f64>,
    triggered: Vec<bool>,
}

#[test]
fn the_trigger_is_that_of_awd_lstm() {
    let cases: Vec<TriggerCase> = golden_cases("awd/trigger");
    assert_eq!(cases.len(), 7);
    for case in cases {
        let mut trigger = NonMonotone::new(case.nonmono);
        let got: Vec<_> = case.losses.iter().map(|&loss| trigger.check(loss)).collect();
        assert_eq!(got, case.triggered, "{}", case.name);

        let mut asgd = NtAsgd::new(case.nonmono);
        let begins = case.losses.iter().position(|&loss| asgd.check(loss));
        assert_eq!(begins, case.triggered.iter().position(|&triggered| triggered), "{}", case.name);
        assert_eq!(asgd.is_averaging(), begins.is_some());
        assert!(begins.is_none() || !asgd.check(f64::INFINITY), "it begins once");
    }
}
