use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, TensorData};
use burn_variational::dropout::{DropoutPrior, MaskRng};
use burn_variational::rnn::{CellConfig, GruCellConfig, LstmCellConfig, RnnCellConfig};
use burn_variational::training::{load_model, save_model};
use clap::ValueEnum;

use super::*;
use crate::method::Method;
use crate::preset::Preset;
use crate::recipe::Recipe;
use crate::{CellName, DropoutName, PresetName};

const N_TYPES: usize = 30;

fn preset() -> Preset {
    Preset::named(PresetName::Small).wide(8)
}

fn lstm(d_input: usize, d_hidden: usize) -> LstmCellConfig {
    LstmCellConfig::new(d_input, d_hidden, true)
}

fn config(method: Method) -> LanguageModelConfig<LstmCellConfig> {
    LanguageModelConfig::new(method, &preset(), CellName::Lstm, lstm, N_TYPES)
}

/// Two rows of ten tokens; those to predict are the next ones.
fn window(device: &Device) -> [Tensor<2, Int>; 2] {
    let tokens = |first: i64| {
        let tokens: Vec<i64> = (first..first + 20).map(|token| token * 7 % 30).collect();
        Tensor::from_data(TensorData::new(tokens, [2, 10]), device)
    };
    [tokens(0), tokens(1)]
}

/// A model after three steps.
fn trained<K: CellConfig>(
    method: Method,
    config: &LanguageModelConfig<K>,
) -> LanguageModel<K::Cell> {
    let device = Device::flex().autodiff();
    let mut model = config.init(&device).with_random_parameters(0.1, 1);
    let mut optimizer = Recipe::new(method, &preset()).optimizer();
    for step in 0..3 {
        let [inputs, targets] = window(&device);
        let masks = model.masks_for(&inputs, MaskRng::seeded(1).draw(step));
        let loss = model.read(inputs, targets, None, &masks).losses.mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.5, model, grads);
    }
    model.valid()
}

#[test]
fn a_saved_model_of_every_method_comes_back_with_its_dropout() {
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    for &method in Method::value_variants() {
        let (config, path) = (config(method), folder.path().join("model.bvm"));
        let trained = trained(method, &config);
        save_model(&path, &config, &trained).unwrap();
        let init = |config: &LanguageModelConfig<LstmCellConfig>| config.init(&device);
        let (_, loaded) = load_model(&path, init).unwrap();

        let [tokens, _] = window(&device);
        let logits = |model: &LanguageModel<_>, draw| {
            let masks = model.masks_for(&tokens, draw);
            model.run(tokens.clone(), &masks).into_data()
        };
        let draw = || MaskRng::seeded(1).draw(0);
        assert_eq!(logits(&loaded, draw()), logits(&trained, draw()), "{method}");
        assert_eq!(loaded.rates(), trained.rates(), "{method}");
        // The masks are there: what is expected is something else.
        let expected = logits(&loaded, MaskDraw::expected());
        assert_eq!(logits(&loaded, draw()) == expected, method == Method::None, "{method}");
        // So they are where word types are left whole, and have changed where types are dropped.
        let whole = logits(&loaded.clone().with_whole_types(), draw());
        assert_ne!(whole == expected, method != Method::None, "{method}");
        assert_eq!(whole == logits(&loaded, draw()), !method.drops_word_types(), "{method}");
    }
}

#[test]
fn losses_are_the_cross_entropy_of_the_logits() {
    let device = Device::flex();
    for &method in Method::value_variants() {
        let model = trained(method, &config(method));
        let [tokens, targets] = window(&device);
        let masks = model.masks_for(&tokens, MaskRng::seeded(2).draw(0));
        let losses = model.read(tokens.clone(), targets.clone(), None, &masks).losses;
        let logits = model.run(tokens, &masks);
        let expected = log_softmax(logits, 2).gather(2, targets.unsqueeze_dim(2)).neg();
        let (losses, expected) = (losses.into_data(), expected.into_data());
        for (loss, expected) in losses.iter::<f64>().zip(expected.iter::<f64>()) {
            // Logarithms of probabilities near 1 / 30, in another order of sums.
            assert!((loss - expected).abs() < 1e-5, "{method}: {loss} is not {expected}");
        }
    }
}

/// Reads a window with a model of every method that the cell takes.
fn read_with_every_method<K: CellConfig>(cell: CellName, make_cell: impl Fn(usize, usize) -> K) {
    for method in Method::asked(DropoutName::Every, cell, false).unwrap().methods {
        let config = LanguageModelConfig::new(method, &preset(), cell, &make_cell, N_TYPES);
        let model = trained(method, &config);
        let [tokens, targets] = window(&Device::flex());
        let masks = model.masks_for(&tokens, MaskRng::seeded(1).draw(0));
        let loss: f32 = model.read(tokens, targets, None, &masks).losses.mean().into_scalar();
        assert!(loss.is_finite(), "{method}: {loss}");
    }
}

#[test]
fn every_cell_reads_with_all_that_it_has_sites_for() {
    read_with_every_method(CellName::Lstm, lstm);
    read_with_every_method(CellName::Gru, |d_input, d_hidden| {
        GruCellConfig::new(d_input, d_hidden, true)
    });
    read_with_every_method(CellName::Rnn, |d_input, d_hidden| {
        RnnCellConfig::new(d_input, d_hidden, true)
    });
}

#[test]
fn the_kl_term_has_every_parameter_at_its_rate() {
    let model = trained(Method::Concrete, &config(Method::Concrete));
    let prior = DropoutPrior::new(0.3, 50);
    let got: f32 = model.kl_penalty(&prior).into_scalar();

    let rates: std::collections::BTreeMap<_, _> = model.rates().unwrap().into_iter().collect();
    assert_eq!(
        rates.keys().collect::<Vec<_>>(),
        ["inputs.0", "inputs.1", "output", "recurrent.0", "recurrent.1", "types"]
    );
    let squares = |tensor: Tensor<2>| f64::from(tensor.square().sum().into_scalar::<f32>());
    let lambda = 0.3_f64.powi(2) / (2.0 * 50.0);
    let of_site = |site: &str, n_variables: f64, weight: Tensor<2>| {
        let p = rates[site];
        let entropy = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
        lambda / (1.0 - p) * squares(weight) - n_variables * entropy / 50.0
    };
    let OutputLayer::Own(output) = &model.output else { panic!("its output is not tied") };
    let mut expected = of_site("types", 30.0, model.embedding.weight.val())
        + of_site("output", 8.0, output.weight.val())
        + lambda * squares(output.bias.as_ref().unwrap().val().unsqueeze());
    for (l, layer) in model.stack.layers.iter().enumerate() {
        let gates = &layer.cell.gates;
        expected += of_site(&format!("inputs.{l}"), 8.0, gates.input.val())
            + of_site(&format!("recurrent.{l}"), 8.0, gates.recurrent.val())
            + lambda * squares(gates.bias.as_ref().unwrap().val().unsqueeze());
    }
    // Sums of a thousand squares, in single precision.
    assert!((f64::from(got) - expected).abs() < 1e-4 * expected.abs(), "{got}, not {expected}");
}

#[test]
fn the_kl_term_moves_rates_and_weights() {
    let device = Device::flex().autodiff();
    let model = config(Method::Concrete).init(&device).with_random_parameters(0.1, 1);
    let grads = model.kl_penalty(&DropoutPrior::new(0.3, 50)).backward();
    let learned = model.learned.as_ref().unwrap();
    assert!(learned.types.as_ref().unwrap().logit.val().grad(&grads).is_some());
    for layer in &model.stack.layers {
        assert!(layer.cell.gates.input.val().grad(&grads).is_some());
        assert!(layer.cell.gates.recurrent.val().grad(&grads).is_some());
    }
}

#[test]
fn an_awd_lstm_begins_as_its_authors_have_it() {
    let config = LanguageModelConfig::new(
        Method::Awd,
        &Preset { d_hidden: 16, n_layers: 3, ..preset() },
        CellName::Lstm,
        lstm,
        N_TYPES,
    );
    let device = Device::flex().autodiff();
    let model = config.init(&device).with_random_parameters(0.04, 1);
    let largest = |tensor: Tensor<2>| tensor.abs().max().into_scalar::<f32>();
    let near = |value: f32, range: f32| value <= range && value > 0.9 * range;
    assert!(near(largest(model.embedding.weight.val()), 0.1));
    for (layer, range) in model.stack.layers.iter().zip([0.25, 0.25, 8_f32.sqrt().recip()]) {
        assert!(near(largest(layer.cell.gates.recurrent.val()), range));
    }
    let OutputLayer::Tied(output) = &model.output else { panic!("its output is tied") };
    assert_eq!(largest(output.bias.as_ref().unwrap().val().unsqueeze()).to_bits(), 0);
    assert!(!model.folds_draws());
}
