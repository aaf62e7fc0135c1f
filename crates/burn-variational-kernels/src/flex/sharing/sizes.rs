//! The sizes of a sequence.

use burn::backend::TensorMetadata;

use crate::flex::memory::FlexTensor;
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// The sizes of a sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes<'s> {
    pub(crate) steps: &'s SequenceSteps,
    pub(crate) d_hidden: usize,
    pub(crate) n_gates: usize,
}

impl<'s> Sizes<'s> {
    /// Those of a sequence with this initial hidden state.
    pub(crate) fn new(
        recurrence: Recurrence,
        steps: &'s SequenceSteps,
        hidden: &FlexTensor,
    ) -> Self {
        Self { steps, d_hidden: hidden.shape()[1], n_gates: recurrence.n_gates() }
    }

    pub(crate) fn batch_size(&self) -> usize {
        self.steps.batch_size()
    }

    /// The elements of a state.
    pub(crate) fn state_len(&self) -> usize {
        self.batch_size() * self.d_hidden
    }
}
