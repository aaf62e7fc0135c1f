//! Configurations and rates come back as they went: from files, and through what is done to a
//! module.

use std::fmt::Debug;

use burn::config::Config;
use burn::module::{Initializer, Module};
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::{flex, on_every_device};

/// Every site of a stack, each with another choice.
fn dropout() -> StackDropout {
    StackDropout::none()
        .with_input(SiteDropout::new(0.1).untied())
        .with_between(SiteDropout::new(0.2).shared_over_batch())
        .with_recurrent(SiteDropout::new(0.3).unscaled())
        .with_output(SiteDropout::new(0.4).per_step())
}

/// Asserts that a configuration survives JSON and a file, and gives what it says of itself.
fn assert_survives<T: Config + Debug>(config: &T) -> String {
    let shown = format!("{config:?}");
    let json = serde_json::to_string(config).unwrap();
    let back: T = serde_json::from_str(&json).unwrap();
    assert_eq!(format!("{back:?}"), shown);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    config.save(&file).unwrap();
    let back = T::load(&file).unwrap();
    assert_eq!(format!("{back:?}"), shown);
    shown
}

fn check_stack<K: CellConfig>(cell: K)
where
    StackConfig<K>: Config + Debug,
{
    // A site of a user's own is told in the file, though no cell here reads it.
    let config = StackConfig::from_cell(cell)
        .with_n_layers(3)
        .with_dropout(dropout().with(Site::named("leak"), 0.5))
        .with_batch_first(false);
    let shown = assert_survives(&config);
    for rate in ["0.1", "0.2", "0.3", "0.4", "0.5", "leak", "Untied", "PerStep", "Unscaled"] {
        assert!(shown.contains(rate), "{rate} is in {shown}");
    }
}

#[test]
fn stacks_of_each_cell_survive_their_files() {
    check_stack(LstmCellConfig::new(3, 4, true));
    check_stack(GruCellConfig::new(3, 4, true).with_reset_after(false));
    check_stack(RnnCellConfig::new(3, 4, false));
}

#[test]
fn a_stack_made_of_its_file_drops_what_was_asked() {
    let config = VariationalLstmConfig::new(3, 4, true).with_n_layers(2).with_dropout(dropout());
    let file: VariationalLstmConfig =
        serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
    assert_eq!(file.dropout, dropout());
    let asked = |l: usize| file.init(&flex()).layers[l].dropout.clone();
    let recurrent = SiteDropout::new(0.3).unscaled();
    let first =
        LayerDropout::none().with_input(SiteDropout::new(0.1).untied()).with_recurrent(recurrent);
    let last = LayerDropout::none()
        .with_input(SiteDropout::new(0.2).shared_over_batch())
        .with_recurrent(recurrent)
        .with_output(SiteDropout::new(0.4).per_step());
    assert_eq!([asked(0), asked(1)], [first, last]);
}

#[test]
fn what_a_layer_drops_survives_its_file_site_by_site() {
    let dropout = LayerDropout::none()
        .with_input(0.25)
        .with_recurrent(SiteDropout::new(0.5).untied())
        .with(Site::named("leak"), SiteDropout::new(0.125).per_step());
    let _ = assert_survives(&dropout);
    let back: LayerDropout =
        serde_json::from_str(&serde_json::to_string(&dropout).unwrap()).unwrap();
    assert_eq!(back, dropout);
    let value = serde_json::to_value(&dropout).unwrap();
    for (site, prob) in [("input", 0.25), ("recurrent", 0.5), ("leak", 0.125)] {
        assert_eq!(value["sites"][site]["prob"], prob, "{value}");
    }
}

#[test]
fn locked_dropout_survives_its_file() {
    let dropout = SiteDropout::new(0.3).unscaled().shared_over_batch();
    let config = LockedDropoutConfig::new(8, dropout).with_batch_first(false);
    let shown = assert_survives(&config);
    assert!(shown.contains("0.3") && shown.contains("Unscaled"), "{shown}");
    let json = serde_json::to_string(&config).unwrap();
    let module = serde_json::from_str::<LockedDropoutConfig>(&json).unwrap().init();
    assert_eq!((module.units, module.dropout, module.batch_first), (8, dropout, false));
}

#[test]
fn an_embedding_survives_its_file() {
    let config = VariationalEmbeddingConfig::new(10, 4)
        .with_type_dropout(SiteDropout::new(0.2).shared_over_batch())
        .with_token_dropout(0.3)
        .with_initializer(Initializer::Constant { value: 0.5 });
    let shown = assert_survives(&config);
    assert!(
        shown.contains("0.2") && shown.contains("0.3") && shown.contains("Constant"),
        "{shown}"
    );
    let json = serde_json::to_string(&config).unwrap();
    let file: VariationalEmbeddingConfig = serde_json::from_str(&json).unwrap();
    let module = file.init(&flex());
    assert_eq!(module.type_dropout, Some(SiteDropout::new(0.2).shared_over_batch()));
    assert_eq!(module.token_dropout, Some(SiteDropout::new(0.3).per_step()));
    assert_eq!(module.weight.val().into_data().iter::<f32>().sum::<f32>(), 20.0);
    let none = assert_survives(&VariationalEmbeddingConfig::new(10, 4));
    assert!(none.contains("type_dropout: None"), "{none}");
}

/// A model of everything that has rates.
#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    locked: LockedDropout,
    lstm: VariationalLstm,
}

fn model(device: &Device) -> Model {
    Model {
        embedding: VariationalEmbeddingConfig::new(10, 4)
            .with_type_dropout(0.2)
            .with_token_dropout(0.3)
            .init(device),
        locked: LockedDropoutConfig::new(4, 0.4).init(),
        lstm: VariationalLstmConfig::new(4, 4, true)
            .with_n_layers(2)
            .with_dropout(dropout())
            .init(device),
    }
}

/// The same model, without a single rate.
fn undropped(device: &Device) -> Model {
    Model {
        embedding: VariationalEmbeddingConfig::new(10, 4).init(device),
        locked: LockedDropoutConfig::new(4, 0.0).init(),
        lstm: VariationalLstmConfig::new(4, 4, true).with_n_layers(2).init(device),
    }
}

/// Every rate of a model, and all factors that it draws for the same tokens.
fn rates_and_factors(model: &Model) -> (String, Vec<f32>) {
    let layers: Vec<_> = model.lstm.layers.iter().map(|layer| &layer.dropout).collect();
    let embedding = (model.embedding.type_dropout, model.embedding.token_dropout);
    let rates = format!("{:?}", (embedding, model.locked.dropout, layers));

    let device = model.embedding.weight.val().device();
    let tokens = Tensor::from_data([[0, 1, 2], [3, 4, 5]], &device);
    let parts = (&model.embedding, &model.locked, &model.lstm);
    let masks = parts.masks_for(&tokens, MaskRng::seeded(1).draw(0));
    let mut factors = Vec::new();
    let mut take = |values: Tensor<2>| factors.extend(values.into_data().iter::<f32>());
    take(masks.0.types.factors(&tokens, burn::tensor::FloatDType::F32));
    take(masks.0.tokens.values().unwrap());
    take(masks.1.values().unwrap());
    for l in 0..2 {
        for (_, site) in masks.2.layer(l).iter() {
            for step in 0..3 {
                site.at_step(step).masks().iter().for_each(|mask| take(mask.values().unwrap()));
            }
        }
    }
    (rates, factors)
}

on_every_device! {
    fn rates_survive_what_is_done_to_a_module(device: &Device) {
        let training = device.clone().autodiff();
        let expected = rates_and_factors(&model(&training));
        assert!(expected.1.contains(&0.0));
        let moved = model(&flex()).to_device(device);
        assert_eq!(moved.embedding.weight.val().device(), *device);
        for (what, model) in [
            ("a record of its own", model(&training).load_record(model(&training).into_record())),
            // A record holds parameters: the rates are those of the module that it is loaded into.
            ("another's record", model(&training).load_record(undropped(&training).into_record())),
            ("valid", model(&training).valid()),
            ("to_device", moved),
            ("no_grad", model(&training).no_grad()),
        ] {
            assert_eq!(rates_and_factors(&model), expected, "{what}");
        }
    }
}
