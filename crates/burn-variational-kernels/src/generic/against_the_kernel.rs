//! The generic body gives what the CPU kernel gives.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

use super::cases::{ALL, Case, ROWS, UNITS, cases, masks, numbers, steps};
use super::weights::MaskedWeights;
use super::{projection, projection_backward, sequence, sequence_backward};
use crate::kernels::SequenceKernels;
use crate::operands::{Keep, LinearNeeds, Optional, OptionalMask, ProjectionConstants};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// Sums in another order, and other formulas for the non-linearities.
const TOLERANCE: f64 = 1e-13;

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

fn check_sequence(case: Case) {
    let projected = || case.projected();
    let gradient = case.gradient();
    let Case { name, recurrence, steps, constants } = &case;
    let (recurrence, hidden_zoneout) = (*recurrence, &constants.unit_masks.hidden_zoneout);

    let result = sequence::<Flex>(recurrence, projected(), constants, steps, Keep::Result);
    assert!(result.steps.is_empty(), "{name}: nothing is kept of a result alone");
    let found = sequence::<Flex>(recurrence, projected(), constants, steps, Keep::Trace);
    let outputs_are_enough =
        recurrence == Recurrence::Rnn && matches!(hidden_zoneout, OptionalMask::Absent);
    let kept = if outputs_are_enough { 0 } else { steps.seq_length() };
    assert_eq!(found.steps.len(), kept, "{name}");
    assert!(found.gates.is_none() && found.inner.is_none(), "{name}: steps stay apart");
    let expected = Flex::sequence_trace(recurrence, projected(), constants, steps);
    let of_kernel = Flex::sequence(recurrence, projected(), constants.clone(), steps);
    check(name, Some(result.packed), Some(found.packed.clone()));
    check(name, Some(found.packed.clone()), Some(expected.packed.clone()));
    check(name, Some(found.packed.clone()), Some(of_kernel));

    let found =
        sequence_backward::<Flex>(recurrence, gradient.clone(), found, constants, steps, ALL);
    let expected =
        Flex::sequence_backward(recurrence, gradient, expected, constants.clone(), steps, ALL);
    check(name, Some(found.projected), Some(expected.projected));
    check(name, found.recurrent, expected.recurrent);
    check(name, found.hidden, expected.hidden);
    check(name, found.cell, expected.cell);
    check(name, found.candidate_bias, expected.candidate_bias);
}

#[test]
fn sequences_and_their_gradients_are_those_of_the_kernel() {
    cases().into_iter().for_each(check_sequence);
}

#[test]
fn projections_and_their_gradients_are_those_of_the_kernel() {
    const GATES: usize = 3;
    const WIDTH: usize = GATES * 4;
    let steps = steps();
    let masked = |steps| masks(GATES, steps).map(|masks| (steps, masks));
    for (steps, masks) in steps.iter().flat_map(masked) {
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
    let steps = SequenceSteps::regular(1, ROWS);
    for masks in masks(4, &steps) {
        let constants = ProjectionConstants {
            weights: numbers([UNITS, 4 * UNITS], 2.3),
            bias: Optional::Absent,
            masks,
        };
        let weights = MaskedWeights::<Flex>::input(&constants, &steps);
        assert!(weights.weights().is_contiguous(), "{:?}", constants.masks);
    }
}
