//! Saved models keep their dropout.

use std::fs;
use std::path::{Path, PathBuf};

use burn::config::Config;
use burn::module::{Initializer, Module};
use burn::nn::{Linear, LinearConfig};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Int, Tensor};
use burn_variational::dropout::Site;
use burn_variational::prelude::*;
use burn_variational::rnn::GruCellConfig;
use burn_variational::training::{
    SavedModelError, load_model, load_model_as, load_parameters, save_model,
};
use cross_backend_tests::{flex, on_every_device};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

#[derive(Config, Debug)]
struct ModelConfig {
    embedding: VariationalEmbeddingConfig,
    gru: VariationalGruConfig,
    output: LinearConfig,
}

#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    gru: VariationalGru,
    output: Linear,
}

impl ModelConfig {
    fn init(&self, device: &Device) -> Model {
        Model {
            embedding: self.embedding.init(device),
            gru: self.gru.init(device),
            output: self.output.init(device),
        }
    }
}

/// Rates that no decimal of few digits is, beside plain ones.
fn config() -> ModelConfig {
    let embedding = VariationalEmbeddingConfig::new(11, 3).with_type_dropout(1.0 - 0.7);
    let dropout = StackDropout::variational_untied(0.25, 0.5);
    let gru = VariationalGruConfig::new(3, 4, true).with_n_layers(2).with_dropout(dropout);
    ModelConfig::new(embedding, gru, LinearConfig::new(4, 2))
}

/// A trained model's predictions, with masks that its own rates draw.
fn predict(model: &Model, device: &Device) -> Vec<f32> {
    let tokens = Tensor::<1, Int>::arange(0..10, device).reshape([2, 5]);
    let parts = (&model.embedding, &model.gru);
    let masks = parts.masks_for(&tokens, MaskRng::seeded(3).draw(1));
    let hidden = parts.run(tokens, &masks);
    model.output.forward(hidden).into_data().try_to_vec().unwrap()
}

on_every_device! {
    fn a_loaded_model_predicts_as_the_saved_one_to_the_bit(device: &Device) {
        let (folder, model) = saved(device);
        let path = folder.path().join("model.bvm");
        let expected = predict(&model, device);

        let (_, loaded) = load_model(&path, |config: &ModelConfig| config.init(device)).unwrap();
        assert_eq!(predict(&loaded, device), expected);
        let loaded = load_model_as(&path, &config(), |config| config.init(device)).unwrap();
        assert_eq!(predict(&loaded, device), expected);
        let loaded = load_parameters(&path, config().init(device)).unwrap();
        assert_eq!(predict(&loaded, device), expected);

        let mut other = config();
        other.gru.dropout = StackDropout::none();
        let loaded = load_parameters(&path, other.init(device)).unwrap();
        assert_eq!(loaded.gru.layers[1].dropout, LayerDropout::none());
        let expected = model.gru.with_dropout(StackDropout::none());
        let expected = predict(&Model { gru: expected, ..model }, device);
        assert_eq!(predict(&loaded, device), expected);
    }
}

fn saved(device: &Device) -> (TempDir, Model) {
    let folder = tempfile::tempdir().unwrap();
    let model = config().init(device);
    save_model(folder.path().join("model.bvm"), &config(), &model).unwrap();
    (folder, model)
}

/// What is wrong, without the path that every message begins with.
fn complaint<T>(path: &Path, result: Result<T, SavedModelError>) -> String {
    let error = result.err().expect("an error").to_string();
    error.strip_prefix(&format!("{}: ", path.display())).expect("the path first").to_string()
}

#[test]
fn another_configuration_is_an_error_that_names_every_field() {
    let (folder, _) = saved(&flex());
    let path = folder.path().join("model.bvm");
    let asked = |change: fn(&mut ModelConfig)| {
        let mut config = config();
        change(&mut config);
        complaint(&path, load_model_as(&path, &config, |config| config.init(&flex())))
    };
    assert_eq!(
        asked(|config| config.gru.dropout = StackDropout::variational_untied(0.25, 0.125)),
        "gru.dropout.every_layer.sites.recurrent.prob is 0.5 in the file, 0.125 was asked"
    );
    assert_eq!(
        asked(|config| {
            config.gru.dropout = config.gru.dropout.clone().without(&Site::Recurrent);
            config.embedding = config.embedding.clone().with_type_dropout(0.3);
        }),
        "embedding.type_dropout.prob is 0.30000000000000004 in the file, 0.3 was asked; \
         gru.dropout.every_layer.sites.recurrent is {\"prob\":0.5,\"lifetime\":\"PerSequence\",\
         \"sharing\":\"PerRow\",\"tying\":\"Untied\",\"scaling\":\"Inverted\",\
         \"noise\":\"Bernoulli\"} in the file, \
         nothing was asked"
    );
    assert_eq!(
        asked(|config| config.embedding.type_dropout = None),
        "embedding.type_dropout is {\"prob\":0.30000000000000004,\"lifetime\":\"PerSequence\",\
         \"sharing\":\"PerRow\",\"tying\":\"Tied\",\"scaling\":\"Inverted\",\
         \"noise\":\"Bernoulli\"} in the file, \
         null was asked"
    );
    assert_eq!(
        asked(|config| config.gru.cell.reset_after = false),
        "gru.cell.reset_after is true in the file, false was asked"
    );
    assert_eq!(
        asked(|config| config.gru.cell.bias = false),
        "gru.cell.bias is true in the file, false was asked"
    );
    assert_eq!(
        asked(|config| config.gru.n_layers = 3),
        "gru.n_layers is 2 in the file, 3 was asked"
    );
    assert_eq!(
        asked(|config| config.gru.cell.initializer.bias = Initializer::Zeros),
        "gru.cell.initializer.bias is {\"XavierNormal\":{\"gain\":1.0}} in the file, \
         \"Zeros\" was asked"
    );
}

#[test]
fn parameters_of_another_model_are_an_error_that_names_them() {
    let (folder, _) = saved(&flex());
    let path = folder.path().join("model.bvm");
    let loaded = |change: fn(&mut ModelConfig)| {
        let mut config = config();
        change(&mut config);
        complaint(&path, load_parameters(&path, config.init(&flex())))
    };
    let wide = loaded(|config| config.output = LinearConfig::new(4, 5));
    assert!(wide.starts_with("the parameters do not fit the model: "), "{wide}");
    assert!(wide.contains("output.weight: shape mismatch"), "{wide}");
    assert!(wide.contains("output.bias: shape mismatch"), "{wide}");
    assert_eq!(
        loaded(|config| config.output.bias = false),
        "the parameters do not fit the model: Unused tensors: [\"output.bias\"]"
    );
    let deeper = loaded(|config| config.gru.n_layers = 3);
    assert!(deeper.contains("Missing tensors: [\"gru.layers.2.cell."), "{deeper}");
    let shallower = loaded(|config| config.gru.n_layers = 1);
    assert!(shallower.contains("Unused tensors: [\"gru.layers.1.cell."), "{shallower}");
}

/// A configuration as a later version of a program may have it.
#[derive(Debug, Serialize, Deserialize)]
struct LaterGruConfig {
    #[serde(flatten)]
    now: GruCellConfig,
    zoneout: f64,
}

/// As an earlier version may have had it.
#[derive(Debug, Serialize, Deserialize)]
struct EarlierGruConfig {
    d_input: usize,
    d_hidden: usize,
    #[serde(default)]
    seed: u64,
}

fn config_saved<C: Serialize + DeserializeOwned>(config: &C) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bvm");
    save_model(&path, config, &LinearConfig::new(3, 4).init(&flex())).unwrap();
    (folder, path)
}

fn load_linear<C: Serialize + DeserializeOwned>(path: &Path) -> Result<C, SavedModelError> {
    Ok(load_model(path, |_: &C| LinearConfig::new(3, 4).init(&flex()))?.0)
}

#[test]
fn a_field_that_only_one_version_knows_is_named() {
    let now = GruCellConfig::new(3, 4, true);
    let (_folder, path) = config_saved(&LaterGruConfig { now: now.clone(), zoneout: 0.5 });
    assert_eq!(
        complaint(&path, load_linear::<GruCellConfig>(&path)),
        "this program cannot read the configuration: zoneout is 0.5, which it does not know"
    );

    let earlier = EarlierGruConfig { d_input: 3, d_hidden: 4, seed: 0 };
    let (_folder, path) = config_saved(&earlier);
    assert_eq!(
        complaint(&path, load_linear::<GruCellConfig>(&path)),
        "this program cannot read the configuration: missing field `bias`"
    );

    // A field that a later version gives a default is no error.
    let (_folder, path) = config_saved(&std::collections::BTreeMap::from([
        ("d_input".to_string(), 3),
        ("d_hidden".to_string(), 4),
    ]));
    assert_eq!(load_linear::<EarlierGruConfig>(&path).unwrap().seed, 0);
}

/// A configuration that serialises what it does not read.
#[derive(Debug, Serialize, Deserialize)]
struct Forgetful {
    #[serde(skip_deserializing)]
    rate: f64,
}

#[test]
fn a_configuration_that_does_not_come_back_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bvm");
    let model = LinearConfig::new(3, 4).init(&flex());
    assert_eq!(
        complaint(&path, save_model(&path, &Forgetful { rate: 0.5 }, &model)),
        "cannot encode the model: its configuration would not be read back: \
         rate is 0.5, which it reads as 0.0"
    );
    assert!(!path.exists());
}

#[test]
fn a_damaged_or_missing_file_is_an_error() {
    let (folder, _) = saved(&flex());
    let path = folder.path().join("model.bvm");
    let load = || load_model(&path, |config: &ModelConfig| config.init(&flex()));
    let whole = fs::read(&path).unwrap();
    for length in [0, 7, 8, 19, 20, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let told = complaint(&path, load());
        assert!(told.starts_with("the saved model is damaged: "), "{told}");
    }
    for place in [0, 8, 12, 19, 20, 100, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 16;
        fs::write(&path, changed).unwrap();
        let told = complaint(&path, load());
        assert!(told.starts_with("the saved model is damaged: "), "{told}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(load().unwrap_err(), SavedModelError::Io { path: p, .. } if p == path));
    assert!(matches!(
        save_model(path.join("nowhere"), &config(), &config().init(&flex())).unwrap_err(),
        SavedModelError::Io { .. }
    ));
}

#[test]
fn what_a_kill_leaves_half_written_hides_no_former_model() {
    let (folder, model) = saved(&flex());
    let path = folder.path().join("model.bvm");
    fs::write(folder.path().join("model.bvm.partial"), "BVMODEL1 half").unwrap();
    let load = || load_model(&path, |config: &ModelConfig| config.init(&flex())).unwrap().1;
    assert_eq!(predict(&load(), &flex()), predict(&model, &flex()));

    let newer = config().init(&flex());
    save_model(&path, &config(), &newer).unwrap();
    assert_eq!(predict(&load(), &flex()), predict(&newer, &flex()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_saved_model_and_a_bare_record_are_not_taken_for_each_other() {
    let (folder, model) = saved(&flex());
    let path = folder.path().join("model.bvm");
    assert!(ModuleRecord::load(&path).is_err());
    model.into_record().save(path.with_extension("bpk")).unwrap();
    let path = path.with_extension("bpk");
    assert_eq!(
        complaint(&path, load_parameters(&path, config().init(&flex()))),
        "the saved model is damaged: it does not begin as a saved model does"
    );
}
