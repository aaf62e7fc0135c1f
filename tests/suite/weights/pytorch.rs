//! `torch.nn.LSTM`, `GRU`, `RNN`, `Linear` and `Embedding`.

use burn::nn::{EmbeddingConfig, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCell, GruCellConfig, LstmCellConfig, RnnCellConfig};
use burn_variational_weights::{
    CellWeights, NamedTensors, PortableCell, PytorchWeights, WeightsError,
};
use cross_backend_tests::{CPU_TOLERANCE, assert_close, flex, golden_folder, on_every_path};

use super::{BOTH, Case, D_HIDDEN, D_INPUT, config, read, weights_of};

fn check<K: CellConfig>(name: &str, config: &StackConfig<K>, device: &Device)
where
    K::Cell: PortableCell,
{
    let case = Case::of("expected.json", name);
    for file in ["pt", "safetensors"].map(|extension| format!("{name}.{extension}")) {
        let tensors = read(&file).under("encoder.layer");
        let loaded = config.clone().with_batch_first(false).init(device).load_pytorch(&tensors);
        let stack = loaded.unwrap_or_else(|error| panic!("{file}: {error}")).module;
        let masks = stack.identity_masks();
        let (outputs, _) = stack.forward(case.input.on::<3>(device), None, &masks);
        assert_close(&outputs, &case.outputs.values, CPU_TOLERANCE, &file);
    }
}

on_every_path! {
    fn layers_with_pytorchs_weights_give_what_pytorch_gives(device: &Device) {
        let lstm = |bias| LstmCellConfig::new(D_INPUT, D_HIDDEN, bias);
        let gru = |bias| GruCellConfig::new(D_INPUT, D_HIDDEN, bias);
        check("lstm", &config(lstm(true), 2, BOTH), device);
        check("gru", &config(gru(true), 2, BOTH), device);
        check("rnn", &config(RnnCellConfig::new(D_INPUT, D_HIDDEN, true), 1, Directions::Forward), device);
        check("lstm_without_bias", &config(lstm(false), 1, Directions::Forward), device);
        check("gru_without_bias", &config(gru(false), 3, Directions::Forward), device);
    }
}

/// A stack whose weights have all digits a float has, and are the same everywhere.
fn full_of_digits() -> RecurrentStack<GruCell> {
    let mut stack = config(GruCellConfig::new(D_INPUT, D_HIDDEN, true), 2, BOTH).init(&flex());
    let mut k = 0_u32;
    let mut next = || {
        k = k.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(k) / f64::from(u32::MAX) - 0.5) as f32
    };
    let layers = stack.layers.iter_mut().chain(&mut stack.backward_layers);
    for layer in layers {
        let CellWeights { input, recurrent, bias, candidate_bias } = layer.cell.weights();
        let weights = CellWeights {
            input: filled(&input, &mut next),
            recurrent: filled(&recurrent, &mut next),
            bias: bias.map(|bias| filled(&bias, &mut next)),
            candidate_bias: candidate_bias.map(|bias| filled(&bias, &mut next)),
        };
        layer.cell = layer.cell.clone().with_weights(weights);
    }
    stack
}

fn filled<const D: usize>(tensor: &Tensor<D>, next: &mut impl FnMut() -> f32) -> Tensor<D> {
    let values: Vec<f32> = (0..tensor.shape().num_elements()).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(values, tensor.dims()), &tensor.device())
}

/// `round_trip_pytorch.py` made `ours.pt` of `ours.safetensors`, through `nn.GRU`. To write the
/// latter anew: `WRITE_GOLDEN=1 cargo test -p cross-backend-tests --test suite bits`.
#[test]
fn weights_that_went_through_pytorch_are_the_same_to_the_bits() {
    let folder = golden_folder().join("weights");
    let scratch = tempfile::tempdir().unwrap();
    let ours = full_of_digits();
    let path = match std::env::var_os("WRITE_GOLDEN") {
        Some(_) => folder.join("ours.safetensors"),
        None => scratch.path().join("ours.safetensors"),
    };
    ours.to_pytorch().unwrap().at("encoder.gru").write_safetensors(&path).unwrap();
    let (written, golden) = (std::fs::read(&path), std::fs::read(folder.join("ours.safetensors")));
    assert_eq!(written.unwrap(), golden.unwrap(), "what PyTorch read is what is written");
    for file in ["ours.safetensors", "ours.pt"] {
        let tensors = read(file).under("encoder.gru");
        let other = config(GruCellConfig::new(D_INPUT, D_HIDDEN, true), 2, BOTH).init(&flex());
        assert_ne!(weights_of(&other), weights_of(&ours));
        let back = other.load_pytorch(&tensors).unwrap().module;
        assert_eq!(weights_of(&back), weights_of(&ours), "{file}");
    }
}

#[test]
fn the_parts_of_a_model_go_along_by_path() {
    let linear = |value: f32| {
        let mut linear = LinearConfig::new(3, 2).init(&flex());
        linear.weight = linear.weight.map(|weight| weight.ones_like() * value);
        linear.weight = linear.weight.map(|w| w.slice_fill([0..1, 1..2], value + 1.0));
        linear
    };
    let words = |value: f32| {
        let mut words = VariationalEmbeddingConfig::new(5, 3).with_type_dropout(0.5).init(&flex());
        words.weight = words.weight.map(|weight| weight.ones_like() * value);
        words
    };
    let tensors = linear(2.0).to_pytorch().unwrap().at("decoder");
    let tensors = tensors.and(words(4.0).to_pytorch().unwrap().at("encoder.words"));
    let weight = tensors.get("decoder.weight").unwrap();
    assert_eq!(weight.shape().to_vec(), [2, 3]);
    assert_eq!(weight.try_to_vec::<f32>().unwrap(), [2.0, 2.0, 2.0, 3.0, 2.0, 2.0]);

    let loaded = linear(0.0).load_pytorch(&tensors.under("decoder")).unwrap();
    assert_eq!(loaded.changes[0].to_string(), "decoder.weight: transposed");
    assert_eq!(loaded.module.weight.to_data(), linear(2.0).weight.to_data());
    let loaded = words(0.0).load_pytorch(&tensors.under("encoder.words")).unwrap().module;
    assert_eq!(loaded.weight.to_data(), words(4.0).weight.to_data());
    assert_eq!(loaded.type_dropout, words(4.0).type_dropout);
    let plain = EmbeddingConfig::new(5, 3).init(&flex());
    let plain = plain.load_pytorch(&tensors.under("encoder.words")).unwrap().module;
    assert_eq!(plain.weight.to_data(), words(4.0).weight.to_data());

    assert_eq!(tensors.names_outside(&["decoder"]), ["encoder.words.weight"]);
    let error = linear(0.0).load_pytorch(&tensors.under("encoder.words")).unwrap_err().to_string();
    assert!(error.contains("encoder.words.weight: wanted [2, 3], found [5, 3]"), "{error}");
    assert!(error.contains("encoder.words.bias: wanted [2], not there"), "{error}");
}

#[test]
fn a_file_that_fits_in_part_is_not_loaded_and_names_every_tensor() {
    let tensors = read("rnn.pt").under("encoder.layer");
    let stack = config(RnnCellConfig::new(D_INPUT, 5, true), 2, Directions::Forward).init(&flex());
    let Err(WeightsError::Mismatched(mismatches)) = stack.load_pytorch(&tensors) else {
        panic!("it does not fit")
    };
    let lines: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 8, "{lines:?}");
    assert_eq!(lines[0], "encoder.layer.weight_ih_l0: wanted [5, 4], found [6, 4]");
    assert_eq!(lines[4], "encoder.layer.weight_ih_l1: wanted [5, 5], not there");
    let stack =
        config(RnnCellConfig::new(D_INPUT, D_HIDDEN, false), 1, Directions::Forward).init(&flex());
    let error = stack.load_pytorch(&tensors).unwrap_err().to_string();
    assert!(error.contains("bias_hh_l0: found [6], not wanted"), "{error}");
}

#[test]
fn what_pytorch_has_not_is_refused_by_name() {
    let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true).with_reset_after(false);
    let error =
        config(gru, 1, Directions::Forward).init(&flex()).to_pytorch().unwrap_err().to_string();
    assert_eq!(error, "PyTorch has no GRU that resets before the product");
    let rnn = config(RnnCellConfig::new(D_INPUT, D_HIDDEN, true), 1, BOTH);
    let summed = rnn.with_directions(Directions::Both(MergeMode::Sum)).init(&flex());
    let error = summed.to_pytorch().unwrap_err().to_string();
    assert_eq!(error, "PyTorch has no two directions that are not concatenated");
    let nowhere = NamedTensors::default().write_safetensors("no/such/weights.safetensors");
    let nowhere = nowhere.unwrap_err().to_string();
    assert!(nowhere.starts_with("no/such/weights.safetensors: "), "{nowhere}");
    let missing = NamedTensors::read("no/such.pt").unwrap_err().to_string();
    assert!(missing.starts_with("no/such.pt: "), "{missing}");
}
