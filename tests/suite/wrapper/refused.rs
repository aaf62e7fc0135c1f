//! What a wrapper refuses, and in which words.

use burn::tensor::Tensor;
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig};
use cross_backend_tests::flex;

use super::halved;

fn gru() -> GruCellConfig {
    GruCellConfig::new(3, 4, true)
}

fn lstm() -> LstmCellConfig {
    LstmCellConfig::new(3, 4, true)
}

#[test]
#[should_panic(expected = "DropoutWrapperConfig: input_keep_prob must be in (0, 1], got 0")]
fn an_input_of_which_nothing_is_kept_is_refused() {
    let _ = DropoutWrapperConfig::new(gru()).with_input_keep_prob(0.0).init(&flex());
}

#[test]
#[should_panic(expected = "DropoutWrapperConfig: state_keep_prob must be in (0, 1], got 1.5")]
fn a_keep_probability_over_one_is_refused() {
    let _ = DropoutWrapperConfig::new(gru()).with_state_keep_prob(1.5).stack().init(&flex());
}

#[test]
#[should_panic(expected = "DropoutWrapperConfig: output_keep_prob must be in (0, 1], got NaN")]
fn a_keep_probability_that_is_no_number_is_refused() {
    let _ = DropoutWrapperConfig::new(gru()).with_output_keep_prob(f64::NAN).init(&flex());
}

#[test]
#[should_panic(
    expected = "DropoutWrapperConfig: state_filter must name tensors of the state (hidden), got \
                cell"
)]
fn a_filter_of_a_state_that_is_not_there_is_refused() {
    let _ = DropoutWrapperConfig::new(gru()).with_state_filter(["cell"]).init(&flex());
}

#[test]
#[should_panic(
    expected = "DropoutWrapperConfig: state_filter must name a tensor of the state (cell, hidden) \
                where state_keep_prob is under 1, got none"
)]
fn a_filter_that_leaves_nothing_to_drop_is_refused() {
    let _ = halved(lstm()).with_state_filter(<[&str; 0]>::default()).init(&flex());
}

#[test]
#[should_panic(
    expected = "DropoutWrapperConfig: cell must not read a wrapper's site, got wrapper-input"
)]
fn a_wrapper_in_a_wrapper_is_refused() {
    let _ = halved(halved(lstm())).init(&flex());
}

#[test]
#[should_panic(
    expected = "DropoutMask: a mask must have the dims of what it multiplies, got mask [2, 3] for \
                input [2, 4]"
)]
fn a_mask_of_another_width_than_the_state_is_refused() {
    let layer = RecurrentLayer::new(halved(lstm()).init(&flex()), LayerDropout::none());
    let mask = DropoutMask::from_values(Tensor::ones([2, 3], &flex()));
    let masks = LayerMasks::identity().with(Site::named("wrapper-state"), SiteMasks::tied(mask));
    let _ = layer.forward(Tensor::<3>::ones([2, 1, 3], &flex()), None, &masks);
}

#[test]
#[should_panic(
    expected = "DropoutWrapper: a KL term needs one mask at input, got the cell's and the wrapper's"
)]
fn a_kl_term_of_two_masks_on_one_input_is_refused() {
    let wrapper = halved(lstm()).with_variational_recurrent(true);
    let dropout = wrapper.dropout().layer(0, 1).with_input(0.5);
    let layer = RecurrentLayer::new(wrapper.init(&flex()), dropout);
    let _ = layer.kl_term(&DropoutPrior::new(0.1, 100));
}
