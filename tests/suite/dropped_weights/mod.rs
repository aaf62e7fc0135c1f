//! Weights of layers that are dropped: one draw for all rows and steps, of a parameter that stays
//! what it is.

mod influence;
mod monte_carlo;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::LstmCell;
use cross_backend_tests::{
    assert_close, on_every_device, on_every_path, relative_error, tolerance,
};

use super::by_hand::{self, collected, numbers};

const D_INPUT: usize = 3;
const D_HIDDEN: usize = 5;
const DIMS: [usize; 3] = [4, 6, D_INPUT];

/// Two layers that read both ways, with elements of `U` and rows of `W` dropped.
fn stack(device: &Device) -> VariationalLstm {
    let dropout = StackDropout::none()
        .with_recurrent_weights(0.5)
        .with_input_weights(WeightDropout::new(0.4).input_rows());
    VariationalLstmConfig::new(D_INPUT, D_HIDDEN, true)
        .with_n_layers(2)
        .bidirectional()
        .with_dropout(dropout)
        .init(device)
}

fn draw(k: u64) -> MaskDraw {
    MaskRng::seeded(1).scope("monte carlo").draw(k).part("model")
}

/// The masks of both directions of both layers, each beside its layer.
fn in_turns<'a>(
    stack: &'a mut VariationalLstm,
    masks: &'a StackMasks,
) -> impl Iterator<Item = (&'a mut RecurrentLayer<LstmCell>, &'a LayerMasks)> {
    let forward = stack.layers.iter_mut().enumerate().map(|(l, layer)| (layer, masks.layer(l)));
    let backward = stack.backward_layers.iter_mut().enumerate();
    forward.chain(backward.map(|(l, layer)| (layer, masks.backward_layer(l).unwrap())))
}

/// A copy of a stack that has the masked weights for its own.
fn masked(stack: &VariationalLstm, masks: &StackMasks) -> VariationalLstm {
    let mut copy = stack.clone();
    for (layer, masks) in in_turns(&mut copy, masks) {
        assert_eq!(masks.weights().iter().count(), 2, "W and U");
        layer.cell = by_hand::masked(layer.cell.clone(), masks.weights());
    }
    copy
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

on_every_path! {
    fn one_draw_of_the_weights_serves_all_rows_and_steps(device: &Device) {
        let stack = stack(device);
        let input = numbers(DIMS, device);
        let masks = stack.masks_for(&input, draw(0));
        let by_hand = masked(&stack, &masks);
        let expected = by_hand.forward(input.clone(), None, &by_hand.identity_masks()).0;
        let output = stack.forward(input.clone(), None, &masks).0;
        assert_close(&output, &values(&expected), tolerance(device), "weights masked by hand");
        // Rows that read the same give the same.
        let alike = input.slice_dim(0, 0..1).repeat_dim(0, 3);
        let output = stack.forward(alike, None, &masks).0;
        let rows = values(&output);
        let (first, others) = rows.split_at(rows.len() / 3);
        for other in others.chunks(first.len()) {
            let error = relative_error(other, first);
            assert!(error <= tolerance(device), "rows that are alike: {error:.1e}");
        }
    }

    fn what_was_dropped_has_a_gradient_of_exactly_zero(device: &Device) {
        let device = &device.clone().autodiff();
        let stack = stack(device);
        let input = numbers(DIMS, device);
        let masks = stack.masks_for(&input, draw(0));
        let loss = stack.forward(input, None, &masks).0.square().sum();
        let grads = GradientsParams::from_grads(loss.backward(), &stack);
        let mut layers = stack.clone();
        for (l, (layer, masks)) in in_turns(&mut layers, &masks).enumerate() {
            let gates = &layer.cell.gates;
            let weights = [("gates.input", &gates.input), ("gates.recurrent", &gates.recurrent)];
            for (path, weight) in weights {
                let factors = Tensor::<2>::ones(weight.dims(), &device.clone().without_autodiff())
                    * masks.weights().get(path).unwrap().values();
                let grad = values(&grads.get::<2>(weight.id).unwrap());
                let factors = values(&factors);
                assert!(factors.contains(&0.0), "{path} of layer {l}");
                for (k, (grad, factor)) in grad.iter().zip(factors).enumerate() {
                    assert_eq!(*grad == 0.0, factor == 0.0, "{path} of layer {l}, element {k}");
                }
            }
        }
    }
}

on_every_device! {
    fn layers_and_directions_have_masks_of_their_own(device: &Device) {
        let mut stack = VariationalLstmConfig::new(D_HIDDEN, D_HIDDEN, true)
            .with_n_layers(2)
            .with_directions(Directions::Both(MergeMode::Sum))
            .with_dropout(StackDropout::none().with_recurrent_weights(0.5).with_input_weights(0.5))
            .init(device);
        let masks = stack.masks_for(&numbers([1, 1, D_HIDDEN], device), draw(0));
        let mut all: Vec<Vec<u8>> = Vec::new();
        for (_, masks) in in_turns(&mut stack, &masks) {
            for (_, mask) in masks.weights().iter() {
                all.push(values(&mask.values::<2>()).iter().map(|&z| u8::from(z != 0.0)).collect());
            }
        }
        assert_eq!(all.len(), 2 * 2 * 2);
        // 100 elements each: chance makes two alike once in 2^100.
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 8);
    }

    fn masks_of_weights_depend_on_no_row_or_step_and_no_device(device: &Device) {
        let stack = stack(device);
        let bits = |stack: &VariationalLstm, dims: [usize; 3], draw: MaskDraw| {
            let masks = stack.masks_for(&numbers(dims, &stack.layers[0].cell.gates.input.device()), draw);
            let all = [masks.layer(0), masks.backward_layer(1).unwrap()].map(|masks| {
                let masks = masks.weights().iter().map(|(_, mask)| mask.values::<2>());
                masks.flat_map(|mask| values(&mask)).collect::<Vec<_>>()
            });
            all.concat()
        };
        let expected = bits(&stack, DIMS, draw(0));
        assert_eq!(bits(&stack, [1, 2, D_INPUT], draw(0).starting_row(3)), expected);
        assert_eq!(bits(&stack, DIMS, draw(0).starting_step(2)), expected);
        let elsewhere = stack.clone().to_device(&cross_backend_tests::flex());
        assert_eq!(bits(&elsewhere, DIMS, draw(0)), expected);
        assert_ne!(bits(&stack, DIMS, draw(1)), expected);
    }

    fn ids_count_and_record_are_those_of_a_stack_that_drops_nothing(device: &Device) {
        let dropping = stack(device);
        let clean = dropping.clone().with_dropout(StackDropout::none());
        let ids = |stack: &VariationalLstm| {
            collected(stack).into_iter().map(|weight| (weight.path, weight.id)).collect::<Vec<_>>()
        };
        assert_eq!(dropping.num_params(), clean.num_params());
        let before = ids(&dropping);
        assert_eq!(before, ids(&clean));
        let input = numbers(DIMS, device);
        let _ = dropping.forward(input.clone(), None, &dropping.masks_for(&input, draw(0)));
        assert_eq!(ids(&dropping), before);
        let whole = |stack: &VariationalLstm| -> Vec<Vec<f64>> {
            collected(stack).into_iter().map(|weight| weight.values).collect()
        };
        let loaded = stack(device).load_record(dropping.clone().into_record());
        assert_eq!(whole(&loaded), whole(&clean));
    }
}
