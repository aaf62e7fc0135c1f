//! Outputs and final states are those of TensorFlow's wrapper under the masks that it drew.

use burn::module::Param;
use burn::nn::LstmState;
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::{GateWeights, GruCell, GruCellConfig, LstmCell, LstmCellConfig};
use cross_backend_tests::{
    CPU_TOLERANCE, GoldenTensor, assert_close, on_every_device, read_golden,
};
use serde::Deserialize;

/// One layer, and what TensorFlow made of it with each wrapper.
#[derive(Deserialize)]
struct Wrapped {
    input: GoldenTensor,
    weight_ih: GoldenTensor,
    weight_hh: GoldenTensor,
    bias_ih: GoldenTensor,
    h0: GoldenTensor,
    c0: Option<GoldenTensor>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    variational_recurrent: bool,
    input_keep_prob: f64,
    state_keep_prob: f64,
    output_keep_prob: f64,
    masks: Masks,
    expected: Expected,
}

/// `[1, units]` for all rows and steps, or `[seq_length, batch_size, units]`.
#[derive(Deserialize)]
struct Masks {
    input: Option<GoldenTensor>,
    state: Option<GoldenTensor>,
    output: Option<GoldenTensor>,
}

#[derive(Deserialize)]
struct Expected {
    outputs: GoldenTensor,
    h_final: GoldenTensor,
    c_final: Option<GoldenTensor>,
}

impl Wrapped {
    fn dims(&self) -> [usize; 2] {
        [self.input.shape[2], self.h0.shape[1]]
    }

    fn gates(&self, device: &Device) -> GateWeights {
        let matrix = |tensor: &GoldenTensor| Param::from_tensor(tensor.on::<2>(device).transpose());
        GateWeights {
            input: matrix(&self.weight_ih),
            recurrent: matrix(&self.weight_hh),
            bias: Some(Param::from_tensor(self.bias_ih.on(device))),
        }
    }
}

impl Case {
    fn wrap<K: CellConfig>(&self, cell: K) -> DropoutWrapperConfig<K> {
        DropoutWrapperConfig::new(cell)
            .with_input_keep_prob(self.input_keep_prob)
            .with_state_keep_prob(self.state_keep_prob)
            .with_output_keep_prob(self.output_keep_prob)
            .with_variational_recurrent(self.variational_recurrent)
    }

    fn layer_masks(&self, batch_size: usize, device: &Device) -> LayerMasks {
        let Masks { input, state, output } = &self.masks;
        super::SITES.into_iter().zip([input, state, output]).fold(
            LayerMasks::identity(),
            |masks, (site, values)| match values {
                Some(values) => {
                    masks.with(Site::named(site), site_masks(values, batch_size, device))
                }
                None => masks,
            },
        )
    }
}

fn site_masks(values: &GoldenTensor, batch_size: usize, device: &Device) -> SiteMasks {
    if values.shape.len() == 3 {
        return SiteMasks::PerStep(GateMasks::Tied(DropoutMask::from_values(values.on(device))));
    }
    let shared: Tensor<2> = values.on(device);
    assert_eq!(shared.dims()[0], 1, "one row for the whole batch");
    SiteMasks::tied(DropoutMask::from_values(shared.repeat_dim(0, batch_size)))
}

/// Checks every case; `finals` are `h` and `c` of a state.
fn check<K: CellConfig>(
    file: &str,
    config: impl Fn([usize; 2]) -> K,
    load: impl Fn(GateWeights) -> K::Cell,
    state: impl Fn(Tensor<2>, Option<Tensor<2>>) -> <K::Cell as RecurrentCell>::State,
    finals: impl Fn(&<K::Cell as RecurrentCell>::State) -> (Tensor<2>, Option<Tensor<2>>),
    device: &Device,
) {
    let golden: Wrapped = read_golden(file);
    for case in &golden.cases {
        let what = format!("{file}, {}", case.name);
        let mut cell: DropoutWrapper<K::Cell> = case.wrap(config(golden.dims())).init(device);
        cell.cell = load(golden.gates(device));
        let initial = state(golden.h0.on(device), golden.c0.as_ref().map(|c0| c0.on(device)));
        let initial = cell.state(initial);
        let layer = RecurrentLayer::new(cell, LayerDropout::none()).with_batch_first(false);
        let masks = case.layer_masks(golden.h0.shape[0], device);

        let (output, last) = layer.forward(golden.input.on::<3>(device), Some(initial), &masks);

        let close = |got: &Tensor<2>, expected: &GoldenTensor, name: &str| {
            assert_close(got, &expected.values, CPU_TOLERANCE, format!("{what}: {name}"));
        };
        let outputs = &case.expected.outputs.values;
        assert_close(&output, outputs, CPU_TOLERANCE, format!("{what}: outputs"));
        let (h, c) = finals(&last.inner);
        close(&h, &case.expected.h_final, "h");
        if let (Some(c), Some(expected)) = (c, &case.expected.c_final) {
            close(&c, expected, "c");
        }
    }
}

fn check_lstm(file: &str, device: &Device) {
    check(
        file,
        |[d_input, d_hidden]| LstmCellConfig::new(d_input, d_hidden, true),
        LstmCell::new,
        |hidden, cell| LstmState::new(cell.unwrap(), hidden),
        |state| (state.hidden.clone(), Some(state.cell.clone())),
        device,
    );
}

on_every_device! {
    fn a_wrapped_lstm_is_that_of_tensorflow(device: &Device) {
        check_lstm("tensorflow/wrapper_lstm", device);
    }

    fn a_wrapped_lstm_has_the_numbers_of_the_tests_of_tensorflow(device: &Device) {
        check_lstm("tensorflow/wrapper_published", device);
    }

    fn a_wrapped_gru_is_that_of_tensorflow(device: &Device) {
        check(
            "tensorflow/wrapper_gru",
            |[d_input, d_hidden]| {
                GruCellConfig::new(d_input, d_hidden, true).with_reset_after(false)
            },
            |gates| GruCell::new(gates, None, false),
            |hidden, _| HiddenState::new(hidden),
            |state| (state.hidden.clone(), None),
            device,
        );
    }
}
