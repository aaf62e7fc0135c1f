//! The sizes of a sequence.

use burn::backend::TensorMetadata;

use crate::flex::memory::FlexTensor;
use crate::recurrence::Recurrence;

/// The sizes of a sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) seq_length: usize,
    pub(crate) batch_size: usize,
    pub(crate) d_hidden: usize,
    pub(crate) n_gates: usize,
}

impl Sizes {
    /// Those of a sequence with this initial hidden state.
    pub(crate) fn new(recurrence: Recurrence, seq_length: usize, hidden: &FlexTensor) -> Self {
        let shape = hidden.shape();
        Self { seq_length, batch_size: shape[0], d_hidden: shape[1], n_gates: recurrence.n_gates() }
    }
}
