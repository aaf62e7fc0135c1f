//! A whole sequence, by its recurrence.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::{gru, lstm, rnn};
use crate::operands::{Keep, SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// Runs the recurrence over all steps.
pub(crate) fn sequence<B: Backend>(
    recurrence: Recurrence,
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<B> {
    match recurrence {
        Recurrence::Lstm => lstm::forward::<B>(projected, constants, steps, keep),
        Recurrence::Gru { reset_after: true } => {
            gru::forward_reset_after::<B>(projected, constants, steps, keep)
        }
        Recurrence::Gru { reset_after: false } => {
            gru::forward_reset_before::<B>(projected, constants, steps, keep)
        }
        Recurrence::Rnn => rnn::forward::<B>(projected, constants, steps, keep),
    }
}

/// Walks the recurrence back from the last step to the first.
pub(crate) fn sequence_backward<B: Backend>(
    recurrence: Recurrence,
    gradient: FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    needs: SequenceNeeds,
) -> SequenceGradients<B> {
    match recurrence {
        Recurrence::Lstm => lstm::backward::<B>(&gradient, trace, constants, steps, needs),
        Recurrence::Gru { reset_after: true } => {
            gru::backward_reset_after::<B>(&gradient, trace, constants, steps, needs)
        }
        Recurrence::Gru { reset_after: false } => {
            gru::backward_reset_before::<B>(&gradient, trace, constants, steps, needs)
        }
        Recurrence::Rnn => rnn::backward::<B>(&gradient, trace, constants, steps, needs),
    }
}
