//! Which mask reaches what, and how the masks are drawn.

use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::{assert_close, on_every_device, tolerance};

use super::{SITES, halved, input};
use crate::gradients::{BATCH_SIZE, D_HIDDEN, D_INPUT, SEQ_LENGTH};
use crate::own_cells::LeakyConfig;

fn factors<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

/// Every tensor of a state but the output, one after the other.
fn state_values<S: RecurrentState>(state: &S) -> Vec<f64> {
    let mut values = Vec::new();
    let _ = state.clone().map(&mut |name, tensor| {
        if name != "output" {
            values.extend(factors(&tensor));
        }
        tensor
    });
    values
}

/// A mask that is 0 and 2 in turns, at one site of every row and step.
fn in_turns(site: &str, device: &Device) -> LayerMasks {
    let width = if site == "wrapper-input" { D_INPUT } else { D_HIDDEN };
    let row: Vec<f32> = (0..width).map(|unit| if unit % 2 == 0 { 0.0 } else { 2.0 }).collect();
    let row = Tensor::<1>::from_floats(row.as_slice(), device).unsqueeze::<2>();
    let mask = DropoutMask::from_values(row.repeat_dim(0, BATCH_SIZE));
    LayerMasks::identity().with(Site::named(site), SiteMasks::tied(mask))
}

fn check_order<K: CellConfig>(cell: &K, device: &Device) {
    let layer = RecurrentLayer::new(halved(cell.clone()).init(device), LayerDropout::none());
    let initial = layer.cell.initial_state(BATCH_SIZE);
    let initial = initial.map(&mut |_, tensor| tensor.add_scalar(0.25));
    let run = |masks: &LayerMasks| layer.forward(input(device), Some(initial.clone()), masks);
    let (output, state) = run(&LayerMasks::identity());

    // The mask of the output multiplies the output, and nothing else.
    let masks = in_turns("wrapper-output", device);
    let (masked, same) = run(&masks);
    assert_eq!(state_values(&same), state_values(&state));
    let z = masks.get(&Site::named("wrapper-output")).apply_tied(&output.clone().swap_dims(0, 1));
    assert_eq!(factors(&masked), factors(&z.swap_dims(0, 1)));

    // That of a state does not change the first output, which the initial state and the input make,
    // and changes the second.
    let (masked, other) = run(&in_turns("wrapper-state", device));
    let step = |output: &Tensor<3>, t| factors(&output.clone().slice_dim(1, t..t + 1));
    assert_eq!(step(&masked, 0), step(&output, 0));
    assert_ne!(step(&masked, 1), step(&output, 1));
    // The last output was made before its state was masked, which is 0 and twice it in turns.
    let last = factors(&masked.slice_dim(1, SEQ_LENGTH - 1..SEQ_LENGTH));
    let twice = last.iter().enumerate().map(|(unit, h)| if unit % 2 == 0 { 0.0 } else { 2.0 * h });
    let mut hidden = Vec::new();
    let _ = other.inner.map(&mut |name, tensor| {
        if name == "hidden" {
            hidden = factors(&tensor);
        }
        tensor
    });
    assert_eq!(hidden, twice.collect::<Vec<_>>());
}

on_every_device! {
    fn each_mask_reaches_what_it_reaches_in_tensorflow(device: &Device) {
        check_order(&LstmCellConfig::new(D_INPUT, D_HIDDEN, true), device);
        check_order(&GruCellConfig::new(D_INPUT, D_HIDDEN, true), device);
        check_order(&RnnCellConfig::new(D_INPUT, D_HIDDEN, true), device);
        check_order(&LeakyConfig::new(D_INPUT, D_HIDDEN), device);
    }

    fn the_cell_of_an_lstm_is_masked_where_the_filter_names_it(device: &Device) {
        let config = halved(LstmCellConfig::new(D_INPUT, D_HIDDEN, true));
        let config = config.with_state_filter(["hidden", "cell"]);
        let layer = RecurrentLayer::new(config.init(device), LayerDropout::none());
        let widths = layer.cell.sites().into_iter().filter(|read| read.site().name() == SITES[1]);
        assert_eq!(widths.map(|read| read.width()).collect::<Vec<_>>(), [2 * D_HIDDEN]);

        // The first tensor of the state is the cell; the second mask is none.
        let values = Tensor::cat(
            vec![
                Tensor::<2>::zeros([BATCH_SIZE, D_HIDDEN], device),
                Tensor::ones([BATCH_SIZE, D_HIDDEN], device),
            ],
            1,
        );
        let mask = SiteMasks::tied(DropoutMask::from_values(values));
        let masks = LayerMasks::identity().with(Site::named(SITES[1]), mask);
        let (output, state) = layer.forward(input(device), None, &masks);
        assert!(factors(&state.inner.cell).iter().all(|&c| c == 0.0));
        let last = output.slice_dim(1, SEQ_LENGTH - 1..SEQ_LENGTH);
        assert_eq!(factors(&state.inner.hidden), factors(&last));
    }

    fn masks_are_one_for_all_where_they_are_variational_and_new_ones_elsewhere(device: &Device) {
        for variational in [true, false] {
            let config = halved(LstmCellConfig::new(D_INPUT, 20, true))
                .with_variational_recurrent(variational)
                .with_seed(3);
            let stack = config.stack().with_n_layers(2).init(device);
            let draw = || config.rng().draw(0).part("stack");
            let masks = stack.masks_for(&input(device), draw());
            let again = stack.masks_for(&input(device), draw());
            for (layer, site) in [0, 1].into_iter().flat_map(|l| SITES.map(|site| (l, site))) {
                let at = |masks: &StackMasks, step| {
                    let masks = masks.layer(layer).get(&Site::named(site)).at_step(step);
                    factors(&masks.masks()[0].values().unwrap())
                };
                let what = format!("{site} of layer {layer}, variational {variational}");
                let first = at(&masks, 0);
                assert_eq!(first, at(&again, 0), "{what}: a seed gives the same masks");
                assert!(first.iter().all(|&z| z == 0.0 || z == 2.0), "{what}: {first:?}");
                let width = first.len() / BATCH_SIZE;
                let rows_are_alike = first[..width] == first[width..];
                // The narrowest has 2 · 3 units of each step: four steps alike are 2^-18 of chance.
                let steps_are_alike = (1..SEQ_LENGTH).all(|step| at(&masks, step) == first);
                assert_eq!(steps_are_alike, variational, "{what}: steps");
                if width > D_INPUT {
                    assert_eq!(rows_are_alike, variational, "{what}: rows");
                }
            }
        }
    }

    fn the_weights_of_a_wrapped_cell_may_be_dropped(device: &Device) {
        let cell = LstmCellConfig::new(D_INPUT, D_HIDDEN, true);
        let config = DropoutWrapperConfig::new(cell).with_seed(1);
        let dropout = StackDropout::none().with_recurrent_weights(0.5);
        let wrapped = config.stack().with_dropout(dropout.clone()).init(device);
        let bare = wrapped.layers[0].cell.cell.clone();
        let bare = RecurrentStack::new(vec![RecurrentLayer::new(bare, dropout.layer(0, 1))]);
        let draw = || config.rng().draw(0).part("stack");
        let masks = wrapped.masks_for(&input(device), draw());
        let (output, _) = wrapped.forward(input(device), None, &masks);
        let masks = bare.masks_for(&input(device), draw());
        let (same, _) = bare.forward(input(device), None, &masks);
        assert_close(&output, &factors(&same), tolerance(device), "the same weights are dropped");
        let (whole, _) = bare.forward(input(device), None, &StackMasks::identity(1));
        assert_ne!(factors(&whole), factors(&same));
    }

    fn what_a_wrapper_does_not_keep_is_dropped_however_a_stack_is_configured(device: &Device) {
        let config = halved(LstmCellConfig::new(D_INPUT, D_HIDDEN, true));
        let asks = |stack: StackConfig<DropoutWrapperConfig<LstmCellConfig>>| {
            let layer = stack.init(device).layers[0].dropout.clone();
            SITES.map(|site| layer.get(&Site::named(site)).map(|asked| asked.prob))
        };
        assert_eq!(asks(config.stack()), [Some(0.5); 3]);
        assert_eq!(asks(StackConfig::from_cell(config.clone())), [Some(0.5); 3]);
        let more = StackDropout::none().with_recurrent(0.25);
        assert_eq!(asks(config.stack().with_dropout(more)), [Some(0.5); 3]);
        let other = StackDropout::none().with(Site::named(SITES[0]), 0.25);
        assert_eq!(asks(config.stack().with_dropout(other)), [Some(0.25), Some(0.5), Some(0.5)]);
    }

    fn wrapped_stacks_take_lengths_and_both_directions(device: &Device) {
        let config = halved(GruCellConfig::new(D_INPUT, D_HIDDEN, true));
        let stack = config.stack().with_n_layers(2).bidirectional().init(device);
        let masks = stack.masks_for(&input(device), config.rng().draw(0).part("stack"));
        let lengths = [SEQ_LENGTH - 1, SEQ_LENGTH];
        let batch = Lengths::new(lengths.to_vec(), SEQ_LENGTH).unwrap();
        let (output, state) = stack.forward((input(device), &batch), None, &masks);
        // Row by row, each with the masks of its row and steps.
        for (row, length) in lengths.into_iter().enumerate() {
            let of_row = |masks: &LayerMasks| {
                SITES.into_iter().map(Site::named).fold(LayerMasks::identity(), |own, site| {
                    let SiteMasks::PerStep(GateMasks::Tied(mask)) = masks.get(&site) else {
                        panic!("a mask of every step");
                    };
                    let values = mask.values().unwrap().slice([0..length, row..row + 1]);
                    let mask = GateMasks::Tied(DropoutMask::from_values(values));
                    own.with(site, SiteMasks::PerStep(mask))
                })
            };
            let own = (0..2).map(|layer| {
                (of_row(masks.layer(layer)), of_row(masks.backward_layer(layer).unwrap()))
            });
            let alone = input(device).slice([row..row + 1, 0..length]);
            let (expected, last) = stack.forward(alone, None, &StackMasks::both(own.collect()));
            let what = format!("row {row}");
            let got = output.clone().slice([row..row + 1, 0..length]);
            assert_close(&got, &factors(&expected), tolerance(device), &what);
            let hidden = state.layer(1).inner.hidden.clone().slice_dim(0, row..row + 1);
            let expected = factors(&last.layer(1).inner.hidden);
            assert_close(&hidden, &expected, tolerance(device), &what);
        }
    }
}

#[test]
fn the_weights_of_a_wrapped_cell_are_decayed_as_its_masks_drop() {
    let device = cross_backend_tests::flex();
    let prior = DropoutPrior::new(0.1, 100);
    let config = halved(LstmCellConfig::new(D_INPUT, D_HIDDEN, true)).with_state_keep_prob(0.75);
    let wrapped = config.with_variational_recurrent(true).stack().init(&device);
    let dropout = LayerDropout::none().with_input(0.5).with_recurrent(0.25);
    let bare = RecurrentLayer::new(wrapped.layers[0].cell.cell.clone(), dropout);
    let expected = bare.kl_term(&prior).penalty(&bare).into_scalar::<f64>();
    let penalty = wrapped.kl_term(&prior).penalty(&wrapped).into_scalar::<f64>();
    assert!(expected > 0.0 && (penalty / expected - 1.0).abs() < 1e-6, "{penalty}, not {expected}");
}
