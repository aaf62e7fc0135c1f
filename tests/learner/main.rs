//! Training by burn-train's learner.

use burn::tensor::Device;
use burn::train::{ExecutionStrategy, MultiDeviceOptim};
use cross_backend_tests::{LearnedModel, assert_step, learned};

#[test]
fn a_step_on_two_devices_is_one_that_adds_the_gradients_of_both_batches() {
    let expected = learned(ExecutionStrategy::single(Device::flex()), 2, 2);
    for optim in [MultiDeviceOptim::OptimMainDevice, MultiDeviceOptim::OptimSharded] {
        let devices = vec![Device::flex(), Device::flex()];
        let found = learned(ExecutionStrategy::multi(devices, optim), 2, 1);
        assert_step(&found, &expected, &format!("{optim:?}"));
    }
    // Not of the gradients of one batch, nor of two steps.
    let one = learned(ExecutionStrategy::single(Device::flex()), 1, 1);
    assert!(std::panic::catch_unwind(|| assert_step(&one, &expected, "one batch")).is_err());
    let two = learned(ExecutionStrategy::single(Device::flex()), 2, 1);
    assert!(std::panic::catch_unwind(|| assert_step(&two, &expected, "two steps")).is_err());
    assert_eq!(expected.len(), LearnedModel::seeded(&Device::flex()).values().len());
}
