//! Small sequences of every recurrence, with every kind of mask, of any lengths, in both directions.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorData};

use crate::operands::{Masks, Optional, OptionalMask, SequenceConstants, SequenceNeeds, UnitMasks};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

pub(super) const ROWS: usize = 3;
pub(super) const UNITS: usize = 5;

pub(super) const RECURRENCES: [Recurrence; 4] = [
    Recurrence::Lstm,
    Recurrence::Gru { reset_after: true },
    Recurrence::Gru { reset_after: false },
    Recurrence::Rnn,
];

/// A sequence and its masks.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) recurrence: Recurrence,
    pub(super) steps: SequenceSteps,
    pub(super) constants: SequenceConstants<Flex>,
}

impl Case {
    pub(super) fn projected(&self) -> FloatTensor<Flex> {
        numbers([self.steps.n_rows(), self.recurrence.n_gates() * UNITS], 1.1)
    }

    /// A gradient of the packed result.
    pub(super) fn gradient(&self) -> FloatTensor<Flex> {
        let n_last = if self.recurrence.has_cell() { ROWS } else { 0 };
        numbers([self.steps.n_rows() + n_last, UNITS], 1.7)
    }
}

/// All gradients.
pub(super) const ALL: SequenceNeeds =
    SequenceNeeds { recurrent: true, hidden: true, cell: true, candidate_bias: true };

pub(super) fn numbers<const D: usize>(dims: [usize; D], seed: f64) -> FloatTensor<Flex> {
    let n = dims.iter().product();
    let values: Vec<f64> = (0..n).map(|k| ((k + 1) as f64 * seed).sin() * 0.6).collect();
    FloatTensor::<Flex>::from_data(TensorData::new(values, dims))
}

/// Of one row or several, of the same length or not, walked either way.
pub(super) fn steps() -> Vec<SequenceSteps> {
    [&[ROWS][..], &[ROWS; 4], &[ROWS, 2, 2, 1]]
        .map(SequenceSteps::packed)
        .into_iter()
        .flat_map(|steps| [steps.clone(), steps.backwards()])
        .collect()
}

pub(super) fn masks(n_gates: usize, steps: &SequenceSteps) -> [Masks<Flex>; 5] {
    let n_rows = steps.n_rows();
    [
        Masks::Identity,
        Masks::Tied(numbers([ROWS, UNITS], 1.3)),
        Masks::Untied(numbers([n_gates, ROWS, UNITS], 1.3)),
        Masks::TiedPerStep(numbers([n_rows, UNITS], 1.3)),
        Masks::UntiedPerStep(numbers([n_gates, n_rows, UNITS], 1.3)),
    ]
}

/// None, each alone, and all that the recurrence has a use for: the same at every step or not.
fn unit_masks(recurrence: Recurrence, steps: &SequenceSteps) -> Vec<(String, UnitMasks<Flex>)> {
    let n_masks = match recurrence {
        Recurrence::Lstm => 5,
        Recurrence::Gru { .. } => 2,
        Recurrence::Rnn => 1,
    };
    let some = |chosen: &[usize], per_step: bool| {
        let mask = |k: usize, seed: f64| match (chosen.contains(&k), per_step) {
            (false, _) => OptionalMask::Absent,
            (true, false) => OptionalMask::Repeated(numbers([ROWS, UNITS], seed)),
            (true, true) => OptionalMask::PerStep(numbers([steps.n_rows(), UNITS], seed)),
        };
        let masks = UnitMasks {
            hidden_zoneout: mask(0, 3.7),
            candidate: mask(1, 4.1),
            cell: mask(2, 3.1),
            cell_zoneout: mask(3, 4.3),
            hidden: mask(4, 4.7),
        };
        (format!("unit masks {chosen:?}, per step {per_step}"), masks)
    };
    let all: Vec<usize> = (0..n_masks).collect();
    let both = |chosen: &[usize]| [some(chosen, false), some(chosen, true)];
    let alone = all.iter().flat_map(|k| both(std::slice::from_ref(k)));
    std::iter::once(some(&[], false)).chain(alone).chain(both(&all)).collect()
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for recurrence in RECURRENCES {
        for steps in steps() {
            for (kind, masks) in masks(recurrence.n_gates(), &steps).into_iter().enumerate() {
                for (unit_kind, unit_masks) in unit_masks(recurrence, &steps) {
                    cases.push(Case {
                        name: format!("{recurrence:?}, {steps:?}, masks {kind}, {unit_kind}"),
                        recurrence,
                        steps: steps.clone(),
                        constants: constants(recurrence, masks.clone(), unit_masks),
                    });
                }
            }
        }
    }
    cases
}

fn constants(
    recurrence: Recurrence,
    masks: Masks<Flex>,
    unit_masks: UnitMasks<Flex>,
) -> SequenceConstants<Flex> {
    let with_bias = recurrence == Recurrence::Gru { reset_after: true };
    SequenceConstants {
        recurrent: numbers([UNITS, recurrence.n_gates() * UNITS], 2.3),
        hidden: numbers([ROWS, UNITS], 0.7),
        cell: Optional::from(recurrence.has_cell().then(|| numbers([ROWS, UNITS], 1.9))),
        candidate_bias: Optional::from(with_bias.then(|| numbers([UNITS], 2.9))),
        masks,
        unit_masks,
    }
}
