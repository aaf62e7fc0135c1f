//! Combinations that are not defined say so, and why: when a layer is made where that is known, when
//! masks are sampled or read where it is not.

use burn::tensor::Tensor;
use burn_variational::dropout::WeightMask;
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCell, LstmCellConfig};
use cross_backend_tests::flex;

use super::errors::message_of;
use super::own_cells::LeakyConfig;

fn lstm(dropout: LayerDropout) -> RecurrentLayer<LstmCell> {
    RecurrentLayer::new(LstmCellConfig::new(3, 4, true).init(&flex()), dropout)
}

/// What making a layer with this dropout says.
fn refusal(dropout: LayerDropout) -> String {
    message_of(|| drop(lstm(dropout)))
}

/// What a forward pass with these masks says.
fn refusal_of_masks(masks: &LayerMasks) -> String {
    let layer = lstm(LayerDropout::none());
    message_of(|| drop(layer.forward(Tensor::<3>::ones([1, 2, 3], &flex()), None, masks)))
}

#[test]
fn noise_around_one_has_no_scaling_to_leave_out() {
    let noise = SiteDropout::new(0.5).gaussian().unscaled();
    for site in [Site::Input, Site::Recurrent, Site::Candidate, Site::Output] {
        assert_eq!(
            refusal(LayerDropout::none().with(site.clone(), noise)),
            format!(
                "RecurrentLayer: {site} dropout scaling must be Inverted where the noise is \
                 Gaussian, got Unscaled"
            )
        );
    }
}

#[test]
fn what_is_kept_or_zoned_out_whole_takes_no_noise() {
    let noise = SiteDropout::new(0.5).gaussian();
    let reasons = [
        (Site::Cell, "rescaled at every step, the cell grows as (1 - prob)^-t"),
        (Site::ZoneoutHidden, "a unit takes the share of a step that is drawn, no more"),
        (Site::ZoneoutCell, "a unit takes the share of a step that is drawn, no more"),
    ];
    for (site, reason) in reasons {
        assert_eq!(
            refusal(LayerDropout::none().with(site.clone(), noise)),
            format!(
                "RecurrentLayer: {site} dropout must be unscaled, got Inverted with Gaussian noise: \
                 {reason}"
            )
        );
    }
}

#[test]
fn sites_of_others_are_refused_by_a_layer() {
    // Those of a stack, of an embedding, and of weights, which are dropped otherwise.
    for site in [
        Site::Between,
        Site::EmbeddingType,
        Site::EmbeddingToken,
        Site::InputWeights,
        Site::RecurrentWeights,
    ] {
        assert_eq!(
            refusal(LayerDropout::none().with(site.clone(), 0.5)),
            format!(
                "RecurrentLayer: dropout must be at a site that the layer reads (input, recurrent, \
                 candidate, cell, hidden, zoneout-hidden, zoneout-cell, output), got {site}"
            )
        );
    }
}

#[test]
fn weights_that_a_cell_has_not_are_refused() {
    let dropout = LayerDropout::none().with_weights(Site::Recurrent, WeightDropout::new(0.5));
    assert_eq!(
        refusal(dropout),
        "RecurrentLayer: dropout must be of weights that the cell has (input-weights, \
         recurrent-weights), got recurrent"
    );
}

#[test]
fn weights_of_a_cell_that_declares_none_are_refused() {
    let cell = LeakyConfig::new(3, 4).init(&flex());
    let dropout = LayerDropout::none().with_recurrent_weights(0.5);
    assert_eq!(
        message_of(|| drop(RecurrentLayer::new(cell, dropout))),
        "RecurrentLayer: dropout must be of weights that the cell has (none), got recurrent-weights"
    );
}

#[test]
fn rates_of_weights_are_under_one() {
    for (prob, got) in [(1.0, "1"), (-0.5, "-0.5"), (f64::NAN, "NaN")] {
        assert_eq!(
            refusal(LayerDropout::none().with_recurrent_weights(prob)),
            format!("RecurrentLayer: recurrent-weights dropout prob must be in [0, 1), got {got}")
        );
        assert_eq!(
            refusal(LayerDropout::none().with_input_weights(prob)),
            format!("RecurrentLayer: input-weights dropout prob must be in [0, 1), got {got}")
        );
    }
}

#[test]
fn an_axis_that_weights_have_not_is_refused_when_a_layer_is_made() {
    let dropout = WeightDropout::new(0.5).along_axis(2);
    assert_eq!(
        refusal(LayerDropout::none().with_input_weights(dropout)),
        "WeightDropout: axis must be under the weight's rank 2, got 2"
    );
}

#[test]
fn weights_and_what_enters_them_have_no_kl_term_together() {
    let prior = DropoutPrior::new(0.1, 100);
    let refusal = |dropout: LayerDropout| message_of(|| drop(lstm(dropout).kl_term(&prior)));
    let got_both = |name: &str| {
        format!(
            "DropoutPrior: {name} dropout must be of what enters the weights or of the weights to \
             have a KL term, got both"
        )
    };
    let input = LayerDropout::none().with_input(0.5).with_input_weights(0.5);
    assert_eq!(refusal(input), got_both("input"));
    let recurrent = LayerDropout::none().with_recurrent(0.5).with_recurrent_weights(0.5);
    assert_eq!(refusal(recurrent), got_both("recurrent"));
    // What enters one weight and another weight are.
    let layer = lstm(LayerDropout::none().with_input(0.5).with_recurrent_weights(0.5));
    assert_eq!(layer.kl_term(&prior).decays(&layer).len(), 3);
}

#[test]
fn recurrent_masks_of_every_step_have_no_kl_term() {
    let layer = lstm(LayerDropout::none().with_recurrent(SiteDropout::new(0.5).per_step()));
    let message = message_of(|| drop(layer.kl_term(&DropoutPrior::new(0.1, 100))));
    let expected = "DropoutPrior: recurrent dropout must be per sequence to have a KL term, got \
                    PerStep";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn draws_of_weights_are_not_folded() {
    let stack = VariationalLstmConfig::new(3, 4, true)
        .with_dropout(StackDropout::awd(0.4, 0.25, 0.4, 0.5))
        .init(&flex());
    let draws = || MaskRng::seeded(1).draws(0..2).part("stack");
    let input = Tensor::<3>::ones([2, 2, 3], &flex());
    assert_eq!(
        message_of(|| drop(stack.masks_for(&input, draws()))),
        "WeightDropout: draws must not be folded, as all rows of a batch share its weights, got 2 \
         draws; the model's `folds_draws` must be false"
    );
}

#[test]
fn a_mask_for_each_gate_is_refused_where_there_are_no_gates() {
    let masks = || SiteMasks::untied(vec![DropoutMask::identity(); 2]);
    for site in [Site::Candidate, Site::Cell, Site::ZoneoutHidden, Site::ZoneoutCell, Site::Output]
    {
        assert_eq!(
            refusal_of_masks(&LayerMasks::identity().with(site, masks())),
            "GateMasks: untied masks must be one for each of 1 gates, got 2"
        );
    }
}

#[test]
fn masks_of_another_width_are_refused_at_every_site() {
    let mask = || DropoutMask::from_values(Tensor::<2>::ones([1, 5], &flex()));
    for site in [Site::Candidate, Site::Cell, Site::ZoneoutHidden, Site::ZoneoutCell] {
        assert_eq!(
            refusal_of_masks(&LayerMasks::identity().with(site, SiteMasks::tied(mask()))),
            "DropoutMask: a mask must have the dims of what it multiplies, got mask [1, 5] for \
             input [1, 4]"
        );
    }
}

#[test]
fn masks_of_weights_that_are_not_there_are_refused() {
    let of = |path: &str, dims: [usize; 2]| {
        let mask = WeightMask::from_values(Tensor::<2>::zeros(dims, &flex()));
        LayerMasks::identity().with_weights(WeightMasks::identity().with(path, mask))
    };
    assert_eq!(
        refusal_of_masks(&of("gates.recurent", [4, 16])),
        "WeightMasks: every path must lead to a float parameter, got \"gates.recurent\" in a module \
         with gates.input, gates.recurrent, gates.bias"
    );
    assert_eq!(
        refusal_of_masks(&of("gates.recurrent", [16, 4])),
        "WeightMask: a mask must have the dims of its weight, or 1, got mask [16, 4] for weight \
         [4, 16]"
    );
}

#[test]
fn schemes_of_lstms_are_refused_by_stacks_of_cells_without_a_cell() {
    for (dropout, site) in
        [(StackDropout::rnn_drop(0.5), "cell"), (StackDropout::zoneout(0.5, 0.05), "zoneout-cell")]
    {
        let config = StackConfig::from_cell(GruCellConfig::new(3, 4, true)).with_dropout(dropout);
        assert_eq!(
            message_of(|| drop(config.init(&flex()))),
            format!(
                "RecurrentLayer: dropout must be at a site that the layer reads (input, recurrent, \
                 candidate, zoneout-hidden, output), got {site}"
            )
        );
    }
}
