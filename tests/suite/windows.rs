//! Windows of sequences with carried state and carried masks are one long run, and so is one step
//! after the other.

use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::{assert_close, on_every_path, tolerance};

use super::gradients::numbers;
use crate::own_cells::LeakyConfig;

const BATCH_SIZE: usize = 4;
const SEQ_LENGTH: usize = 7;
const D_INPUT: usize = 3;
const D_HIDDEN: usize = 4;

fn input(device: &Device) -> Tensor<3> {
    let dims = [BATCH_SIZE, SEQ_LENGTH, D_INPUT];
    let data = TensorData::new(numbers(dims.iter().product(), 0.7), dims);
    Tensor::from_data(data.convert::<f32>(), device)
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

fn stack<K: CellConfig>(cell: K, device: &Device) -> RecurrentStack<K::Cell> {
    let dropout = StackDropout::variational_untied(0.3, 0.4);
    StackConfig::from_cell(cell).with_n_layers(2).with_dropout(dropout).init(device)
}

fn states<S: RecurrentState>(state: &StackState<S>) -> Vec<f64> {
    let mut all = Vec::new();
    for layer in 0..state.n_layers() {
        let _ = state.layer(layer).clone().map(&mut |_, tensor| {
            all.extend(values(&tensor));
            tensor
        });
    }
    all
}

/// Rows that end in the first window, at its end, in the second, and at its end.
fn check_windows<C: RecurrentCell>(stack: &RecurrentStack<C>, device: &Device) {
    const CUT: usize = 4;
    let lengths = [5, 7, 6, 5];
    let input = input(device);
    let masks = stack.masks_for(&input, MaskRng::seeded(2).draw(0).part("stack"));
    let whole = Lengths::new(lengths.into(), SEQ_LENGTH).unwrap();
    let (output, state) = stack.forward((input.clone(), &whole), None, &masks);

    let first = input.clone().slice_dim(1, 0..CUT);
    let (first, carried) = stack.forward(first, None, &masks);
    let rest = Lengths::new(lengths.map(|n| n - CUT).into(), SEQ_LENGTH - CUT).unwrap();
    let second = input.slice_dim(1, CUT..SEQ_LENGTH);
    let (second, last) = stack.forward((second, &rest), Some(carried), &masks);
    let windows = Tensor::cat(vec![first, second], 1);
    assert_close(&windows, &values(&output), tolerance(device), "outputs");
    let (got, expected) = (states(&last), states(&state));
    let got = Tensor::<1>::from_data(&got[..], &Device::flex());
    assert_close(&got, &expected, tolerance(device), "states");
}

fn check_steps<C: RecurrentCell>(stack: &RecurrentStack<C>, device: &Device) {
    let input = input(device);
    let masks = stack.masks_for(&input, MaskRng::seeded(2).draw(0).part("stack"));
    let (whole, state) = stack.forward(input.clone(), None, &masks);
    let (mut carried, mut outputs) = (None, Vec::new());
    for t in 0..SEQ_LENGTH {
        let step = input.clone().slice_dim(1, t..t + 1).squeeze_dim::<2>(1);
        let (output, after) = stack.step(step, carried, &masks);
        carried = Some(after);
        outputs.push(output);
    }
    assert_close(&Tensor::stack::<3>(outputs, 1), &values(&whole), tolerance(device), "outputs");
    let got = states(&carried.expect("some steps"));
    let got = Tensor::<1>::from_data(&got[..], &Device::flex());
    assert_close(&got, &states(&state), tolerance(device), "states");
}

fn check<K: CellConfig>(cell: K, device: &Device) {
    let stack = stack(cell, device);
    check_windows(&stack, device);
    check_steps(&stack, device);
}

on_every_path! {
    fn windows_and_steps_with_carried_state_and_masks_are_one_long_run(device: &Device) {
        check(LstmCellConfig::new(D_INPUT, D_HIDDEN, true), device);
        let gru = GruCellConfig::new(D_INPUT, D_HIDDEN, true);
        check(gru.clone(), device);
        check(gru.with_reset_after(false), device);
        check(RnnCellConfig::new(D_INPUT, D_HIDDEN, true), device);
        let leaky = StackConfig::from_cell(LeakyConfig::new(D_INPUT, D_HIDDEN)).with_n_layers(2);
        let leaky = leaky.with_dropout(StackDropout::variational(0.3, 0.4)).init(device);
        check_windows(&leaky, device);
        check_steps(&leaky, device);
    }
}

#[test]
#[should_panic(expected = "RecurrentStack: a step needs layers that read forward alone")]
fn a_step_through_a_layer_that_reads_backward_is_refused() {
    let device = Device::flex();
    let stack = VariationalGruConfig::new(D_INPUT, D_HIDDEN, true).bidirectional().init(&device);
    let masks = stack.identity_masks();
    let _ = stack.step(Tensor::zeros([1, D_INPUT], &device), None, &masks);
}

#[test]
#[should_panic(
    expected = "RecurrentStack: lengths must be those of batch_size 4 and seq_length 7, \
                           got those of 3 and 7"
)]
fn lengths_of_another_batch_are_refused() {
    let device = Device::flex();
    let stack = VariationalGruConfig::new(D_INPUT, D_HIDDEN, true).init(&device);
    let lengths = Lengths::new(vec![1, 2, 3], SEQ_LENGTH).unwrap();
    let _ = stack.forward((input(&device), lengths), None, &stack.identity_masks());
}

#[test]
#[should_panic(expected = "RecurrentStack: masks must be of both directions of every layer")]
fn masks_of_one_direction_are_refused_where_there_are_two() {
    let device = Device::flex();
    let stack = VariationalGruConfig::new(D_INPUT, D_HIDDEN, true).bidirectional().init(&device);
    let _ = stack.forward(input(&device), None, &StackMasks::identity(1));
}

#[test]
#[should_panic(expected = "SiteMasks: masks must have the batch_size 4 of the lengths, got 2")]
fn masks_of_another_batch_than_the_lengths_are_refused() {
    let device = Device::flex();
    let stack = VariationalGruConfig::new(D_INPUT, D_HIDDEN, true).init(&device);
    let mask = DropoutMask::from_values(Tensor::<2>::ones([2, D_INPUT], &device));
    let masks = LayerMasks::identity().with_input(SiteMasks::tied(mask));
    let lengths = Lengths::new(vec![1, 2, 3, 4], SEQ_LENGTH).unwrap();
    let _ = stack.forward((input(&device), lengths), None, &StackMasks::new(vec![masks]));
}
