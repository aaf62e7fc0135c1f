//! Draws on devices of other processes, which may fail.

mod engine;
mod server;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use burn::prelude::*;
use burn::tensor::{Distribution, remote::ConnectError};
use burn_variational::devices;
use burn_variational::mc::{Moments, Quantiles};
use burn_variational::prelude::*;
use cross_backend_tests::assert_close;

use server::Server;

/// Sequences, and a model with masks of all kinds.
fn model_and_input() -> (VariationalLstm, Tensor<3>) {
    let device = Device::flex();
    device.seed(1);
    let dropout = StackDropout::variational(0.25, 0.4);
    let lstm = VariationalLstmConfig::new(3, 5, true).with_dropout(dropout).init(&device);
    (lstm, Tensor::random([7, 4, 3], Distribution::Default, &device))
}

/// Servers compute what this process computes, by plain operations where it has the engine.
const TOLERANCE: f64 = 1e-6;

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

fn assert_moments(found: &Moments<3>, expected: &Moments<3>, what: &str) {
    assert_close(&found.mean(), &values(&expected.mean()), TOLERANCE, what);
    assert_close(&found.variance(), &values(&expected.variance()), TOLERANCE, what);
}

/// Draws in passes of a few.
fn mc() -> MonteCarlo {
    MonteCarlo::new(60, MaskRng::seeded(1)).with_max_rows(20)
}

#[test]
fn draws_on_servers_are_those_of_one_device() {
    let servers = [Server::start(), Server::start()];
    let [first, second] = servers.each_ref().map(Server::device);
    let (model, input) = model_and_input();
    let expected = mc().moments(&model, &input).unwrap();
    for places in [vec![first.clone()], vec![Device::flex(), first.clone()], vec![first, second]] {
        let replicas = Replicas::new(&model, &places);
        let found = mc().moments(&replicas, &input).unwrap();
        assert_eq!(found.failures(), []);
        assert_moments(&found, &expected, &format!("{} devices", places.len()));
    }
}

#[test]
fn votes_and_quantiles_of_servers_are_those_of_one_device() {
    let server = Server::start();
    let (model, input) = model_and_input();
    let replicas = Replicas::new(&model, &[server.device(), Device::flex()]);
    let [here, there] = [
        mc().classification(&model, &input).unwrap(),
        mc().classification(&replicas, &input).unwrap(),
    ];
    let [entropy, expected] = [&there, &here].map(|run| run.predictive_entropy::<2>());
    assert_close(&entropy, &values(&expected), TOLERANCE, "entropy");
    let [votes, expected] = [&there, &here].map(|run| run.majority_vote::<2>().into_data());
    assert_eq!(votes, expected);
    let quantiles = || Quantiles::new(&[0.05, 0.5, 0.95]);
    let [here, there] = [
        mc().estimate(&model, &input, quantiles()).unwrap().into_value(),
        mc().estimate(&replicas, &input, quantiles()).unwrap().into_value(),
    ];
    for (here, there) in here.iter().zip(&there) {
        assert_close(there, &values(here), TOLERANCE, "quantile");
    }
}

/// Kills a server once so many passes are taken in.
fn killing_after(n_passes: usize, server: &Arc<Mutex<Server>>, mc: MonteCarlo) -> MonteCarlo {
    let (server, n) = (Arc::clone(server), Mutex::new(0));
    mc.with_progress(move |_| {
        let mut n = n.lock().unwrap();
        *n += 1;
        if *n == n_passes {
            server.lock().unwrap().kill();
        }
        ControlFlow::Continue(())
    })
}

#[test]
fn the_draws_of_a_server_that_is_killed_are_made_by_the_others() {
    let (model, input) = model_and_input();
    let expected = mc().moments(&model, &input).unwrap();
    let survivor = Server::start();
    for n_passes in [1, 2, 5, 10] {
        let server = Arc::new(Mutex::new(Server::start()));
        let killed = server.lock().unwrap().device();
        let replicas = Replicas::new(&model, &[killed.clone(), survivor.device()]);
        let mc = killing_after(n_passes, &server, mc());
        let found = mc.moments(&replicas, &input).unwrap();
        let what = format!("killed after {n_passes} passes");
        assert_moments(&found, &expected, &what);
        let failed: Vec<_> = found.failures().iter().map(|failure| &failure.device).collect();
        assert_eq!(failed, [&format!("{killed:?}")], "{what}");
    }
}

#[test]
fn if_no_device_is_left_the_error_names_them() {
    let (model, input) = model_and_input();
    let server = Arc::new(Mutex::new(Server::start()));
    let device = server.lock().unwrap().device();
    let replicas = Replicas::new(&model, &[device.clone(), device.clone()]);
    let error = killing_after(2, &server, mc()).moments(&replicas, &input).unwrap_err();
    let MonteCarloError::Devices(failures) = &error else { panic!("{error:?}") };
    assert_eq!(failures.len(), 2, "{error}");
    assert!(error.to_string().starts_with("no device is left: "), "{error}");
    for failure in failures {
        assert_eq!(failure.device, format!("{device:?}"));
        assert!(!failure.reason.is_empty());
    }
}

#[cfg(feature = "train")]
#[test]
fn a_learner_trains_on_two_servers_as_on_one_device() {
    use burn::train::{ExecutionStrategy, MultiDeviceOptim};
    use cross_backend_tests::{assert_step, learned};

    let expected = learned(ExecutionStrategy::single(Device::flex()), 2, 2);
    for optim in [MultiDeviceOptim::OptimMainDevice, MultiDeviceOptim::OptimSharded] {
        let servers = [Server::start(), Server::start()];
        let devices = servers.iter().map(Server::device).collect();
        let found = learned(ExecutionStrategy::multi(devices, optim), 2, 1);
        assert_step(&found, &expected, &format!("two servers, {optim:?}"));
    }
}

#[test]
fn a_wrong_token_is_an_error_that_names_the_device() {
    let server = Server::start();
    let error = devices::remote(server.address(), Some("another")).unwrap_err();
    assert!(matches!(error.reason, ConnectError::Unauthorized), "{error:?}");
    let expected = format!("no device at {}: the server's authorizer rejected", server.address());
    assert!(error.to_string().starts_with(&expected), "{error}");
    let none = devices::remote(server.address(), None).unwrap_err();
    assert!(none.to_string().starts_with(&expected), "{none}");
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_names_the_device() {
    let mut server = Server::start();
    server.kill();
    let error = devices::remote(server.address(), Some(server::TOKEN)).unwrap_err();
    assert!(error.to_string().starts_with(&format!("no device at {}", server.address())));
}
