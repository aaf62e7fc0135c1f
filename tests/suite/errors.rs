//! What is refused, and in which words: type, field, rule and value.

use std::panic::AssertUnwindSafe;

use burn::nn::{self, LstmState};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{
    DropoutMask, LockedDropoutConfig, MaskRng, SequenceExtent, Site, SiteDropout, VariationalModel,
};
use burn_variational::embedding::{TiedOutputConfig, VariationalEmbeddingConfig};
use burn_variational::rnn::{
    CellConfig, GateMasks, GruCellConfig, LayerDropout, LayerMasks, LstmCellConfig, RecurrentLayer,
    RecurrentStack, RnnCellConfig, SiteMasks, StackConfig, StackDropout, StackMasks, StackState,
    VariationalGru, VariationalLstm, VariationalLstmConfig, VariationalRnn,
};
use cross_backend_tests::flex;

fn config() -> VariationalLstmConfig {
    VariationalLstmConfig::new(3, 4, true)
}

fn input(dims: [usize; 3]) -> Tensor<3> {
    Tensor::ones(dims, &flex())
}

fn state(batch_size: usize, cell: usize, hidden: usize) -> StackState<LstmState<2>> {
    // Built by hand: the constructor of `burn::nn` checks that the two are alike.
    let tensor = |width| Tensor::ones([batch_size, width], &flex());
    StackState::new(vec![LstmState { cell: tensor(cell), hidden: tensor(hidden) }])
}

fn forward(dims: [usize; 3], state: Option<StackState<LstmState<2>>>, masks: &StackMasks) {
    let _ = config().init(&flex()).forward(input(dims), state, masks);
}

fn masks(recurrent: [usize; 2]) -> StackMasks {
    let mask = DropoutMask::from_values(Tensor::ones(recurrent, &flex()));
    StackMasks::new(vec![LayerMasks::identity().with_recurrent(SiteMasks::tied(mask))])
}

#[test]
#[should_panic(expected = "RecurrentLayer: recurrent dropout prob must be in [0, 1), got 1")]
fn dropping_all_of_the_recurrence_is_refused() {
    let _ = config().with_dropout(StackDropout::variational(0.5, 1.0)).init(&flex());
}

#[test]
#[should_panic(expected = "RecurrentLayer: input dropout prob must be in [0, 1), got -0.5")]
fn a_rate_under_zero_is_refused() {
    let _ = config().with_dropout(StackDropout::naive(-0.5)).init(&flex());
}

#[test]
#[should_panic(expected = "RecurrentLayer: output dropout prob must be in [0, 1), got NaN")]
fn a_rate_that_is_no_number_is_refused() {
    let dropout = StackDropout::none().with_output(f64::NAN);
    let _ = config().with_dropout(dropout).init(&flex());
}

#[test]
#[should_panic(expected = "RecurrentLayer: input dropout prob must be in [0, 1), got 1.5")]
fn a_rate_over_one_is_refused_by_a_layer() {
    let dropout = LayerDropout::none().with_input(1.5);
    let _ = RecurrentLayer::new(LstmCellConfig::new(3, 4, true).init(&flex()), dropout);
}

#[test]
#[should_panic(
    expected = "RecurrentLayer: dropout must be at a site that the layer reads (input, recurrent, \
                candidate, cell, hidden, zoneout-hidden, zoneout-cell, output), got leak"
)]
fn dropout_at_a_site_that_a_cell_does_not_read_is_refused_by_a_layer() {
    let cell = LstmCellConfig::new(3, 4, true).init(&flex());
    let _ = RecurrentLayer::new(cell, LayerDropout::none().with(Site::named("leak"), 0.5));
}

#[test]
#[should_panic(
    expected = "RecurrentLayer: dropout must be at a site that the layer reads (input, recurrent, \
                candidate, zoneout-hidden, output), got cell"
)]
fn dropout_at_a_site_that_a_cell_does_not_read_is_refused_by_a_stack() {
    // At rate 0 too: that it drops nothing is no reason to let a mistake pass.
    let dropout = StackDropout::none().with(Site::Cell, 0.0);
    let _ =
        StackConfig::from_cell(GruCellConfig::new(3, 4, true)).with_dropout(dropout).init(&flex());
}

#[test]
#[should_panic(
    expected = "RecurrentLayer: dropout must be at a site that the layer reads (input, recurrent, \
                candidate, cell, hidden, zoneout-hidden, zoneout-cell, output), got leak"
)]
fn dropout_at_a_site_that_a_cell_does_not_read_is_refused_by_a_stack_that_was_made_before() {
    let dropout = StackDropout::none().with(Site::named("leak"), 0.5);
    let _ = config().init(&flex()).with_dropout(dropout);
}

#[test]
#[should_panic(
    expected = "RecurrentLayer: masks must be at a site that the layer reads (input, recurrent, \
                candidate, cell, hidden, zoneout-hidden, zoneout-cell, output), got leak"
)]
fn masks_at_a_site_that_a_cell_does_not_read_are_refused() {
    let mask = DropoutMask::from_values(Tensor::ones([2, 4], &flex()));
    let layer = LayerMasks::identity().with(Site::named("leak"), SiteMasks::tied(mask));
    forward([2, 2, 3], None, &StackMasks::new(vec![layer]));
}

#[test]
fn a_whole_draw_is_refused_by_every_module_with_masks() {
    let draw = || MaskRng::seeded(1).draw(0);
    let extent = SequenceExtent::new(1, 1, &flex());
    let stack = config().init(&flex());
    let layer = stack.layers[0].clone();
    let embedding = VariationalEmbeddingConfig::new(3, 4).init(&flex());
    let locked = LockedDropoutConfig::new(3, 0.5).init();
    let refusals: [(&str, &dyn Fn()); 4] = [
        ("RecurrentLayer", &|| drop(layer.sample_masks(&extent, draw()))),
        ("RecurrentStack", &|| drop(stack.sample_masks(&extent, draw()))),
        ("VariationalEmbedding", &|| drop(embedding.sample_masks(&extent, draw()))),
        ("LockedDropout", &|| drop(locked.sample_masks(&extent, draw()))),
    ];
    for (owner, sample) in refusals {
        let message = message_of(sample);
        let expected = format!("{owner}: masks must be sampled from a part of a draw, such as");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
#[should_panic(expected = "VariationalEmbeddingConfig: type dropout prob must be in [0, 1), got 1")]
fn dropping_all_word_types_is_refused() {
    let config = VariationalEmbeddingConfig::new(3, 4);
    let _ = config.with_type_dropout(1.0).init(&flex());
}

#[test]
#[should_panic(expected = "VariationalEmbeddingConfig: n_embedding must be positive, got 0")]
fn no_word_type_is_refused() {
    let _ = VariationalEmbeddingConfig::new(0, 4).init(&flex());
}

#[test]
#[should_panic(expected = "VariationalEmbeddingConfig: d_model must be positive, got 0")]
fn an_embedding_without_width_is_refused() {
    let _ = VariationalEmbeddingConfig::new(3, 0).init(&flex());
}

#[test]
#[should_panic(expected = "TiedOutputConfig: n_embedding must be positive, got 0")]
fn an_output_without_words_is_refused() {
    let _ = TiedOutputConfig::new(0).init(&flex());
}

#[test]
#[should_panic(expected = "TiedOutput: hidden must have the d_model 4 of the embedding, got 5")]
fn an_output_of_another_width_than_the_embedding_is_refused() {
    let embedding = VariationalEmbeddingConfig::new(3, 4).init(&flex());
    let _ = TiedOutputConfig::new(3).init(&flex()).forward(input([1, 1, 5]), &embedding);
}

#[test]
#[should_panic(expected = "LstmCellConfig: d_input must be positive, got 0")]
fn an_input_without_width_is_refused() {
    let _ = VariationalLstmConfig::new(0, 4, true).init(&flex());
}

#[test]
#[should_panic(expected = "GruCellConfig: d_hidden must be positive, got 0")]
fn a_gru_without_width_is_refused() {
    let _ = StackConfig::from_cell(GruCellConfig::new(3, 0, true)).init(&flex());
}

#[test]
#[should_panic(expected = "RnnCellConfig: d_hidden must be positive, got 0")]
fn a_simple_rnn_without_width_is_refused() {
    let _ = StackConfig::from_cell(RnnCellConfig::new(3, 0, true)).init(&flex());
}

#[test]
#[should_panic(expected = "StackConfig: n_layers must be positive, got 0")]
fn no_layer_is_refused() {
    let _ = config().with_n_layers(0).init(&flex());
}

#[test]
#[should_panic(expected = "RecurrentStack: d_input of layer 1 must be the d_hidden 4 of the layer")]
fn layers_that_do_not_fit_are_refused() {
    let layer = || config().init(&flex()).layers.remove(0);
    let _ = RecurrentStack::new(vec![layer(), layer()]);
}

#[test]
#[should_panic(expected = "RecurrentLayer: input must have d_input 3, got dims [seq_length 2, \
                           batch_size 1, 5]")]
fn an_input_of_another_width_is_refused() {
    forward([1, 2, 5], None, &StackMasks::identity(1));
}

#[test]
#[should_panic(expected = "RecurrentStack: seq_length must be positive, got 0")]
fn an_empty_sequence_is_refused() {
    forward([1, 0, 3], None, &StackMasks::identity(1));
}

#[test]
#[should_panic(expected = "RecurrentStack: batch_size must be positive, got 0")]
fn an_empty_batch_is_refused() {
    forward([0, 2, 3], None, &StackMasks::identity(1));
}

#[test]
#[should_panic(expected = "got mask [1, 4] for input [2, 4]")]
fn a_mask_of_another_batch_size_is_refused() {
    forward([2, 2, 3], None, &masks([1, 4]));
}

#[test]
#[should_panic(expected = "got mask [2, 5] for input [2, 4]")]
fn a_mask_of_another_width_is_refused() {
    forward([2, 2, 3], None, &masks([2, 5]));
}

#[test]
fn masks_for_another_number_of_gates_are_refused() {
    for n_masks in [0, 2, 3, 5, 8, 16] {
        let masks = || SiteMasks::untied(vec![DropoutMask::identity(); n_masks]);
        for layer in [
            LayerMasks::identity().with_recurrent(masks()),
            LayerMasks::identity().with_input(masks()),
        ] {
            let masks = StackMasks::new(vec![layer]);
            let message = message_of(|| forward([1, 1, 3], None, &masks));
            let expected = format!("must be one for each of 4 gates, got {n_masks}");
            assert!(message.ends_with(&expected), "{message}");
        }
    }
}

#[test]
#[should_panic(expected = "SiteMasks: masks of every step must have seq_length 2, got 3")]
fn masks_of_another_length_are_refused() {
    let mask = DropoutMask::from_values(Tensor::ones([3, 1, 4], &flex()));
    let masks = SiteMasks::PerStep(GateMasks::Tied(mask));
    let layer = LayerMasks::identity().with_recurrent(masks);
    forward([1, 2, 3], None, &StackMasks::new(vec![layer]));
}

#[test]
#[should_panic(expected = "token dropout lifetime must be PerStep, got PerSequence")]
fn token_dropout_for_a_whole_sequence_is_refused() {
    let mut config = VariationalEmbeddingConfig::new(3, 4);
    // As a configuration file may say it; the builder makes the lifetime a step.
    config.token_dropout = Some(SiteDropout::new(0.5));
    let _ = config.init(&flex());
}

#[test]
#[should_panic(expected = "RecurrentStack: masks must have 1 layers, got 2")]
fn masks_of_another_depth_are_refused() {
    forward([1, 1, 3], None, &StackMasks::identity(2));
}

#[test]
#[should_panic(expected = "RecurrentLayer: state hidden must have dims [2, 4], got [2, 5]")]
fn a_hidden_state_of_another_width_is_refused() {
    forward([2, 1, 3], Some(state(2, 4, 5)), &StackMasks::identity(1));
}

#[test]
#[should_panic(expected = "RecurrentLayer: state cell must have dims [2, 4], got [2, 5]")]
fn a_cell_state_of_another_width_is_refused() {
    forward([2, 1, 3], Some(state(2, 5, 4)), &StackMasks::identity(1));
}

#[test]
#[should_panic(expected = "RecurrentLayer: state cell must have dims [2, 4], got [1, 4]")]
fn a_state_of_another_batch_size_is_refused() {
    forward([2, 1, 3], Some(state(1, 4, 4)), &StackMasks::identity(1));
}

#[test]
#[should_panic(
    expected = "WordTypeMask: a mask must have the batch_size of the tokens, got 1 for 2"
)]
fn a_word_mask_of_another_batch_size_is_refused() {
    let embedding = VariationalEmbeddingConfig::new(3, 4).with_type_dropout(0.5).init(&flex());
    let extent = SequenceExtent::new(1, 2, &flex());
    let masks = embedding.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("words"));
    let _ = embedding.forward(Tensor::zeros([2, 2], &flex()), &masks);
}

/// What a panic says.
pub(super) fn message_of(panics: impl FnOnce()) -> String {
    let refused = std::panic::catch_unwind(AssertUnwindSafe(panics));
    *refused.unwrap_err().downcast::<String>().unwrap()
}

/// What a conversion says of an option that there is no counterpart to.
fn refused<L, T: TryFrom<L, Error: std::fmt::Display>>(layer: L) -> String {
    match T::try_from(layer) {
        Ok(_) => "nothing".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn options_of_burn_lstm_without_a_counterpart_are_refused_by_name() {
    let device: &Device = &flex();
    let refused = |config: nn::LstmConfig| refused::<_, VariationalLstm>(config.init(device));
    let config = || nn::LstmConfig::new(3, 4, true);
    let from = |option: &str| format!("burn::nn::Lstm: {option} has no counterpart here");
    assert_eq!(refused(config()), "nothing");
    assert_eq!(refused(config().with_clip(Some(2.0))), from("clip = Some(2.0)"));
    assert_eq!(refused(config().with_input_forget(true)), from("input_forget = true"));
}

#[test]
fn options_of_burn_gru_without_a_counterpart_are_refused_by_name() {
    let device: &Device = &flex();
    let refused = |config: nn::GruConfig| refused::<_, VariationalGru>(config.init(device));
    let config = || nn::GruConfig::new(3, 4, true);
    assert_eq!(refused(config()), "nothing");
    assert!(refused(config().with_clip(Some(2.0))).starts_with("burn::nn::Gru: clip = Some(2.0)"));
}

#[test]
fn options_of_burn_rnn_without_a_counterpart_are_refused_by_name() {
    let device: &Device = &flex();
    let refused = |config: nn::RnnConfig| refused::<_, VariationalRnn>(config.init(device));
    let config = || nn::RnnConfig::new(3, 4, true);
    assert_eq!(refused(config()), "nothing");
    let message = refused(config().with_clip(Some(2.0)));
    assert!(message.starts_with("burn::nn::Rnn: clip = Some(2.0)"), "{message}");
}

#[test]
fn a_stack_of_two_layers_has_no_single_twin() {
    let stack = config().with_n_layers(2).init(&flex());
    let message = refused::<_, nn::Lstm>(stack);
    assert_eq!(message, "VariationalLstm: n_layers = 2 has no counterpart here");
}
