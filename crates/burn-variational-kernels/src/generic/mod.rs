//! The sequence operations in backend operations alone: for every backend without a kernel of its
//! own, and for float types a kernel does not know.

mod gru;
mod linear_cross_entropy;
mod lstm;
mod projection;
mod rnn;
mod steps;
mod weights;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

pub(crate) use self::linear_cross_entropy::{linear_cross_entropy, linear_cross_entropy_backward};
pub(crate) use self::projection::{project, project_backward};
pub(crate) use self::steps::{outputs, pack_gradient, subtract_scaled, sum_of_squares};
use crate::Recurrence;
use crate::operation::{Constants, Gradients, Keep, Trace};

/// Runs the recurrence over all steps.
pub(crate) fn forward<B: Backend>(
    recurrence: Recurrence,
    projected: FloatTensor<B>,
    constants: &Constants<B>,
    keep: Keep,
) -> Trace<B> {
    match recurrence {
        Recurrence::Lstm => lstm::forward::<B>(projected, constants, keep),
        Recurrence::Gru { reset_after: true } => {
            gru::forward_reset_after::<B>(projected, constants, keep)
        }
        Recurrence::Gru { reset_after: false } => {
            gru::forward_reset_before::<B>(projected, constants, keep)
        }
        Recurrence::Rnn => rnn::forward::<B>(projected, constants),
    }
}

/// Walks the recurrence back from the last step to the first.
pub(crate) fn backward<B: Backend>(
    recurrence: Recurrence,
    gradient: FloatTensor<B>,
    trace: Trace<B>,
    constants: &Constants<B>,
    needs_recurrent: bool,
) -> Gradients<B> {
    match recurrence {
        Recurrence::Lstm => lstm::backward::<B>(&gradient, trace, constants, needs_recurrent),
        Recurrence::Gru { reset_after: true } => {
            gru::backward_reset_after::<B>(&gradient, trace, constants, needs_recurrent)
        }
        Recurrence::Gru { reset_after: false } => {
            gru::backward_reset_before::<B>(&gradient, trace, constants, needs_recurrent)
        }
        Recurrence::Rnn => rnn::backward::<B>(&gradient, trace, constants, needs_recurrent),
    }
}
