//! A padded batch with lengths is its rows run alone: values, states and every gradient, for every
//! cell, direction and kind of mask.

mod rows;

use std::slice;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, FloatDType, Tensor};
use burn_variational::dropout::SequenceExtent;
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use cross_backend_tests::{Hardware, with_no_more_than};
use cross_backend_tests::{
    flex, is_cpu, on_every_gpu, on_every_path, relative_error, without_engine,
};

use self::rows::{Batch, Place, Results, of_parts, row_of_stack_masks, run};
use crate::own_cells::LeakyConfig;

const LENGTHS: [usize; 3] = [3, 1, 3];
const SEQ_LENGTH: usize = 4;
const D_INPUT: usize = 3;
const D_HIDDEN: usize = 4;

fn schemes() -> Vec<StackDropout> {
    vec![
        StackDropout::none(),
        StackDropout::variational(0.3, 0.4),
        StackDropout::variational_untied(0.3, 0.4),
        StackDropout::naive(0.4),
        StackDropout::naive(0.4).with_recurrent(SiteDropout::new(0.3).per_step()),
    ]
}

fn check<K: CellConfig>(config: &StackConfig<K>, place: &Place) {
    let stack = config.init(&place.device).map(&mut place.clone());
    let batch_size = LENGTHS.len();
    let input = place.tensor([batch_size, SEQ_LENGTH, D_INPUT], 0.7);
    let extent = SequenceExtent::new(batch_size, SEQ_LENGTH, &place.device);
    let masks = stack.sample_masks(&extent, MaskRng::seeded(3).draw(0).part("stack"));
    let (mut salt, both) = (1.0, stack.is_bidirectional());
    let mut state = |_: usize| {
        stack.layers[0].cell.initial_state(batch_size).map(&mut |_, tensor| {
            salt += 0.1;
            place.tensor(tensor.dims(), salt)
        })
    };
    let n_parts = stack.layers.len() * if both { 2 } else { 1 };
    let states: Vec<_> = (0..n_parts).map(&mut state).collect();
    let probe = stack.forward(input.clone(), None, &stack.identity_masks()).0;
    let width = probe.dims()[2];
    let weights = (
        place.tensor([batch_size, SEQ_LENGTH, width], 0.6),
        place.tensor([batch_size, width], 0.2),
        place.tensor([batch_size, D_HIDDEN], 0.9),
    );
    let what = format!("{:?}, {:?}", config.directions, config.dropout);
    let lengths = Lengths::new(LENGTHS.into(), SEQ_LENGTH).unwrap();
    let padded = run(
        &stack,
        Batch {
            input: input.clone(),
            lengths: Some(lengths),
            state: of_parts(states.clone(), both),
            masks: masks.clone(),
            weights: weights.clone(),
        },
    );

    let mut expected = Results::default();
    for (row, &length) in LENGTHS.iter().enumerate() {
        let rows = |tensor: Tensor<2>| tensor.slice_dim(0, row..row + 1);
        let steps =
            |tensor: &Tensor<3>| tensor.clone().slice_dim(0, row..row + 1).slice_dim(1, 0..length);
        let states = states.iter().cloned().map(|state| state.map(&mut |_, tensor| rows(tensor)));
        let alone = run(
            &stack,
            Batch {
                input: steps(&input),
                lengths: None,
                state: of_parts(states.collect(), both),
                masks: row_of_stack_masks(&masks, row, length),
                weights: (steps(&weights.0), rows(weights.1.clone()), rows(weights.2.clone())),
            },
        );
        let filled_up = |mut values: Vec<f64>, width: usize| {
            values.resize(SEQ_LENGTH * width, 0.0);
            values
        };
        expected.outputs.push(filled_up(alone.outputs[0].clone(), width));
        expected.d_inputs.push(filled_up(alone.d_inputs[0].clone(), D_INPUT));
        expected.last.extend(alone.last);
        expected.states.extend(alone.states);
        expected.d_states.extend(alone.d_states);
        expected.d_parameters.resize(alone.d_parameters.len(), Vec::new());
        for (sum, gradient) in expected.d_parameters.iter_mut().zip(alone.d_parameters) {
            sum.resize(gradient.len(), 0.0);
            sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
        }
    }

    let close = |name: &str, got: &[f64], expected: &[f64]| {
        let error = relative_error(got, expected);
        assert!(error <= place.tolerance(), "{what}, {name}: {error:.1e}");
    };
    close("outputs", &padded.outputs.concat(), &expected.outputs.concat());
    close("last outputs", &padded.last, &expected.last);
    close("states", &padded.states, &expected.states);
    close("gradient of the input", &padded.d_inputs.concat(), &expected.d_inputs.concat());
    close("gradients of the states", &padded.d_states, &expected.d_states);
    for (k, (got, expected)) in padded.d_parameters.iter().zip(&expected.d_parameters).enumerate() {
        close(&format!("gradient of parameter {k}"), got, expected);
    }
    for (row, &length) in LENGTHS.iter().enumerate() {
        let is_zero = |values: &[f64]| values.iter().all(|value| *value == 0.0);
        assert!(is_zero(&padded.outputs[row][length * width..]), "{what}: padding of row {row}");
        assert!(is_zero(&padded.d_inputs[row][length * D_INPUT..]), "{what}: padding of row {row}");
    }
}

/// The directions and numbers of layers of stacks.
const SHAPES: [(Directions, usize); 6] = [
    (Directions::Forward, 1),
    (Directions::Backward, 1),
    (Directions::Both(MergeMode::Concat), 1),
    (Directions::Forward, 2),
    (Directions::Backward, 2),
    (Directions::Both(MergeMode::Concat), 2),
];

/// All shapes for each scheme. A GPU compiles the kernels of each of them for each length, for which
/// software takes minutes: there the shapes take turns over cells and schemes.
fn check_cell<K: CellConfig>(turn: usize, cell: &K, place: &Place) {
    let schemes = schemes();
    for (k, dropout) in schemes.iter().enumerate() {
        let turn = turn * schemes.len() + k;
        let shapes = if is_cpu(&place.device) {
            &SHAPES[..]
        } else {
            slice::from_ref(&SHAPES[turn % SHAPES.len()])
        };
        for (directions, n_layers) in shapes {
            let config = StackConfig::from_cell(cell.clone()).with_n_layers(*n_layers);
            check(&config.with_directions(*directions).with_dropout(dropout.clone()), place);
        }
    }
}

fn check_every_cell(place: &Place) {
    check_cell(0, &LstmCellConfig::new(D_INPUT, D_HIDDEN, true), place);
    let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true);
    check_cell(1, &gru, place);
    check_cell(2, &gru.with_reset_after(false), place);
    check_cell(3, &RnnCellConfig::new(D_INPUT, D_HIDDEN, true), place);
}

on_every_path! {
    fn a_padded_batch_is_its_rows_run_alone(device: &Device) {
        check_every_cell(&Place::new(device, FloatDType::F32));
    }
}

on_every_gpu! {
    fn rows_that_a_workgroup_takes_together_end_where_each_does(device: &Device) {
        // Two rows to a workgroup, and one to the last.
        let one_processor = Hardware { processors: 1, ..Hardware::ALL };
        with_no_more_than(one_processor, || {
            check_every_cell(&Place::new(device, FloatDType::F32));
        });
    }
}

/// The results of a batch whose padding holds one value, all of them one after the other.
fn with_padding<K: CellConfig>(config: &StackConfig<K>, value: f64, place: &Place) -> Vec<f64> {
    let stack = config.init(&place.device);
    let stack = stack.map(&mut Numbered { place, salt: 0.0 });
    let batch_size = LENGTHS.len();
    let lengths = Lengths::new(LENGTHS.into(), SEQ_LENGTH).unwrap();
    let input = place.tensor([batch_size, SEQ_LENGTH, D_INPUT], 0.7);
    let padding = lengths.mask(&place.device).bool_not().unsqueeze_dim::<3>(2);
    let input = input.mask_fill(padding.repeat_dim(2, D_INPUT), value);
    let masks = stack.masks_for(&input, MaskRng::seeded(3).draw(0).part("stack"));
    let states =
        (0..2 * stack.layers.len()).map(|_| stack.layers[0].cell.initial_state(batch_size));
    let weights = (
        place.tensor([batch_size, SEQ_LENGTH, 2 * D_HIDDEN], 0.6),
        place.tensor([batch_size, 2 * D_HIDDEN], 0.2),
        place.tensor([batch_size, D_HIDDEN], 0.9),
    );
    let state = of_parts(states.collect(), true);
    let results = run(&stack, Batch { input, lengths: Some(lengths), state, masks, weights });
    let Results { outputs, last, states, d_inputs, d_states, d_parameters } = results;
    [outputs.concat(), last, states, d_inputs.concat(), d_states, d_parameters.concat()].concat()
}

/// Sets the parameters of a module to numbers.
struct Numbered<'a> {
    place: &'a Place,
    salt: f64,
}

impl ModuleMapper for Numbered<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.salt += 0.1;
        param.map(|value| self.place.tensor(value.dims(), self.salt).require_grad())
    }
}

/// Every scheme, but on a GPU those whose turn it is among the four cells.
fn check_padding<K: CellConfig>(turn: usize, cell: K, place: &Place) {
    for (k, dropout) in schemes().into_iter().enumerate() {
        if !is_cpu(&place.device) && k % 4 != turn {
            continue;
        }
        let config = StackConfig::from_cell(cell.clone()).with_n_layers(2).bidirectional();
        let config = config.with_dropout(dropout);
        let [zeros, nan] = [0.0, f64::NAN].map(|value| with_padding(&config, value, place));
        assert!(zeros.iter().all(|value| value.is_finite()));
        assert_eq!(zeros, nan, "{:?}", config.dropout);
    }
}

on_every_path! {
    fn padding_of_nan_changes_nothing(device: &Device) {
        let place = Place::new(device, FloatDType::F32);
        check_padding(0, LstmCellConfig::new(D_INPUT, D_HIDDEN, true), &place);
        let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true);
        check_padding(1, gru.clone(), &place);
        check_padding(2, gru.with_reset_after(false), &place);
        check_padding(3, RnnCellConfig::new(D_INPUT, D_HIDDEN, true), &place);
    }
}

#[test]
fn a_padded_batch_is_its_rows_run_alone_in_f64() {
    let place = Place::new(&flex(), FloatDType::F64);
    check_every_cell(&place);
    without_engine(|| check_every_cell(&place));
}

#[test]
fn a_padded_batch_of_a_cell_of_ones_own_is_its_rows_run_alone() {
    let leaky = LeakyConfig::new(D_INPUT, D_HIDDEN);
    let leak = Site::named("leak");
    for directions in [Directions::Forward, Directions::Both(MergeMode::Sum)] {
        for dropout in schemes().into_iter().filter(|scheme| *scheme != schemes()[2]) {
            let config = StackConfig::from_cell(leaky.clone()).with_n_layers(2);
            let dropout = dropout.with(leak.clone(), 0.3);
            check(
                &config.with_directions(directions).with_dropout(dropout),
                &Place::new(&flex(), FloatDType::F32),
            );
        }
    }
}
