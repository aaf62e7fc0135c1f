//! The engine on a server.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::Distribution;
use burn_variational::prelude::*;
use burn_variational::rnn::{
    CellConfig, GruCellConfig, Lengths, LstmCellConfig, RecurrentStack, RecurrentState,
    RnnCellConfig, StackConfig, StackState,
};
use burn_variational_kernels::testing::{Operation, engine_runs};
use cross_backend_tests::relative_error;

use crate::server::Server;
use crate::values;

/// Outputs, and the gradients of the input, of the initial states and of all parameters.
fn trained<C: RecurrentCell>(stack: &RecurrentStack<C>, device: &Device) -> Vec<Vec<f64>> {
    let device = device.clone().autodiff();
    let stack = stack.clone().fork(&device);
    let random = |dims, seed| {
        let flex = Device::flex();
        flex.seed(seed);
        let values = Tensor::<3>::random(dims, Distribution::Default, &flex).into_data();
        Tensor::<3>::from_data(values, &device)
    };
    let input = random([4, 6, 3], 2).require_grad();
    let lengths = Lengths::new(vec![6, 2, 5, 1], 6).unwrap();
    let draw = MaskRng::seeded(1).draw(0).part("stack");
    let masks = stack.masks_for(&input, draw);
    let mut initial = Vec::new();
    let mut state = || {
        stack.layers[0].cell.initial_state(4).map(&mut |_, tensor| {
            let [rows, units] = tensor.dims();
            let values = random([1, rows, units], 4 + initial.len() as u64).squeeze_dim::<2>(0);
            let values = values.detach().require_grad();
            initial.push(values.clone());
            values
        })
    };
    let states = if stack.is_bidirectional() {
        StackState::both(vec![(state(), state())])
    } else {
        StackState::new(vec![state()])
    };
    let (output, _) = stack.forward((input.clone(), lengths), Some(states), &masks);
    let weights = random(output.dims(), 3);
    let gradients = (output.clone() * weights).sum().backward();
    let of_input = input.grad(&gradients).expect("the input has a gradient");
    let of_initial = initial.iter().map(|state| state.grad(&gradients).expect("a state has one"));
    let of_initial: Vec<_> = of_initial.map(|gradient| values(&gradient)).collect();
    let mut gradients = GradientsParams::from_grads(gradients, &stack);
    let mut found = vec![values(&output), values(&of_input)];
    found.extend(of_initial);
    stack.visit(&mut Collect { gradients: &mut gradients, found: &mut found });
    found
}

struct Collect<'a> {
    gradients: &'a mut GradientsParams,
    found: &'a mut Vec<Vec<f64>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.remove::<D>(param.id).expect("all parameters have one");
        self.found.push(values(&gradient));
    }
}

/// Gradients are sums of some dozen products.
const TOLERANCE: f64 = 1e-5;

fn agrees<K: CellConfig>(cell: K, dropout: StackDropout, device: &Device) {
    let name = format!("{dropout:?}");
    let seeded = Device::flex().autodiff();
    seeded.seed(1);
    let stack = StackConfig::from_cell(cell).with_dropout(dropout).bidirectional().init(&seeded);
    let expected = trained(&stack, &Device::flex());
    let before = engine_runs(Operation::Sequence);
    let found = trained(&stack, device);
    assert_eq!(engine_runs(Operation::Sequence), before + 2, "a run for each direction: {name}");
    assert_same(&found, &expected, &name);
}

fn assert_same(found: &[Vec<f64>], expected: &[Vec<f64>], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let error = relative_error(found, expected);
        assert!(error <= TOLERANCE, "{what}: relative error {error:.1e}");
    }
}

#[test]
fn every_recurrence_with_every_mask_is_on_a_server_with_the_engine_what_it_is_here() {
    let server = Server::with_engine();
    let device = server.device_with_engine();
    let lstm = || LstmCellConfig::new(3, 5, true);
    for dropout in [
        StackDropout::none(),
        StackDropout::variational(0.25, 0.4),
        StackDropout::variational_untied(0.25, 0.4),
        StackDropout::rnn_drop(0.4),
        StackDropout::semeniuta(0.25, 0.4),
        StackDropout::zoneout(0.4, 0.25),
    ] {
        agrees(lstm(), dropout, &device);
    }
    for reset_after in [true, false] {
        let gru = || GruCellConfig::new(3, 5, true).with_reset_after(reset_after);
        agrees(gru(), StackDropout::variational(0.25, 0.4), &device);
        agrees(gru(), StackDropout::variational_untied(0.25, 0.4), &device);
        agrees(gru(), StackDropout::none().with_zoneout_hidden(0.4), &device);
    }
    let rnn = || RnnCellConfig::new(3, 5, true);
    agrees(rnn(), StackDropout::variational(0.25, 0.4), &device);
    agrees(rnn(), StackDropout::none().with_zoneout_hidden(0.4), &device);
}

#[test]
fn a_server_that_is_not_said_to_have_the_engine_gets_plain_operations() {
    let server = Server::with_engine();
    let (device, before) = (server.device(), engine_runs(Operation::Sequence));
    let seeded = Device::flex().autodiff();
    seeded.seed(1);
    let stack = StackConfig::from_cell(LstmCellConfig::new(3, 5, true)).init(&seeded);
    let found = trained(&stack, &device);
    assert_eq!(engine_runs(Operation::Sequence), before);
    assert_same(&found, &trained(&stack, &Device::flex()), "plain operations");
}

#[test]
fn draws_on_servers_with_the_engine_are_those_of_one_device() {
    let servers = [Server::with_engine(), Server::with_engine()];
    let devices = servers.each_ref().map(Server::device_with_engine);
    let (model, input) = crate::model_and_input();
    let expected = crate::mc().moments(&model, &input).unwrap();
    let found = crate::mc().moments(&Replicas::new(&model, &devices), &input).unwrap();
    assert_eq!(found.failures(), []);
    crate::assert_moments(&found, &expected, "two servers with the engine");
}

#[test]
fn a_server_without_the_engine_that_is_said_to_have_it_is_a_device_that_fails() {
    let server = Server::start();
    let devices = [server.device_with_engine(), Device::flex()];
    let (model, input) = crate::model_and_input();
    let expected = crate::mc().moments(&model, &input).unwrap();
    let found = crate::mc().moments(&Replicas::new(&model, &devices), &input).unwrap();
    crate::assert_moments(&found, &expected, "the other device");
    let failed: Vec<_> = found.failures().iter().map(|failure| &failure.device).collect();
    assert_eq!(failed, [&format!("{:?}", devices[0])]);
}
