//! The generic body gives what the CPU kernel gives.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorData};

use super::weights::MaskedWeights;
use super::{projection, projection_backward, sequence, sequence_backward};
use crate::kernels::SequenceKernels;
use crate::operands::{Keep, LinearNeeds, Masks, Optional, ProjectionConstants, SequenceConstants};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

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

/// Of one row or several, of the same length or not, walked either way.
fn steps() -> Vec<SequenceSteps> {
    [&[ROWS][..], &[ROWS; 4], &[ROWS, 2, 2, 1]]
        .map(SequenceSteps::packed)
        .into_iter()
        .flat_map(|steps| [steps.clone(), steps.backwards()])
        .collect()
}

fn check_sequence(recurrence: Recurrence, masks: Masks<Flex>, steps: &SequenceSteps) {
    let (n_gates, has_cell) = (recurrence.n_gates(), recurrence.has_cell());
    let width = n_gates * UNITS;
    let of_lstm = |seed| Optional::from(has_cell.then(|| numbers([ROWS, UNITS], seed)));
    let with_bias = recurrence == Recurrence::Gru { reset_after: true };
    let name = format!("{recurrence:?}, {steps:?}, {masks:?}");
    let constants = SequenceConstants {
        recurrent: numbers([UNITS, width], 2.3),
        hidden: numbers([ROWS, UNITS], 0.7),
        cell: of_lstm(1.9),
        candidate_bias: with_bias.then(|| numbers([UNITS], 2.9)).into(),
        masks,
        cell_mask: of_lstm(3.1),
    };
    let projected = || numbers([steps.n_rows(), width], 1.1);
    let n_packed = steps.n_rows() + if has_cell { ROWS } else { 0 };
    let gradient = numbers([n_packed, UNITS], 1.7);

    let result = sequence::<Flex>(recurrence, projected(), &constants, steps, Keep::Result);
    assert!(result.steps.is_empty(), "{name}: nothing is kept of a result alone");
    let found = sequence::<Flex>(recurrence, projected(), &constants, steps, Keep::Trace);
    let kept = if recurrence == Recurrence::Rnn { 0 } else { steps.seq_length() };
    assert_eq!(found.steps.len(), kept, "{name}");
    assert!(found.gates.is_none() && found.inner.is_none(), "{name}: steps stay apart");
    let expected = Flex::sequence_trace(recurrence, projected(), &constants, steps);
    check(&name, Some(result.packed), Some(found.packed.clone()));
    check(&name, Some(found.packed.clone()), Some(expected.packed.clone()));

    let found =
        sequence_backward::<Flex>(recurrence, gradient.clone(), found, &constants, steps, true);
    let expected = Flex::sequence_backward(recurrence, gradient, expected, constants, steps, true);
    check(&name, Some(found.projected), Some(expected.projected));
    check(&name, found.recurrent, expected.recurrent);
    check(&name, found.hidden, expected.hidden);
    check(&name, found.cell, expected.cell);
    check(&name, found.candidate_bias, expected.candidate_bias);
}

#[test]
fn sequences_and_their_gradients_are_those_of_the_kernel() {
    for recurrence in RECURRENCES {
        for steps in steps() {
            for masks in masks(recurrence.n_gates()) {
                check_sequence(recurrence, masks, &steps);
            }
        }
    }
}

#[test]
fn projections_and_their_gradients_are_those_of_the_kernel() {
    const GATES: usize = 3;
    const WIDTH: usize = GATES * 4;
    let steps = steps();
    for (steps, masks) in steps.iter().flat_map(|steps| masks(GATES).map(|m| (steps, m))) {
        let name = format!("{steps:?}, {masks:?}");
        let constants = ProjectionConstants {
            weights: numbers([UNITS, WIDTH], 2.3),
            bias: Some(numbers([WIDTH], 0.9)).into(),
            masks,
        };
        let input = || numbers([steps.n_rows(), UNITS], 1.1);
        let gradient = numbers([steps.n_rows(), WIDTH], 1.7);
        let found = projection::<Flex>(input(), &constants, steps);
        check(&name, Some(found), Some(Flex::projection(input(), &constants, steps)));
        let needs = LinearNeeds { input: true, weights: true, bias: true };
        let found = projection_backward::<Flex>(&gradient, input(), &constants, steps, needs);
        let expected = Flex::projection_backward(gradient, input(), &constants, steps, needs);
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
        let weights = MaskedWeights::<Flex>::input(&constants, &SequenceSteps::regular(1, ROWS));
        assert!(weights.weights().is_contiguous(), "{:?}", constants.masks);
    }
}
