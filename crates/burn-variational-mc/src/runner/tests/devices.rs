use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use burn::tensor::Distribution;
use burn_variational_dropout::{
    LockedDropout, LockedDropoutConfig, SequenceExtent, VariationalModel,
};

use super::*;
use crate::{EarlyStop, Quantiles, Replicas};

fn input(n_rows: usize) -> Tensor<3> {
    let device = Device::flex();
    device.seed(1);
    Tensor::random([n_rows, 3, 4], Distribution::Default, &device)
}

fn dropout() -> LockedDropout {
    LockedDropoutConfig::new(4, 0.5).init()
}

fn on_two<M: VariationalModel + Clone>(model: &M) -> Replicas<M> {
    Replicas::from_fn(&[Device::flex(), Device::flex()], |_| model.clone())
}

#[test]
fn two_devices_give_what_one_gives() {
    let (model, input) = (dropout(), input(7));
    let replicas = on_two(&model);
    for mc in [
        mc(60).with_max_rows(10),
        // Rows in several blocks, whose passes are of one draw.
        mc(20).with_max_rows(3),
        mc(20).with_max_rows(50).with_function_samples(),
        mc(500).with_early_stop(EarlyStop::absolute(0.2).with_min_draws(20)),
    ] {
        let expected = mc.moments(&model, &input).unwrap();
        let found = mc.moments(&replicas, &input).unwrap();
        assert_eq!(found.n_draws(), expected.n_draws());
        assert_eq!(found.mean().into_data(), expected.mean().into_data());
        assert_eq!(found.variance().into_data(), expected.variance().into_data());
        assert_eq!(found.failures(), []);
    }
    let quantiles = |run: MonteCarloResult<Vec<Tensor<3>>>| {
        run.unwrap().into_value().into_iter().map(Tensor::into_data).collect::<Vec<_>>()
    };
    let probabilities = || Quantiles::new(&[0.1, 0.5]);
    let mc = mc(33).with_max_rows(14);
    assert_eq!(
        quantiles(mc.estimate(&replicas, &input, probabilities())),
        quantiles(mc.estimate(&model, &input, probabilities()))
    );
}

#[test]
fn what_was_observed_goes_along_to_the_devices() {
    let (model, input) = (dropout(), input(7));
    let observed = input.clone() + 0.5;
    let noise = Tensor::<3>::full([7, 1, 4], 4.0, &Device::flex());
    let mc = mc(40).with_max_rows(10);
    let expected = mc.log_likelihood(&model, &input, &observed, noise.clone()).unwrap();
    let found = mc.log_likelihood(&on_two(&model), &input, &observed, noise).unwrap();
    assert_eq!(found.into_value().into_data(), expected.into_value().into_data());
}

/// Drops, and notes which threads it runs on.
struct Noting<'a> {
    dropout: LockedDropout,
    threads: &'a Mutex<Vec<ThreadId>>,
}

impl VariationalModel for Noting<'_> {
    type Input = Tensor<3>;
    type Masks = <LockedDropout as VariationalModel>::Masks;
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
        self.dropout.sample_masks(extent, draw)
    }

    fn run(&self, input: Tensor<3>, masks: &Self::Masks) -> Tensor<3> {
        self.threads.lock().unwrap().push(thread::current().id());
        self.dropout.run(input, masks)
    }
}

#[test]
fn passes_run_on_threads_of_their_devices() {
    let threads = Mutex::new(Vec::new());
    let model = |_: &Device| Noting { dropout: dropout(), threads: &threads };
    let replicas = Replicas::from_fn(&[Device::flex(), Device::flex()], model);
    mc(50).with_max_rows(7).moments(&replicas, &input(7)).unwrap();
    let threads = threads.into_inner().unwrap();
    assert!(!threads.contains(&thread::current().id()));
    assert!(!threads.is_empty());
}

/// Fails in one of its passes, as its kind of failing says.
struct Failing {
    fail: fn(Tensor<3>) -> Tensor<3>,
    n_runs: AtomicUsize,
}

impl VariationalModel for Failing {
    type Input = Tensor<3>;
    type Masks = <LockedDropout as VariationalModel>::Masks;
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
        dropout().sample_masks(extent, draw)
    }

    fn run(&self, input: Tensor<3>, masks: &Self::Masks) -> Tensor<3> {
        let output = dropout().run(input, masks);
        if self.n_runs.fetch_add(1, Ordering::Relaxed) == 4 { (self.fail)(output) } else { output }
    }
}

fn failing(fail: fn(Tensor<3>) -> Tensor<3>) -> Replicas<Failing> {
    let devices = [Device::flex(), Device::flex()];
    Replicas::from_fn(&devices, |_| Failing { fail, n_runs: AtomicUsize::new(0) })
}

#[test]
fn an_error_of_the_model_ends_the_run() {
    let mc = mc(50).with_max_rows(7);
    let short = failing(|output| output.slice_dim(0, 0..1));
    let error = mc.moments(&short, &input(7)).unwrap_err();
    assert_eq!(error, MonteCarloError::Rows { expected: 7, got: 1 });
    let infinite = failing(|output| output / 0.0);
    let error = mc.moments(&infinite, &input(7)).unwrap_err();
    assert!(matches!(error, MonteCarloError::NotFinite { .. }), "{error}");
}

#[test]
#[should_panic(expected = "the model's own")]
fn a_panic_of_the_model_is_the_callers() {
    let panicking = failing(|_| panic!("the model's own"));
    let _ = mc(50).with_max_rows(7).moments(&panicking, &input(7));
}

#[test]
fn a_run_that_is_cancelled_ends() {
    let stop = mc(1000).with_max_rows(7).with_progress(|progress| {
        if progress.fraction() < 0.1 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let error = stop.moments(&on_two(&dropout()), &input(7)).unwrap_err();
    assert_eq!(error, MonteCarloError::Cancelled);
}

#[test]
fn a_model_without_randomness_is_run_once() {
    let still = LockedDropoutConfig::new(4, 0.0).init();
    let moments = mc(1000).with_max_rows(7).moments(&on_two(&still), &input(7)).unwrap();
    assert!(!moments.is_random());
    assert_eq!(moments.mean().into_data(), input(7).into_data());
}

#[test]
#[should_panic(expected = "Replicas: devices must not be empty, got none")]
fn no_device_is_refused() {
    let _ = Replicas::new(&dropout(), &[]);
}
