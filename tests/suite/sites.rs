//! What the sites inside a step do to the state, and what they refuse, and why.

use std::panic::AssertUnwindSafe;

use burn::nn::Initializer;
use burn::nn::activation::{ActivationConfig, HardSigmoidConfig};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{DropoutMask, MaskDraw, Site, SiteDropout, VariationalModel};
use burn_variational::rnn::{
    CellConfig, GateInitializer, GruCellConfig, LayerDropout, LayerMasks, LstmCell, LstmCellConfig,
    RecurrentLayer, RnnCellConfig, SiteMasks, StackConfig,
};
use burn_variational_weights::{KerasWeights, PytorchWeights};
use cross_backend_tests::{assert_close, flex, on_every_path, tolerance};

/// What a layer of this cell says of such dropout.
fn refusal<K: CellConfig>(config: &K, dropout: LayerDropout) -> String {
    let cell = config.init(&flex());
    let made = std::panic::catch_unwind(AssertUnwindSafe(|| RecurrentLayer::new(cell, dropout)));
    *made.map(|_| ()).unwrap_err().downcast::<String>().unwrap()
}

fn lstm() -> LstmCellConfig {
    LstmCellConfig::new(3, 4, true)
}

#[test]
fn a_mask_on_the_cell_is_never_rescaled() {
    let message = refusal(&lstm(), LayerDropout::none().with(Site::Cell, 0.5));
    assert_eq!(
        message,
        "RecurrentLayer: cell dropout must be unscaled, got Inverted with Bernoulli noise: rescaled \
         at every step, the cell grows as (1 - prob)^-t"
    );
}

#[test]
fn a_mask_on_the_cell_is_the_same_at_every_step() {
    let per_step = SiteDropout::new(0.5).unscaled().per_step();
    let message = refusal(&lstm(), LayerDropout::none().with(Site::Cell, per_step));
    assert_eq!(
        message,
        "RecurrentLayer: cell dropout must be per sequence, got PerStep: dropped at any step, the \
         cell decays as (1 - prob)^t"
    );
}

#[test]
fn zoneout_is_never_rescaled() {
    for site in [Site::ZoneoutHidden, Site::ZoneoutCell] {
        let message =
            refusal(&lstm(), LayerDropout::none().with(site.clone(), SiteDropout::new(0.5)));
        assert_eq!(
            message,
            format!(
                "RecurrentLayer: {site} dropout must be unscaled, got Inverted with Bernoulli noise: \
                 a unit takes the share of a step that is drawn, no more"
            )
        );
    }
}

#[test]
fn zoneout_is_drawn_at_every_step() {
    let message = refusal(
        &lstm(),
        LayerDropout::none().with(Site::ZoneoutCell, SiteDropout::new(0.5).unscaled()),
    );
    assert_eq!(
        message,
        "RecurrentLayer: zoneout-cell dropout must be per step, got PerSequence: a unit would keep its \
         first value for a whole sequence"
    );
}

#[test]
fn the_hidden_state_as_it_is_made_has_no_dropout_of_its_own() {
    let message = refusal(&lstm(), LayerDropout::none().with(Site::Hidden, 0.5));
    assert_eq!(
        message,
        "RecurrentLayer: hidden dropout must not be asked for, got prob 0.5: it is where the mean of \
         a mask on the cell acts"
    );
}

#[test]
fn cells_refuse_the_sites_that_they_have_not() {
    let gru = GruCellConfig::new(3, 4, true);
    let rnn = RnnCellConfig::new(3, 4, true);
    let gru_reads = "input, recurrent, candidate, zoneout-hidden, output";
    let rnn_reads = "input, recurrent, zoneout-hidden, output";
    let refused = [
        (refusal(&gru, LayerDropout::none().with_cell(0.5)), gru_reads, "cell"),
        (refusal(&gru, LayerDropout::none().with_zoneout_cell(0.5)), gru_reads, "zoneout-cell"),
        (refusal(&rnn, LayerDropout::none().with_candidate(0.5)), rnn_reads, "candidate"),
        (refusal(&rnn, LayerDropout::none().with_cell(0.5)), rnn_reads, "cell"),
    ];
    for (message, reads, site) in refused {
        assert_eq!(
            message,
            format!(
                "RecurrentLayer: dropout must be at a site that the layer reads ({reads}), got {site}"
            )
        );
    }
}

#[test]
fn zoneout_of_every_unit_is_refused() {
    let message = refusal(&lstm(), LayerDropout::none().with_zoneout_hidden(1.0));
    assert_eq!(message, "RecurrentLayer: zoneout-hidden dropout prob must be in [0, 1), got 1");
}

/// An LSTM whose cells forget nothing, and a mask on them that drops every other one. Its gates do
/// not read the hidden state, which could hold a cell where it is.
fn remembering(kept: f32, device: &Device) -> (RecurrentLayer<LstmCell>, LayerMasks) {
    let recurrent_weights = Initializer::Zeros;
    let initializer = GateInitializer { recurrent_weights, ..GateInitializer::burn() };
    let initializer = initializer.with_forget_bias(100.0);
    let cell = lstm().with_initializer(initializer).init(device);
    let mask = Tensor::from_data([[0.0, kept, 0.0, kept], [kept, 0.0, kept, 0.0]], device);
    let masks = SiteMasks::tied(DropoutMask::from_values(mask));
    let masks = LayerMasks::identity().with(Site::Cell, masks);
    (RecurrentLayer::new(cell, LayerDropout::none()), masks)
}

/// `c_t` of every unit at each of so many steps, on the same input at each.
fn cells(
    (layer, masks): (RecurrentLayer<LstmCell>, LayerMasks),
    n_steps: usize,
    device: &Device,
) -> Vec<Vec<f32>> {
    let mut state = None;
    let steps = (0..n_steps).map(|_| {
        let (_, carried) = layer.forward(Tensor::ones([2, 1, 3], device), state.take(), &masks);
        let cell: Vec<f32> = carried.cell.to_data().try_to_vec().unwrap();
        state = Some(carried);
        cell
    });
    steps.collect()
}

on_every_path! {
    fn a_mask_on_the_cell_keeps_it_at_zero_or_bounded(device: &Device) {
        let steps = cells(remembering(1.0, device), 200, device);
        let mut before = vec![0.0; 8];
        for (t, cell) in steps.into_iter().enumerate() {
            for (unit, (c, before)) in cell.iter().zip(&before).enumerate() {
                let is_dropped = unit % 2 == usize::from(unit >= 4);
                assert_eq!(*c == 0.0, is_dropped, "unit {unit} at step {t}: {c}");
                assert!(c.is_finite() && c.abs() <= f32::abs(*before) + 1.0, "step {t}: {c}");
            }
            before = cell;
        }
    }

    fn a_mask_on_the_cell_that_was_rescaled_would_double_it_at_every_step(device: &Device) {
        let steps = cells(remembering(2.0, device), 100, device);
        let [last, before] = [&steps[99], &steps[98]];
        for (unit, (c, before)) in last.iter().zip(before).enumerate() {
            let is_dropped = unit % 2 == usize::from(unit >= 4);
            if is_dropped {
                assert_eq!(*c, 0.0, "unit {unit}");
            } else {
                // All that came before outweighs what this step adds.
                assert!((c / before - 2.0).abs() < 1e-3, "unit {unit}: {before} to {c}");
            }
        }
    }

    fn the_mean_over_the_mask_of_a_cell_is_on_the_hidden_state(device: &Device) {
        const PROB: f64 = 0.25;
        let cell = lstm().init(device);
        let layer = RecurrentLayer::new(cell, LayerDropout::none().with_cell(PROB));
        let input = Tensor::ones([1, 1, 3], device);
        let expected = layer.masks_for(&input, MaskDraw::expected());
        assert!(expected.get(&Site::Cell).is_identity());
        let on_hidden = expected.get(&Site::Hidden).at_step(0).masks()[0].values().unwrap();
        assert_eq!(on_hidden.into_data().try_to_vec::<f32>().unwrap(), [0.75; 4]);

        // Of one step, unit by unit: kept with 1 - prob, 0 with prob.
        let state_with = |kept: f32| {
            let mask = DropoutMask::from_values(Tensor::full([1, 4], kept, device));
            let masks = LayerMasks::identity().with(Site::Cell, SiteMasks::tied(mask));
            layer.forward(input.clone(), None, &masks).1
        };
        let (kept, dropped) = (state_with(1.0), state_with(0.0));
        let mean = kept.hidden * (1.0 - PROB) + dropped.hidden * PROB;
        let (_, state) = layer.forward(input.clone(), None, &expected);
        let values = |tensor: Tensor<2>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
        assert_close(&state.hidden, &values(mean), tolerance(device), "the mean of h");
        assert_close(&state.cell, &values(kept.cell), tolerance(device), "c as it is");
    }
}

#[test]
fn files_of_other_frameworks_take_the_usual_activations_for_granted() {
    let hard = ActivationConfig::from(HardSigmoidConfig::new());
    let stack = StackConfig::from_cell(lstm().with_gate_activation(hard)).init(&flex());
    let usual = "gates must be sigmoids and candidates and outputs tanh, which its files take for \
                 granted";
    let error = stack.to_pytorch().unwrap_err().to_string();
    assert_eq!(error, format!("PyTorch: {usual}"));
    let error = stack.to_keras().unwrap_err().to_string();
    assert_eq!(error, format!("Keras: {usual}"));
}
