//! TensorFlow's `LSTMCell`.

use burn::tensor::Device;
use burn_variational::prelude::*;
use burn_variational::rnn::LstmCellConfig;
use burn_variational_weights::{load_tensorflow, to_tensorflow};
use cross_backend_tests::{CPU_TOLERANCE, assert_close, flex, on_every_path};

use super::{BOTH, Case, D_HIDDEN, D_INPUT, config, read, weights_of};

on_every_path! {
    fn lstms_with_tensorflows_weights_give_what_tensorflow_gives(device: &Device) {
        let case = Case::of("expected_tensorflow.json", "tensorflow_lstm");
        let lstm = LstmCellConfig::new(D_INPUT, D_HIDDEN, true);
        let stack = config(lstm, 1, Directions::Forward).with_batch_first(false).init(device);
        let cells = [read("tensorflow_lstm.safetensors").under("rnn.lstm_cell")];
        let stack = load_tensorflow(&stack, &cells, 1.0).unwrap().module;
        let (outputs, _) = stack.forward(case.input.on::<3>(device), None, &stack.identity_masks());
        assert_close(&outputs, &case.outputs.values, CPU_TOLERANCE, "output");
    }
}

#[test]
fn weights_go_to_tensorflow_and_back() {
    let lstm = |bias| LstmCellConfig::new(D_INPUT, D_HIDDEN, bias);
    let two_both = config(lstm(true), 2, BOTH);
    let ours = two_both.init(&flex());
    let cells = to_tensorflow(&ours, 0.0);
    assert_eq!(cells.len(), 4);
    let back = load_tensorflow(&two_both.init(&flex()), &cells, 0.0).unwrap().module;
    assert_eq!(weights_of(&back), weights_of(&ours));

    // The weights of the file are multiples of 1/256: the forget bias comes off without rounding.
    let one = config(lstm(true), 1, Directions::Forward).init(&flex());
    let theirs = read("tensorflow_lstm.safetensors").under("rnn.lstm_cell");
    let loaded = load_tensorflow(&one, std::slice::from_ref(&theirs), 1.0).unwrap().module;
    let back = to_tensorflow(&loaded, 1.0).remove(0);
    for (name, data) in theirs.iter() {
        assert_eq!(back.get(name), Some(data), "{name}");
    }

    let without = config(lstm(false), 1, Directions::Forward).init(&flex());
    let error = load_tensorflow(&without, &[theirs], 1.0).unwrap_err().to_string();
    assert_eq!(error, "TensorFlow has no LSTMCell without biases");
    // What TensorFlow adds is taken off before.
    let cell = to_tensorflow(&without, 1.0).remove(0);
    let bias: Vec<f32> = cell.get("bias").unwrap().iter().collect();
    assert_eq!(bias[2 * D_HIDDEN..3 * D_HIDDEN], [-1.0; D_HIDDEN]);
    assert_eq!(bias.iter().sum::<f32>(), -(D_HIDDEN as f32));
}

#[test]
fn cells_of_tensorflow_that_do_not_fit_are_refused_by_name() {
    let lstm = config(LstmCellConfig::new(D_INPUT, 5, true), 1, Directions::Forward).init(&flex());
    let cell = read("tensorflow_lstm.safetensors").under("rnn.lstm_cell");
    let peephole = to_tensorflow(&lstm, 1.0).remove(0).under("").at("w_f_diag");
    let error = load_tensorflow(&lstm, &[cell.clone().and(peephole)], 1.0).unwrap_err().to_string();
    for line in [
        "rnn.lstm_cell.kernel: wanted [9, 20], found [10, 24]",
        "rnn.lstm_cell.bias: wanted [20], found [24]",
        "rnn.lstm_cell.w_f_diag.bias: found [20], not wanted",
    ] {
        assert!(error.contains(line), "{error}");
    }
    let error = load_tensorflow(&lstm, &[cell.clone(), cell], 1.0).unwrap_err().to_string();
    assert_eq!(error, "TensorFlow: wanted the tensors of 1 cells, got 2");
}
