//! Gal's fork of Keras: masks of 0 and 1 in training, and the keep probability at test time.

use burn::module::Param;
use burn::nn::activation::{ActivationConfig, HardSigmoidConfig};
use burn::tensor::Device;
use burn_variational::prelude::*;
use burn_variational::rnn::{GateWeights, GruCell, GruCellConfig, LstmCell, LstmCellConfig};
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
        let dropout = StackDropout::gal_keras(case.input_prob, case.recurrent_prob).layer(0, 1);
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

/// Theano's.
fn hard_sigmoid() -> ActivationConfig {
    HardSigmoidConfig::new().into()
}

on_every_device! {
    fn layers_of_gals_keras_are_those_of_his_fork_in_training_and_at_test(device: &Device) {
        let file: File = read_golden("gal/keras_fork");
        for case in &file.cases {
            let (d_input, d_hidden) = (case.weight_ih.shape[1], case.weight_hh.shape[1]);
            match case.name.as_str() {
                "lstm" => {
                    let config = LstmCellConfig::new(d_input, d_hidden, true)
                        .with_gate_activation(hard_sigmoid());
                    check(case, |gates| LstmCell { gates, ..config.init(device) }, device);
                }
                "gru" => {
                    let config = GruCellConfig::new(d_input, d_hidden, true)
                        .with_reset_after(false)
                        .with_gate_activation(hard_sigmoid())
                        .with_hidden_activation(ActivationConfig::Sigmoid);
                    check(case, |gates| GruCell { gates, ..config.init(device) }, device);
                }
                name => panic!("no test of {name}"),
            }
        }
    }
}
