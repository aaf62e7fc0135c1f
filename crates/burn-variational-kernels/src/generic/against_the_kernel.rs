//! The generic body gives what the CPU kernel gives.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorData};

use super::weights::MaskedWeights;
use super::{projection, projection_backward, sequence, sequence_backward};
use crate::kernels::SequenceKernels;
use crate::operands::{Keep, LinearNeeds, Masks, Optional, ProjectionConstants, SequenceConstants};
use crate::recurrence::Recurrence;

const ROWS: usize = 3;
const UNITS: usize = 5;

const RECURRENCES: [Recurrence; 4] = [
    Recurrence::Lstm,
    Recurrence::Gru { reset_after: true },
    Recurrence::Gru { reset_after: false },
    Recurrence::Rnn,
];

/// Sums in another order, and other formulas for the non-linearities.
const TOLERANCE: f64 = 1e-13;

fn numbers<const D: usize>(dims: [usize; D], seed: f64) -> FloatTensor<Flex> {
    let n = dims.iter().product();
    let values: Vec<f64> = (0..n).map(|k| ((k + 1) as f64 * seed).sin() * 0.6).collect();
    FloatTensor::<Flex>::from_data(TensorData::new(values, dims))
}

fn masks(n_gates: usize) -> [Masks<Flex>; 3] {
    [
        Masks::Identity,
        Masks::Tied(numbers([ROWS, UNITS], 1.3)),
        Masks::Untied(numbers([n_gates, ROWS, UNITS], 1.3)),
    ]
}

fn check(name: &str, found: Option<FloatTensor<Flex>>, expected: Option<FloatTensor<Flex>>) {
    let data = |tensor: Option<FloatTensor<Flex>>| tensor.map(FloatTensor::<Flex>::into_data);
    match (data(found), data(expected)) {
        (None, None) => {}
        (Some(found), Some(expected)) => {
            assert_eq!(found.shape(), expected.shape(), "{name}");
            for (found, expected) in found.iter::<f64>().zip(expected.iter::<f64>()) {
                assert!((found - expected).abs() <= TOLERANCE, "{name}: {found}, {expected}");
            }
        }
        (found, _) => panic!("{name}: there is {}one", if found.is_some() { "" } else { "n" }),
    }
}

fn check_sequence(recurrence: Recurrence, masks: Masks<Flex>, seq_length: usize) {
    let (n_gates, has_cell) = (recurrence.n_gates(), recurrence.has_cell());
    let width = n_gates * UNITS;
    let of_lstm = |seed| Optional::from(has_cell.then(|| numbers([ROWS, UNITS], seed)));
    let with_bias = recurrence == Recurrence::Gru { reset_after: true };
    let name = format!("{recurrence:?}, {seq_length} steps, {masks:?}");
    let constants = SequenceConstants {
        recurrent: numbers([UNITS, width], 2.3),
        hidden: numbers([ROWS, UNITS], 0.7),
        cell: of_lstm(1.9),
        candidate_bias: with_bias.then(|| numbers([UNITS], 2.9)).into(),
        masks,
        cell_mask: of_lstm(3.1),
    };
    let projected = || numbers([seq_length, ROWS, width], 1.1);
    let gradient = numbers([seq_length + usize::from(has_cell), ROWS, UNITS], 1.7);

    let result = sequence::<Flex>(recurrence, projected(), &constants, Keep::Result);
    assert!(result.steps.is_empty(), "{name}: nothing is kept of a result alone");
    let found = sequence::<Flex>(recurrence, projected(), &constants, Keep::Trace);
    let kept = if recurrence == Recurrence::Rnn { 0 } else { seq_length };
    assert_eq!(found.steps.len(), kept, "{name}");
    assert!(found.gates.is_none() && found.inner.is_none(), "{name}: steps stay apart");
    let expected = Flex::sequence_trace(recurrence, projected(), &constants);
    check(&name, Some(result.packed), Some(found.packed.clone()));
    check(&name, Some(found.packed.clone()), Some(expected.packed.clone()));

    let found = sequence_backward::<Flex>(recurrence, gradient.clone(), found, &constants, true);
    let expected = Flex::sequence_backward(recurrence, gradient, expected, constants, true);
    check(&name, Some(found.projected), Some(expected.projected));
    check(&name, found.recurrent, expected.recurrent);
    check(&name, found.hidden, expected.hidden);
    check(&name, found.cell, expected.cell);
    check(&name, found.candidate_bias, expected.candidate_bias);
}

#[test]
fn sequences_and_their_gradients_are_those_of_the_kernel() {
    for recurrence in RECURRENCES {
        for seq_length in [1, 4] {
            for masks in masks(recurrence.n_gates()) {
                check_sequence(recurrence, masks, seq_length);
            }
        }
    }
}

#[test]
fn projections_and_their_gradients_are_those_of_the_kernel() {
    const GATES: usize = 3;
    const WIDTH: usize = GATES * 4;
    for masks in masks(GATES) {
        let name = format!("{masks:?}");
        let constants = ProjectionConstants {
            weights: numbers([UNITS, WIDTH], 2.3),
            bias: Some(numbers([WIDTH], 0.9)).into(),
            masks,
        };
        let input = || numbers([2, ROWS, UNITS], 1.1);
        let gradient = numbers([2, ROWS, WIDTH], 1.7);
        let found = projection::<Flex>(input(), &constants);
        check(&name, Some(found), Some(Flex::projection(input(), &constants)));
        let needs = LinearNeeds { input: true, weights: true, bias: true };
        let found = projection_backward::<Flex>(&gradient, input(), &constants, needs);
        let expected = Flex::projection_backward(gradient, input(), &constants, needs);
        check(&name, found.input, expected.input);
        check(&name, found.weights, expected.weights);
        check(&name, found.bias, expected.bias);
    }
}

/// A product copies a view whose gates lie closer together than its rows, in every step.
#[test]
fn weights_of_gates_with_masks_of_their_own_lie_gate_after_gate() {
    for masks in masks(4) {
        let constants = ProjectionConstants {
            weights: numbers([UNITS, 4 * UNITS], 2.3),
            bias: Optional::Absent,
            masks,
        };
        let weights = MaskedWeights::<Flex>::input(&constants, ROWS);
        assert!(weights.weights().is_contiguous(), "{:?}", constants.masks);
    }
}
