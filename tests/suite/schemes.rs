//! What each scheme drops, where, and what it leaves alone.

use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::dropout::{
    DropoutMask, MaskLifetime, MaskTying, Site, SiteDropout, WeightDropout,
};
use burn_variational::rnn::{
    CellConfig, LayerDropout, LayerMasks, LstmCellConfig, RecurrentLayer, SiteMasks, StackDropout,
    VariationalLstmConfig,
};
use cross_backend_tests::{flex, on_every_device};

on_every_device! {
    fn an_output_mask_multiplies_outputs_and_not_the_state(device: &Device) {
        let cell = LstmCellConfig::new(3, 4, true).init(device);
        let layer = RecurrentLayer::new(cell, LayerDropout::none()).with_batch_first(false);
        let input = Tensor::random([5, 2, 3], Distribution::Uniform(-1.0, 1.0), device);
        let factors = [[0.0, 2.0, 0.0, 2.0], [2.0, 2.0, 0.0, 0.0]];
        let mask = DropoutMask::from_values(Tensor::from_data(factors, device));
        let masks = LayerMasks::identity().with_output(SiteMasks::tied(mask));
        let (whole, whole_state) = layer.forward(input.clone(), None, &LayerMasks::identity());
        let (dropped, state) = layer.forward(input, None, &masks);
        let bits = |tensor: Tensor<3>| -> Vec<u32> {
            let values: Vec<f32> = tensor.into_data().try_to_vec().unwrap();
            values.into_iter().map(f32::to_bits).collect()
        };
        // Products with 0, 1 and 2 are exact, but for the sign of 0.
        let expected = whole * Tensor::<2>::from_data(factors, device).unsqueeze_dim(0);
        assert_eq!(bits(dropped), bits(expected));
        let state_bits = |state: Tensor<2>| bits(state.unsqueeze_dim(0));
        assert_eq!(state_bits(state.hidden), state_bits(whole_state.hidden));
        assert_eq!(state_bits(state.cell), state_bits(whole_state.cell));
    }
}

/// What each layer of a stack of three asks at its input, recurrence and output.
fn asked(dropout: &StackDropout) -> [[Option<SiteDropout>; 3]; 3] {
    [0, 1, 2].map(|l| {
        let layer = dropout.layer(l, 3);
        [Site::Input, Site::Recurrent, Site::Output].map(|site| layer.get(&site))
    })
}

#[test]
fn each_scheme_drops_what_its_paper_says() {
    let x = Some(SiteDropout::new(0.3).per_step());
    let naive = StackDropout::naive(0.3);
    assert_eq!(asked(&naive), [[x, None, None], [x, None, None], [x, None, x]]);

    let tied = StackDropout::variational(0.3, 0.5);
    let (x, h) = (Some(SiteDropout::new(0.3)), Some(SiteDropout::new(0.5)));
    assert_eq!(asked(&tied), [[x, h, None], [x, h, None], [x, h, x]]);
    assert_eq!(h.unwrap().lifetime, MaskLifetime::PerSequence);
    assert_eq!(h.unwrap().tying, MaskTying::Tied);

    let untied = StackDropout::variational_untied(0.3, 0.5);
    let (x_k, h_k) = (x.map(SiteDropout::untied), h.map(SiteDropout::untied));
    assert_eq!(asked(&untied), [[x_k, h_k, None], [x_k, h_k, None], [x_k, h_k, x]]);
}

#[test]
fn each_scheme_inside_a_step_drops_what_its_paper_says() {
    let at = |dropout: &StackDropout, site| dropout.layer(1, 3).get(&site);
    let unscaled = |prob| Some(SiteDropout::new(prob).unscaled());
    let zoned_out = |prob| Some(SiteDropout::new(prob).unscaled().per_step());
    let rnn_drop = StackDropout::rnn_drop(0.3);
    assert_eq!(asked(&rnn_drop), [[None; 3]; 3]);
    assert_eq!(at(&rnn_drop, Site::Cell), unscaled(0.3));

    let semeniuta = StackDropout::semeniuta(0.5, 0.25);
    assert_eq!(asked(&semeniuta), asked(&StackDropout::naive(0.5)));
    assert_eq!(at(&semeniuta, Site::Candidate), Some(SiteDropout::new(0.25).per_step()));

    let zoneout = StackDropout::zoneout(0.5, 0.05);
    assert_eq!(asked(&zoneout), [[None; 3]; 3]);
    assert_eq!(at(&zoneout, Site::ZoneoutCell), zoned_out(0.5));
    assert_eq!(at(&zoneout, Site::ZoneoutHidden), zoned_out(0.05));

    // As published for the Penn Treebank.
    let awd = StackDropout::awd(0.4, 0.25, 0.4, 0.5);
    let [x, between] = [0.4, 0.25].map(|prob| Some(SiteDropout::new(prob)));
    assert_eq!(asked(&awd), [[x, None, None], [between, None, None], [between, None, x]]);
    for l in 0..3 {
        let weights: Vec<_> =
            awd.layer(l, 3).iter_weights().map(|(s, w)| (s.clone(), *w)).collect();
        // Of elements, inverted.
        assert_eq!(weights, [(Site::RecurrentWeights, WeightDropout::new(0.5))]);
    }

    let x = Some(SiteDropout::new(0.2).untied());
    let h = Some(SiteDropout::new(0.3).untied());
    assert_eq!(asked(&StackDropout::keras(0.2, 0.3)), [[x, h, None]; 3]);
    let x = Some(SiteDropout::new(0.2));
    assert_eq!(asked(&StackDropout::keras(0.2, 0.0)), [[x, None, None]; 3]);
    let x = Some(SiteDropout::new(0.2).untied().unscaled());
    let h = Some(SiteDropout::new(0.3).untied().unscaled());
    assert_eq!(asked(&StackDropout::gal_keras(0.2, 0.3)), [[x, h, None]; 3]);
}

#[test]
fn each_layer_of_a_stack_has_the_sites_of_its_place() {
    let dropout =
        StackDropout::none().with_input(0.1).with_between(0.2).with_recurrent(0.3).with_output(0.4);
    let config = VariationalLstmConfig::new(2, 3, true).with_n_layers(3);
    let made = config.clone().with_dropout(dropout.clone()).init(&flex());
    let given = config.init(&flex()).with_dropout(dropout);
    for stack in [made, given] {
        let sites = |l: usize| {
            let layer = &stack.layers[l].dropout;
            [Site::Input, Site::Recurrent, Site::Output].map(|site| layer.get(&site))
        };
        let site = |prob| Some(SiteDropout::new(prob));
        assert_eq!(sites(0), [site(0.1), site(0.3), None]);
        assert_eq!(sites(1), [site(0.2), site(0.3), None]);
        assert_eq!(sites(2), [site(0.2), site(0.3), site(0.4)]);
    }
}
