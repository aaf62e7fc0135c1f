//! What the operations refuse, by name and with both shapes.

use burn::tensor::{Int, Tensor};
use burn_variational::kernels::{
    Projection, Recurrence, Sequence, SequenceMasks, UnitMask, embedding, linear_cross_entropy,
};
use cross_backend_tests::flex;

fn zeros<const D: usize>(dims: [usize; D]) -> Tensor<D> {
    Tensor::zeros(dims, &flex())
}

fn sequence(recurrence: Recurrence) -> Sequence {
    Sequence::new(recurrence, zeros([2, 2 * recurrence.n_gates()]), zeros([1, 2]))
}

#[test]
#[should_panic(expected = "Sequence: seq_length must be positive, got 0")]
fn a_sequence_without_steps_is_refused() {
    let _ = sequence(Recurrence::Rnn).run(zeros([0, 1, 2]));
}

#[test]
#[should_panic(expected = "Sequence: batch_size must be positive, got 0")]
fn a_sequence_of_no_rows_is_refused() {
    let _ = sequence(Recurrence::Rnn).run(zeros([1, 0, 2]));
}

#[test]
#[should_panic(expected = "Sequence: d_hidden must be positive, got 0")]
fn a_sequence_without_units_is_refused() {
    let sequence = Sequence::new(Recurrence::Rnn, zeros([0, 0]), zeros([1, 0]));
    let _ = sequence.run(zeros([1, 1, 0]));
}

#[test]
#[should_panic(expected = "Sequence: Rnn takes projected [seq_length, batch_size, 1 · d_hidden] \
                           and recurrent [d_hidden, 1 · d_hidden], got [1, 1, 3] and [2, 2]")]
fn projected_inputs_of_another_width_are_refused() {
    let _ = sequence(Recurrence::Rnn).run(zeros([1, 1, 3]));
}

#[test]
#[should_panic(expected = "Sequence: hidden must have dims [4, 2], got [1, 2]")]
fn a_state_of_another_batch_is_refused() {
    let _ = sequence(Recurrence::Rnn).run(zeros([1, 4, 2]));
}

#[test]
#[should_panic(expected = "Sequence: mask must have dims [1, 2], got [3, 2]")]
fn a_mask_of_another_batch_is_refused() {
    let masks = SequenceMasks::Tied(zeros([3, 2]));
    let _ = sequence(Recurrence::Rnn).with_masks(masks).run(zeros([1, 1, 2]));
}

#[test]
#[should_panic(expected = "Sequence: masks must have dims [4, 1, 2], got [3, 1, 2]")]
fn masks_for_another_number_of_gates_are_refused() {
    let masks = SequenceMasks::Untied(zeros([3, 1, 2]));
    let lstm = sequence(Recurrence::Lstm).with_cell(zeros([1, 2])).with_masks(masks);
    let _ = lstm.run(zeros([1, 1, 8]));
}

#[test]
#[should_panic(expected = "Sequence: Lstm needs an initial cell, got none")]
fn an_lstm_without_a_cell_is_refused() {
    let _ = sequence(Recurrence::Lstm).run(zeros([1, 1, 8]));
}

#[test]
#[should_panic(expected = "Sequence: Rnn has no cell, got cell_mask")]
fn a_mask_on_the_cell_of_a_simple_rnn_is_refused() {
    let mask = UnitMask::Repeated(zeros([1, 2]));
    let _ = sequence(Recurrence::Rnn).with_cell_mask(mask).run(zeros([1, 1, 2]));
}

#[test]
#[should_panic(expected = "Sequence: Gru { reset_after: false } has no candidate bias, got one")]
fn a_candidate_bias_of_a_gru_that_resets_before_is_refused() {
    let gru = sequence(Recurrence::Gru { reset_after: false }).with_candidate_bias(zeros([2]));
    let _ = gru.run(zeros([1, 1, 6]));
}

#[test]
#[should_panic(expected = "Projection: batch_size must be positive, got 0")]
fn a_projection_of_no_rows_is_refused() {
    let _ = Projection::new(zeros([2, 2])).run(zeros([1, 0, 2]));
}

#[test]
#[should_panic(expected = "Projection: width must be positive, got 0")]
fn a_projection_to_nothing_is_refused() {
    let _ = Projection::new(zeros([2, 0])).run(zeros([1, 1, 2]));
}

#[test]
#[should_panic(expected = "Projection: weights must have dims [3, width] for input [1, 1, 3], \
                           got [2, 2]")]
fn a_projection_of_inputs_of_another_width_is_refused() {
    let _ = Projection::new(zeros([2, 2])).run(zeros([1, 1, 3]));
}

#[test]
#[should_panic(expected = "Projection: masks of 3 gates must divide width 4")]
fn masks_of_gates_that_share_no_width_are_refused() {
    let masks = SequenceMasks::Untied(zeros([3, 1, 2]));
    let _ = Projection::new(zeros([2, 4])).with_masks(masks).run(zeros([1, 1, 2]));
}

#[test]
#[should_panic(expected = "embedding: width must be positive, got 0")]
fn an_embedding_without_width_is_refused() {
    let _ = embedding(zeros([3, 0]), Tensor::zeros([1, 1], &flex()));
}

/// The losses of rows of zeros by a layer of zeros.
fn of_zeros(rows: usize, weights: [usize; 2], targets: &[i32]) -> Tensor<1> {
    let targets = Tensor::<1, Int>::from_data(targets, &flex());
    linear_cross_entropy(zeros([rows, 4]), zeros(weights), None, targets, None)
}

#[test]
#[should_panic(expected = "linear_cross_entropy: targets must be in 0..3, got 3")]
fn a_target_that_is_no_class_is_refused() {
    let _ = of_zeros(1, [4, 3], &[3]);
}

#[test]
#[should_panic(expected = "linear_cross_entropy: targets must have dims [2], got [1]")]
fn targets_for_another_number_of_rows_are_refused() {
    let _ = of_zeros(2, [4, 3], &[0]);
}

#[test]
#[should_panic(expected = "linear_cross_entropy: weights must have dims [4, 3], got [5, 3]")]
fn weights_for_another_width_are_refused() {
    let _ = of_zeros(1, [5, 3], &[0]);
}

#[test]
#[should_panic(expected = "linear_cross_entropy: rows must be positive, got 0")]
fn no_rows_are_refused() {
    let _ = of_zeros(0, [4, 3], &[]);
}
