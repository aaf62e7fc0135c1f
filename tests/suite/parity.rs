//! Identity masks are the layers of `burn::nn`.

use burn::nn::{self, LstmState};
use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::rnn::{
    HiddenState, LayerMasks, RecurrentCell, RecurrentStack, StackMasks, StackState, VariationalGru,
    VariationalLstm, VariationalRnn,
};
use cross_backend_tests::{assert_close, on_every_path, tolerance};

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
}
