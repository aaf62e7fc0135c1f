//! Gal's fork of Keras: masks of 0 and 1 in training, and the keep probability at test time.

use burn::module::{Module, Param};
use burn::nn::LstmState;
use burn::tensor::activation::{hard_sigmoid, sigmoid};
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::GateWeights;
use cross_backend_tests::{
    CPU_TOLERANCE, GoldenTensor, assert_close, on_every_device, read_golden,
};
use serde::Deserialize;

use super::untied;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input_prob: f64,
    recurrent_prob: f64,
    input: GoldenTensor,
    weight_ih: GoldenTensor,
    weight_hh: GoldenTensor,
    bias_ih: GoldenTensor,
    input_masks: Vec<GoldenTensor>,
    recurrent_masks: Vec<GoldenTensor>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    training: GoldenTensor,
    test: GoldenTensor,
}

/// Theano's.
fn hard(values: Tensor<2>) -> Tensor<2> {
    hard_sigmoid(values, 0.2, 0.5)
}

/// An LSTM whose gates are hard sigmoids: i, f, c, o.
#[derive(Module, Debug)]
struct ForkLstm {
    gates: GateWeights,
}

impl RecurrentCell for ForkLstm {
    type State = LstmState<2>;

    fn d_input(&self) -> usize {
        self.gates.input.dims()[0]
    }

    fn d_hidden(&self) -> usize {
        self.gates.recurrent.dims()[0]
    }

    fn sites(&self) -> Vec<CellSite> {
        self.gates.sites()
    }

    fn initial_state(&self, batch_size: usize) -> LstmState<2> {
        LstmState::new(self.gates.zero_state(batch_size), self.gates.zero_state(batch_size))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.gates.project_input(&input, masks.get(&Site::Input))
    }

    fn step(&self, projected: Tensor<2>, state: LstmState<2>, masks: &StepMasks) -> LstmState<2> {
        let product = self.gates.recurrent_product(&state.hidden, masks.get(&Site::Recurrent));
        let [i, f, c, o] = (projected + product).chunk(4, 1).try_into().unwrap();
        let cell = hard(f) * state.cell + hard(i) * c.tanh();
        LstmState::new(cell.clone(), hard(o) * cell.tanh())
    }

    fn output(state: &LstmState<2>) -> Tensor<2> {
        state.hidden.clone()
    }
}

/// A GRU whose gates are hard sigmoids and whose candidate is a sigmoid, reset before: r, z, h.
#[derive(Module, Debug)]
struct ForkGru {
    gates: GateWeights,
}

impl RecurrentCell for ForkGru {
    type State = HiddenState;

    fn d_input(&self) -> usize {
        self.gates.input.dims()[0]
    }

    fn d_hidden(&self) -> usize {
        self.gates.recurrent.dims()[0]
    }

    fn sites(&self) -> Vec<CellSite> {
        self.gates.sites()
    }

    fn initial_state(&self, batch_size: usize) -> HiddenState {
        HiddenState::new(self.gates.zero_state(batch_size))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.gates.project_input(&input, masks.get(&Site::Input))
    }

    fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
        let (h, masks) = (state.hidden, masks.get(&Site::Recurrent));
        let [x_r, x_z, x_h] = projected.chunk(3, 1).try_into().unwrap();
        let product = |entering: &Tensor<2>, gate: usize| {
            let products = self.gates.recurrent_product(entering, masks);
            products.narrow(1, gate * self.d_hidden(), self.d_hidden())
        };
        let (r, z) = (hard(x_r + product(&h, 0)), hard(x_z + product(&h, 1)));
        let candidate = sigmoid(x_h + product(&(r * h.clone()), 2));
        HiddenState::new(z.clone() * h + (z.neg() + 1.0) * candidate)
    }

    fn output(state: &HiddenState) -> Tensor<2> {
        state.hidden.clone()
    }
}

/// A layer of the fork, and the same with its weights as inverted scaling has them: a unit that is
/// kept there counts `1 / (1 - prob)`, so that the weights are as much smaller.
fn check<C: RecurrentCell>(case: &Case, make: impl Fn(GateWeights) -> C, device: &Device) {
    let (input_keep, recurrent_keep) = (1.0 - case.input_prob, 1.0 - case.recurrent_prob);
    let layer = |[input, recurrent]: [f64; 2]| {
        let matrix = |tensor: &GoldenTensor, factor: f64| {
            Param::from_tensor(tensor.on::<2>(device).transpose().mul_scalar(factor))
        };
        let gates = GateWeights {
            input: matrix(&case.weight_ih, input),
            recurrent: matrix(&case.weight_hh, recurrent),
            bias: Some(Param::from_tensor(case.bias_ih.on(device))),
        };
        let unscaled = |prob| SiteDropout::new(prob).unscaled().untied();
        let dropout = LayerDropout::none()
            .with_input(unscaled(case.input_prob))
            .with_recurrent(unscaled(case.recurrent_prob));
        RecurrentLayer::new(make(gates), dropout).with_batch_first(false)
    };
    let drawn = |[input, recurrent]: [f64; 2]| {
        let scaled = |masks: &[GoldenTensor], factor: f64| {
            let scale = |mask: DropoutMask<2>| {
                DropoutMask::from_values(mask.values().unwrap().mul_scalar(factor))
            };
            SiteMasks::untied(untied(masks, device).into_iter().map(scale).collect())
        };
        LayerMasks::identity()
            .with_input(scaled(&case.input_masks, input))
            .with_recurrent(scaled(&case.recurrent_masks, recurrent))
    };
    let x = case.input.on::<3>(device);
    let close = |layer: &RecurrentLayer<C>, masks: &LayerMasks, expected: &GoldenTensor, what| {
        let (output, _) = layer.forward(x.clone(), None, masks);
        assert_close(&output, &expected.values, CPU_TOLERANCE, format!("{}: {what}", case.name));
    };
    let Expected { training, test } = &case.expected;

    let fork = layer([1.0, 1.0]);
    close(&fork, &drawn([1.0, 1.0]), training, "training");
    let [seq_length, batch_size, _] = x.dims();
    let extent = SequenceExtent::new(batch_size, seq_length, device);
    close(&fork, &fork.sample_masks(&extent, MaskDraw::expected()), test, "test");

    let inverted = layer([input_keep, recurrent_keep]);
    let masks = drawn([1.0 / input_keep, 1.0 / recurrent_keep]);
    close(&inverted, &masks, training, "training with inverted scaling");
    close(&inverted, &LayerMasks::identity(), test, "test with inverted scaling");
}

on_every_device! {
    fn layers_of_gals_keras_are_those_of_his_fork_in_training_and_at_test(device: &Device) {
        let file: File = read_golden("gal/keras_fork");
        for case in &file.cases {
            match case.name.as_str() {
                "lstm" => check(case, |gates| ForkLstm { gates }, device),
                "gru" => check(case, |gates| ForkGru { gates }, device),
                name => panic!("no test of {name}"),
            }
        }
    }
}
