//! Keras' `LSTM`, `GRU`, `SimpleRNN`, `Bidirectional`, `Dense` and `Embedding`.

use burn::nn::{EmbeddingConfig, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use burn_variational_weights::{KerasWeights, NamedTensors, PortableCell};
use cross_backend_tests::{CPU_TOLERANCE, assert_close, flex, on_every_path};

use super::{BOTH, Case, D_HIDDEN, D_INPUT, config, read, weights_of};

fn lstm() -> LstmCellConfig {
    LstmCellConfig::new(D_INPUT, D_HIDDEN, true)
}

fn gru() -> GruCellConfig {
    GruCellConfig::new(D_INPUT, D_HIDDEN, true)
}

fn of_layers(file: &str, paths: &[&str]) -> Vec<NamedTensors> {
    let tensors = read(file);
    paths.iter().map(|path| tensors.under(path)).collect()
}

fn check<K: CellConfig>(name: &str, paths: &[&str], config: &StackConfig<K>, device: &Device)
where
    K::Cell: PortableCell,
{
    let case = Case::of("expected_keras.json", name);
    for file in ["weights.h5", "keras"].map(|extension| format!("{name}.{extension}")) {
        let loaded = config.init(device).load_keras(&of_layers(&file, paths));
        let stack = loaded.unwrap_or_else(|error| panic!("{file}: {error}")).module;
        let masks = stack.identity_masks();
        let (outputs, _) = stack.forward(case.input.on::<3>(device), None, &masks);
        assert_close(&outputs, &case.outputs.values, CPU_TOLERANCE, &file);
    }
}

on_every_path! {
    fn layers_with_keras_weights_give_what_keras_gives(device: &Device) {
        let forward = Directions::Forward;
        let sum = Directions::Both(MergeMode::Sum);
        // By their paths in the file, or by their own names.
        check("keras_lstm", &["layers.lstm", "second"], &config(lstm(), 2, forward), device);
        check("keras_gru", &["layers.gru", "layers.gru_1"], &config(gru(), 2, forward), device);
        let before = gru().with_reset_after(false);
        check("keras_gru_reset_before", &["gru"], &config(before, 1, forward), device);
        let rnn = RnnCellConfig::new(D_INPUT, D_HIDDEN, false);
        check("keras_rnn", &["layers.simple_rnn"], &config(rnn, 1, forward), device);
        let paths = ["layers.bidirectional", "layers.bidirectional_1"];
        check("keras_both", &paths, &config(lstm(), 2, sum), device);
        check("keras_both_gru", &paths, &config(gru(), 2, BOTH), device);
        let product = Directions::Both(MergeMode::Multiply);
        let rnn = RnnCellConfig::new(D_INPUT, D_HIDDEN, true);
        check("keras_both_rnn", &["bidirectional"], &config(rnn, 1, product), device);
        // A layer that was given a cell, and the cell itself.
        for path in ["layers.rnn", "layers.rnn.cell"] {
            check("keras_cell", &[path], &config(gru(), 1, forward), device);
        }
    }
}

/// Keras returns the steps of a layer that goes backwards in the order in which it read them, so
/// that the layer on top of it goes on backward by going forward.
#[test]
fn a_stack_that_reads_backward_is_one_layer_that_goes_backwards_and_others_on_top() {
    let case = Case::of("expected_keras.json", "keras_backward");
    let stack = config(lstm(), 2, Directions::Backward).init(&flex());
    let layers = of_layers("keras_backward.keras", &["layers.lstm", "layers.lstm_1"]);
    let stack = stack.load_keras(&layers).unwrap().module;
    let (outputs, _) = stack.forward(case.input.on::<3>(&flex()), None, &stack.identity_masks());
    assert_close(&outputs.flip([1]), &case.outputs.values, CPU_TOLERANCE, "outputs");
    let forward = config(lstm(), 2, Directions::Forward).init(&flex());
    let error = forward.load_keras(&layers).unwrap_err().to_string();
    assert_eq!(error, "layers.lstm: go_backwards must be false, found true");
}

#[test]
fn a_whole_model_of_keras_goes_along_by_names() {
    let device = flex();
    let case = Case::of("expected_keras.json", "keras_model");
    let tensors = read("keras_model.keras");
    let part = |name: &str| [tensors.under(name)];
    let words = EmbeddingConfig::new(7, D_INPUT).init(&device);
    let words = words.load_keras(&part("words")).unwrap().module;
    let average = Directions::Both(MergeMode::Average);
    let encoder = config(gru().with_reset_after(false), 1, average).init(&device);
    let encoder = encoder.load_keras(&part("encoder")).unwrap().module;
    let head = LinearConfig::new(D_HIDDEN, 2).init(&device);
    let head = head.load_keras(&part("head")).unwrap();
    assert!(head.changes.is_empty());
    assert!(tensors.names_outside(&["words", "encoder", "head"]).is_empty());

    let [batch_size, seq_length] = [case.input.shape[0], case.input.shape[1]];
    let tokens: Vec<i64> = case.input.values.iter().map(|&token| token as i64).collect();
    let tokens = TensorData::new(tokens, [batch_size, seq_length]);
    let tokens = Tensor::<2, Int>::from_data(tokens, &device);
    let (outputs, _) = encoder.forward(words.forward(tokens), None, &encoder.identity_masks());
    let outputs = head.module.forward(outputs);
    assert_close(&outputs, &case.outputs.values, CPU_TOLERANCE, "the head's output");
}

#[test]
fn weights_go_to_keras_and_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gru.safetensors");
    for config in [
        config(gru(), 2, BOTH),
        config(gru().with_reset_after(false), 2, Directions::Forward),
        config(GruCellConfig::new(D_INPUT, D_HIDDEN, false), 1, Directions::Backward),
    ] {
        let ours = config.init(&flex());
        let layers = ours.to_keras().unwrap().into_iter().enumerate();
        let tensors = layers.fold(NamedTensors::default(), |all, (l, tensors)| {
            all.and(tensors.at(&format!("layers.{l}")))
        });
        tensors.write_safetensors(&path).unwrap();
        let read = NamedTensors::read(&path).unwrap();
        let layers: Vec<_> =
            (0..ours.layers.len()).map(|l| read.under(&format!("layers.{l}"))).collect();
        let back = config.init(&flex()).load_keras(&layers).unwrap().module;
        assert_eq!(weights_of(&back), weights_of(&ours));
    }
}

#[test]
fn layers_of_keras_that_are_others_are_refused_by_name() {
    let refused = |file: &str, path: &str, config: &StackConfig<GruCellConfig>| {
        config.init(&flex()).load_keras(&of_layers(file, &[path])).unwrap_err().to_string()
    };
    let forward = Directions::Forward;
    let stack = config(lstm(), 1, forward).init(&flex());
    let error = stack.load_keras(&of_layers("keras_relu.keras", &["lstm"])).unwrap_err();
    assert_eq!(error.to_string(), "layers.lstm: activation must be tanh, found relu");
    // A file of weights alone does not say.
    assert!(stack.load_keras(&of_layers("keras_relu.weights.h5", &["lstm"])).is_ok());

    let error = refused("keras_gru.keras", "layers.gru", &config(gru(), 1, Directions::Backward));
    assert_eq!(error, "layers.gru: go_backwards must be true, found false");
    let before = config(gru().with_reset_after(false), 1, forward);
    let error = refused("keras_gru.keras", "layers.gru", &before);
    assert_eq!(error, "layers.gru: reset_after must be false, found true");
    let error = refused("keras_gru.weights.h5", "layers.gru", &before);
    assert!(error.contains("layers.gru.cell.vars.2: wanted [18], found [2, 18]"), "{error}");
    let error = refused("keras_cell.keras", "layers.rnn", &before);
    assert_eq!(error, "layers.rnn.cell: reset_after must be false, found true");
    let sum = config(gru(), 1, Directions::Both(MergeMode::Sum));
    let error = refused("keras_both_gru.keras", "layers.bidirectional", &sum);
    assert_eq!(error, "layers.bidirectional: merge_mode must be sum, found concat");
    let both = config(lstm(), 1, BOTH).init(&flex());
    let error = both.load_keras(&of_layers("keras_unmerged.keras", &["bidirectional"]));
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "layers.bidirectional: merge_mode must be concat, found null");
    let error = both.load_keras(&of_layers("keras_ambiguous.keras", &["a"])).unwrap_err();
    let error = error.to_string();
    let expected =
        "layers.bidirectional.forward_layer: activation must be tanh, found relu or tanh";
    assert_eq!(error, expected);
    let error = refused("keras_gru.weights.h5", "layers.lstm", &config(gru(), 1, forward));
    assert!(error.contains("layers.lstm.cell.vars.0: wanted [4, 18], not there"), "{error}");
    let error = refused("keras_gru.weights.h5", "layers.gru", &config(gru(), 2, forward));
    assert_eq!(error, "Keras: wanted the tensors of 2 layers, got 1");
}
