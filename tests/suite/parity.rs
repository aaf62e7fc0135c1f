//! Identity masks are the layers of `burn::nn`.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::activation::{ActivationConfig, HardSigmoidConfig};
use burn::nn::{self, LstmState};
use burn::tensor::{DType, Device, Distribution, FloatDType, Tensor};
use burn_variational::rnn::{
    HiddenState, LayerMasks, RecurrentCell, RecurrentStack, StackMasks, StackState, VariationalGru,
    VariationalLstm, VariationalLstmConfig, VariationalRnn,
};
use cross_backend_tests::{assert_close, flex, on_every_device, on_every_path, tolerance};

const DIMS: [usize; 3] = [3, 5, 4];
const D_HIDDEN: usize = 6;

fn random<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(dims, Distribution::Uniform(-1.0, 1.0), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn forward<C: RecurrentCell>(
    stack: &RecurrentStack<C>,
    input: Tensor<3>,
    state: C::State,
) -> (Tensor<3>, C::State) {
    let masks = StackMasks::new(vec![LayerMasks::identity()]);
    let (output, state) = stack.forward(input, Some(StackState::new(vec![state])), &masks);
    (output, state.layer(0).clone())
}

on_every_device! {
    fn other_activations_are_those_of_burn(device: &Device) {
        let hard = || ActivationConfig::from(HardSigmoidConfig::new());
        let tolerance = tolerance(device);
        let input = random(DIMS, device);
        let state = || random([DIMS[0], D_HIDDEN], device);
        let lstm = nn::LstmConfig::new(DIMS[2], D_HIDDEN, true)
            .with_gate_activation(hard())
            .with_cell_activation(ActivationConfig::Relu)
            .with_hidden_activation(ActivationConfig::Sigmoid)
            .init(device);
        let ours = VariationalLstm::try_from(lstm.clone()).unwrap();
        let initial = LstmState::new(state(), state());
        let (expected, _) = lstm.forward(input.clone(), Some(initial.clone()));
        let (output, _) = forward(&ours, input.clone(), initial.clone());
        assert_close(&output, &values(expected.clone()), tolerance, "lstm");
        let (back, _) = nn::Lstm::try_from(ours).unwrap().forward(input.clone(), Some(initial));
        assert_close(&back, &values(expected), tolerance, "lstm and back");

        let gru = nn::GruConfig::new(DIMS[2], D_HIDDEN, true)
            .with_gate_activation(hard())
            .with_hidden_activation(ActivationConfig::Sigmoid)
            .init(device);
        let ours = VariationalGru::try_from(gru.clone()).unwrap();
        let initial = state();
        let expected = gru.forward(input.clone(), Some(initial.clone()));
        let (output, _) = forward(&ours, input.clone(), HiddenState::new(initial.clone()));
        assert_close(&output, &values(expected.clone()), tolerance, "gru");
        let back = nn::Gru::try_from(ours).unwrap().forward(input.clone(), Some(initial));
        assert_close(&back, &values(expected), tolerance, "gru and back");

        let rnn = nn::RnnConfig::new(DIMS[2], D_HIDDEN, true)
            .with_hidden_activation(ActivationConfig::Relu)
            .init(device);
        let ours = VariationalRnn::try_from(rnn.clone()).unwrap();
        let (expected, _) = rnn.forward(input.clone(), None);
        let zeros = HiddenState::new(Tensor::zeros([DIMS[0], D_HIDDEN], device));
        let (output, _) = forward(&ours, input.clone(), zeros);
        assert_close(&output, &values(expected.clone()), tolerance, "rnn");
        let (back, _) = nn::Rnn::try_from(ours).unwrap().forward(input, None);
        assert_close(&back, &values(expected), tolerance, "rnn and back");
    }
}

on_every_path! {
    fn identity_masks_recover_burn_lstm(device: &Device) {
        for bias in [true, false] {
            let theirs = nn::LstmConfig::new(DIMS[2], D_HIDDEN, bias).init(device);
            let ours = VariationalLstm::try_from(theirs.clone()).unwrap();
            let input = random(DIMS, device);
            let state = || random([DIMS[0], D_HIDDEN], device);
            let state = LstmState::new(state(), state());
            let (expected, expected_state) = theirs.forward(input.clone(), Some(state.clone()));
            let (output, state) = forward(&ours, input, state);
            let tolerance = tolerance(device);
            assert_close(&output, &values(expected), tolerance, "output");
            assert_close(&state.cell, &values(expected_state.cell), tolerance, "cell");
            assert_close(&state.hidden, &values(expected_state.hidden), tolerance, "hidden");
        }
    }

    fn identity_masks_recover_burn_gru_with_both_resets(device: &Device) {
        for (bias, reset_after) in [(true, true), (true, false), (false, true), (false, false)] {
            let theirs = nn::GruConfig::new(DIMS[2], D_HIDDEN, bias)
                .with_reset_after(reset_after)
                .init(device);
            let ours = VariationalGru::try_from(theirs.clone()).unwrap();
            let input = random(DIMS, device);
            let state = random([DIMS[0], D_HIDDEN], device);
            let expected = theirs.forward(input.clone(), Some(state.clone()));
            let (output, _) = forward(&ours, input, HiddenState::new(state));
            let what = format!("bias {bias}, reset_after {reset_after}");
            assert_close(&output, &values(expected), tolerance(device), what);
        }
    }

    fn identity_masks_recover_burn_rnn(device: &Device) {
        for bias in [true, false] {
            let theirs = nn::RnnConfig::new(DIMS[2], D_HIDDEN, bias).init(device);
            let ours = VariationalRnn::try_from(theirs.clone()).unwrap();
            let input = random(DIMS, device);
            let state = random([DIMS[0], D_HIDDEN], device);
            let theirs_state = nn::RnnState::new(state.clone());
            let (expected, expected_state) = theirs.forward(input.clone(), Some(theirs_state));
            let (output, state) = forward(&ours, input, HiddenState::new(state));
            assert_close(&output, &values(expected), tolerance(device), "output");
            assert_close(&state.hidden, &values(expected_state.hidden), tolerance(device), "hidden");
        }
    }

    fn a_layer_converted_to_burn_and_back_is_the_same(device: &Device) {
        let input = || Tensor::ones(DIMS, device);
        let run = |layer: &VariationalLstm| {
            values(layer.forward(input(), None, &StackMasks::identity(1)).0)
        };
        let lstm = VariationalLstm::try_from(nn::LstmConfig::new(4, 6, true).init(device)).unwrap();
        let theirs = nn::Lstm::try_from(lstm.clone()).unwrap();
        assert_close(&theirs.forward(input(), None).0, &run(&lstm), tolerance(device), "Lstm");
        assert_eq!(run(&VariationalLstm::try_from(theirs).unwrap()), run(&lstm));

        let run = |layer: &VariationalGru| {
            values(layer.forward(input(), None, &StackMasks::identity(1)).0)
        };
        let gru = VariationalGru::try_from(nn::GruConfig::new(4, 6, true).init(device)).unwrap();
        let theirs = nn::Gru::try_from(gru.clone()).unwrap();
        assert_close(&theirs.forward(input(), None), &run(&gru), tolerance(device), "Gru");
        assert_eq!(run(&VariationalGru::try_from(theirs).unwrap()), run(&gru));

        let run = |layer: &VariationalRnn| {
            values(layer.forward(input(), None, &StackMasks::identity(1)).0)
        };
        let rnn = VariationalRnn::try_from(nn::RnnConfig::new(4, 6, true).init(device)).unwrap();
        let theirs = nn::Rnn::try_from(rnn.clone()).unwrap();
        assert_close(&theirs.forward(input(), None).0, &run(&rnn), tolerance(device), "Rnn");
        assert_eq!(run(&VariationalRnn::try_from(theirs).unwrap()), run(&rnn));
    }

    fn both_directions_of_burn_are_ours_and_go_back(device: &Device) {
        for batch_first in [true, false] {
        let input = random(DIMS, device);
        let tolerance = tolerance(device);
        let check = |ours: (Tensor<3>, Vec<Tensor<2>>), expected: (Tensor<3>, Tensor<3>), what| {
            let ([forward, backward], (output, state)) =
                (ours.1.try_into().expect("two directions"), expected);
            assert_close(&ours.0, &values(output), tolerance, what);
            let finals = Tensor::stack::<3>(vec![forward, backward], 0);
            assert_close(&finals, &values(state), tolerance, what);
        };
        let masks = StackMasks::both(vec![Default::default()]);

        let theirs = nn::BiLstmConfig::new(DIMS[2], D_HIDDEN, true).with_batch_first(batch_first).init(device);
        let ours = VariationalLstm::try_from(theirs.clone()).unwrap();
        let back = nn::BiLstm::try_from(ours.clone()).unwrap();
        let (output, state) = ours.forward(input.clone(), None, &masks);
        let finals = [state.layer(0), state.backward_layer(0).unwrap()].map(|state| state.cell.clone());
        for theirs in [theirs, back] {
            let (expected, state) = theirs.forward(input.clone(), None);
            check((output.clone(), finals.to_vec()), (expected, state.cell), "BiLstm");
        }

        let theirs = nn::BiGruConfig::new(DIMS[2], D_HIDDEN, true).with_batch_first(batch_first).init(device);
        let ours = VariationalGru::try_from(theirs.clone()).unwrap();
        let back = nn::BiGru::try_from(ours.clone()).unwrap();
        let (output, state) = ours.forward(input.clone(), None, &masks);
        let finals = [state.layer(0), state.backward_layer(0).unwrap()].map(|state| state.hidden.clone());
        for theirs in [theirs, back] {
            let expected = theirs.forward(input.clone(), None);
            check((output.clone(), finals.to_vec()), expected, "BiGru");
        }

        let theirs = nn::BiRnnConfig::new(DIMS[2], D_HIDDEN, true).with_batch_first(batch_first).init(device);
        let ours = VariationalRnn::try_from(theirs.clone()).unwrap();
        let back = nn::BiRnn::try_from(ours.clone()).unwrap();
        let (output, state) = ours.forward(input.clone(), None, &masks);
        let finals = [state.layer(0), state.backward_layer(0).unwrap()].map(|state| state.hidden.clone());
        for theirs in [theirs, back] {
            let (expected, state) = theirs.forward(input.clone(), None);
            check((output.clone(), finals.to_vec()), (expected, state.hidden), "BiRnn");
        }
        }
    }

    fn layers_of_burn_that_read_in_reverse_are_ours_and_go_back(device: &Device) {
        let input = random(DIMS, device);
        let masks = StackMasks::new(vec![LayerMasks::identity()]);

        let theirs = nn::LstmConfig::new(DIMS[2], D_HIDDEN, true).with_reverse(true).init(device);
        let ours = VariationalLstm::try_from(theirs.clone()).unwrap();
        let (output, _) = ours.forward(input.clone(), None, &masks);
        for theirs in [theirs, nn::Lstm::try_from(ours).unwrap()] {
            let (expected, _) = theirs.forward(input.clone(), None);
            assert_close(&output, &values(expected), tolerance(device), "Lstm");
        }

        let theirs = nn::RnnConfig::new(DIMS[2], D_HIDDEN, true).with_reverse(true).init(device);
        let ours = VariationalRnn::try_from(theirs.clone()).unwrap();
        let (output, _) = ours.forward(input.clone(), None, &masks);
        for theirs in [theirs, nn::Rnn::try_from(ours).unwrap()] {
            let (expected, _) = theirs.forward(input.clone(), None);
            assert_close(&output, &values(expected), tolerance(device), "Rnn");
        }
    }
}

/// Casts every parameter.
struct ToF64;

impl ModuleMapper for ToF64 {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| value.cast(FloatDType::F64))
    }
}

#[test]
fn layers_in_f64_go_to_burn_in_f64() {
    let config = VariationalLstmConfig::new(DIMS[2], D_HIDDEN, true).bidirectional();
    let ours = config.init(&flex()).map(&mut ToF64);
    let theirs = nn::BiLstm::try_from(ours).unwrap();
    let bias = theirs.reverse.output_gate.hidden_transform.bias.unwrap();
    assert_eq!(bias.val().dtype(), DType::F64);
}
