//! Masks of a sequence: the same at every step, or another at each.

use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor};

use crate::operands::{Masks, OptionalMask, UnitMasks as Operands};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;
use crate::support::check_dims;

/// Masks on what enters the gates: constants. `units` is the width of what is masked.
///
/// A mask that is another at every step has a row for each row of the steps, as [`SequenceSteps`]
/// lays them: of `[seq_length, batch_size, units]`, all rows one step after the other. On a state it
/// is that of the step whose gates the state enters.
#[derive(Debug, Clone)]
pub enum SequenceMasks {
    /// No mask.
    Identity,
    /// One for all gates, `[batch_size, units]`.
    Tied(Tensor<2>),
    /// One for each gate, `[n_gates, batch_size, units]`.
    Untied(Tensor<3>),
    /// One for all gates, another at every step, `[n_rows, units]`.
    TiedPerStep(Tensor<2>),
    /// One for each gate, another at every step, `[n_gates, n_rows, units]`.
    UntiedPerStep(Tensor<3>),
}

impl SequenceMasks {
    /// Whether a mask wants a gradient.
    pub(crate) fn is_tracked(&self) -> bool {
        match self {
            Self::Identity => false,
            Self::Tied(mask) | Self::TiedPerStep(mask) => mask.is_tracked(),
            Self::Untied(masks) | Self::UntiedPerStep(masks) => masks.is_tracked(),
        }
    }

    /// The element type, if there is a mask.
    pub(crate) fn dtype(&self) -> Option<DType> {
        match self {
            Self::Identity => None,
            Self::Tied(mask) | Self::TiedPerStep(mask) => Some(mask.dtype()),
            Self::Untied(masks) | Self::UntiedPerStep(masks) => Some(masks.dtype()),
        }
    }

    /// How many gates have a mask of their own, if they do.
    pub(crate) fn n_gates(&self) -> Option<usize> {
        match self {
            Self::Untied(masks) | Self::UntiedPerStep(masks) => Some(masks.dims()[0]),
            _ => None,
        }
    }

    /// Asserts that they are those of so many gates, of the rows of these steps and of these units.
    pub(crate) fn check(&self, name: &str, n_gates: usize, steps: &SequenceSteps, units: usize) {
        let n_rows = match self {
            Self::Identity => return,
            Self::Tied(_) | Self::Untied(_) => steps.batch_size(),
            Self::TiedPerStep(_) | Self::UntiedPerStep(_) => steps.n_rows(),
        };
        match self {
            Self::Identity => {}
            Self::Tied(mask) | Self::TiedPerStep(mask) => {
                check_dims(&format!("{name}: mask"), mask.dims(), [n_rows, units]);
            }
            Self::Untied(masks) | Self::UntiedPerStep(masks) => {
                check_dims(&format!("{name}: masks"), masks.dims(), [n_gates, n_rows, units]);
            }
        }
    }

    pub(crate) fn into_dispatch(self) -> Masks<Dispatch> {
        match self {
            Self::Identity => Masks::Identity,
            Self::Tied(mask) => Masks::Tied(mask.into_dispatch()),
            Self::Untied(masks) => Masks::Untied(masks.into_dispatch()),
            Self::TiedPerStep(mask) => Masks::TiedPerStep(mask.into_dispatch()),
            Self::UntiedPerStep(masks) => Masks::UntiedPerStep(masks.into_dispatch()),
        }
    }
}

/// A mask on what is computed unit by unit inside a step: a constant. [`Sequence`](crate::Sequence)
/// says what each multiplies.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::{Recurrence, Sequence, UnitMask};
///
/// // Of two steps of one unit, the second keeps the state as it was.
/// let device = Device::flex();
/// let share = UnitMask::PerStep(Tensor::from_data([[1.0], [0.0]], &device));
/// let (recurrent, state) = (Tensor::ones([1, 1], &device), Tensor::zeros([1, 1], &device));
/// let sequence = Sequence::new(Recurrence::Rnn, recurrent, state).with_hidden_zoneout(share);
/// let outputs = sequence.run(Tensor::from_data([[[0.5]], [[2.0]]], &device)).outputs;
/// let outputs = outputs.into_data().try_to_vec::<f32>().unwrap();
/// assert_eq!(outputs[0], outputs[1]);
/// ```
#[derive(Debug, Clone)]
pub enum UnitMask {
    /// The same at every step, `[batch_size, d_hidden]`.
    Repeated(Tensor<2>),
    /// Another at every step, `[n_rows, d_hidden]`: rows as the steps lay them, so that of
    /// `[seq_length, batch_size, d_hidden]` all rows one step after the other.
    PerStep(Tensor<2>),
}

impl UnitMask {
    fn values(&self) -> &Tensor<2> {
        match self {
            Self::Repeated(mask) | Self::PerStep(mask) => mask,
        }
    }

    fn check(&self, name: &str, steps: &SequenceSteps, d_hidden: usize) {
        let n_rows = match self {
            Self::Repeated(_) => steps.batch_size(),
            Self::PerStep(_) => steps.n_rows(),
        };
        check_dims(name, self.values().dims(), [n_rows, d_hidden]);
    }

    fn into_dispatch(self) -> OptionalMask<Dispatch> {
        match self {
            Self::Repeated(mask) => OptionalMask::Repeated(mask.into_dispatch()),
            Self::PerStep(mask) => OptionalMask::PerStep(mask.into_dispatch()),
        }
    }
}

/// The masks on what a step computes.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnitMasks {
    pub(crate) cell: Option<UnitMask>,
    pub(crate) candidate: Option<UnitMask>,
    pub(crate) hidden: Option<UnitMask>,
    pub(crate) hidden_zoneout: Option<UnitMask>,
    pub(crate) cell_zoneout: Option<UnitMask>,
}

impl UnitMasks {
    /// Whether a mask wants a gradient.
    pub(crate) fn is_tracked(&self) -> bool {
        let is_tracked = |mask: &UnitMask| mask.values().is_tracked();
        self.named().iter().any(|(_, mask)| mask.is_some_and(is_tracked))
    }

    /// The element type of each mask that is there.
    pub(crate) fn dtypes(&self) -> [(&'static str, Option<DType>); 5] {
        self.named().map(|(field, mask)| (field, mask.map(|mask| mask.values().dtype())))
    }

    /// Asserts that the recurrence has a use for every mask, and that each has the rows of these
    /// steps.
    pub(crate) fn check(&self, recurrence: Recurrence, steps: &SequenceSteps, d_hidden: usize) {
        for (field, mask) in self.named() {
            let Some(mask) = mask else { continue };
            let (part, has_part) = match field {
                "hidden_zoneout" => ("hidden state", true),
                "candidate_mask" => ("candidate", recurrence != Recurrence::Rnn),
                _ => ("cell", recurrence.has_cell()),
            };
            assert!(has_part, "Sequence: {recurrence:?} has no {part}, got {field}");
            mask.check(&format!("Sequence: {field}"), steps, d_hidden);
        }
    }

    pub(crate) fn into_dispatch(self) -> Operands<Dispatch> {
        fn operand(mask: Option<UnitMask>) -> OptionalMask<Dispatch> {
            mask.map_or(OptionalMask::Absent, UnitMask::into_dispatch)
        }
        Operands {
            cell: operand(self.cell),
            candidate: operand(self.candidate),
            hidden: operand(self.hidden),
            hidden_zoneout: operand(self.hidden_zoneout),
            cell_zoneout: operand(self.cell_zoneout),
        }
    }

    fn named(&self) -> [(&'static str, Option<&UnitMask>); 5] {
        [
            ("cell_mask", self.cell.as_ref()),
            ("candidate_mask", self.candidate.as_ref()),
            ("hidden_mask", self.hidden.as_ref()),
            ("hidden_zoneout", self.hidden_zoneout.as_ref()),
            ("cell_zoneout", self.cell_zoneout.as_ref()),
        ]
    }
}
