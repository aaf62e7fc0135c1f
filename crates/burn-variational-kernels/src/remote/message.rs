//! A sequence on its way to a server: its tensors in order, and numbers for all else.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn_ir::ScalarIr;

use crate::operands::{Masks, OptionalMask, SequenceConstants, SequenceNeeds, UnitMasks};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// What is sent.
#[derive(Debug)]
pub(super) struct Message<B: Backend> {
    pub(super) recurrence: Recurrence,
    pub(super) projected: FloatTensor<B>,
    pub(super) constants: SequenceConstants<B>,
    pub(super) steps: SequenceSteps,
    /// Of the packed result, for the way back.
    pub(super) gradient: Option<FloatTensor<B>>,
    /// The gradients that are asked for, on the way back.
    pub(super) needs: SequenceNeeds,
}

impl<B: Backend> Message<B> {
    /// The tensors and the numbers.
    pub(super) fn apart(self) -> (Vec<FloatTensor<B>>, Vec<ScalarIr>) {
        let mut parts = Parts::default();
        parts.numbers.push(match self.recurrence {
            Recurrence::Lstm => 0,
            Recurrence::Gru { reset_after: true } => 1,
            Recurrence::Gru { reset_after: false } => 2,
            Recurrence::Rnn => 3,
        });
        let SequenceNeeds { recurrent, hidden, cell, candidate_bias } = self.needs;
        parts.numbers.extend([recurrent, hidden, cell, candidate_bias].map(u64::from));
        parts.steps(&self.steps);
        parts.tensors.push(self.projected);
        parts.optional(self.gradient);
        parts.constants(self.constants);
        (parts.tensors, parts.numbers.into_iter().map(ScalarIr::UInt).collect())
    }
}

/// What is written, from the first to the last.
struct Parts<B: Backend> {
    tensors: Vec<FloatTensor<B>>,
    numbers: Vec<u64>,
}

impl<B: Backend> Default for Parts<B> {
    fn default() -> Self {
        Self { tensors: Vec::new(), numbers: Vec::new() }
    }
}

impl<B: Backend> Parts<B> {
    /// The direction, the number of steps and of rows, and where rows end early those of each step.
    fn steps(&mut self, steps: &SequenceSteps) {
        let (seq_length, batch_size) = (steps.seq_length(), steps.batch_size());
        let sizes = [seq_length, batch_size, usize::from(!steps.is_regular())];
        self.numbers.push(steps.is_backwards().into());
        self.numbers.extend(sizes.map(|size| size as u64));
        if !steps.is_regular() {
            self.numbers.extend((0..seq_length).map(|t| steps.n_at(t) as u64));
        }
    }

    fn optional(&mut self, tensor: Option<FloatTensor<B>>) {
        self.numbers.push(tensor.is_some().into());
        self.tensors.extend(tensor);
    }

    fn mask(&mut self, kind: u64, mask: Option<FloatTensor<B>>) {
        self.numbers.push(kind);
        self.tensors.extend(mask);
    }

    fn constants(&mut self, constants: SequenceConstants<B>) {
        self.tensors.extend([constants.recurrent, constants.hidden]);
        self.optional(constants.cell.into_option());
        self.optional(constants.candidate_bias.into_option());
        match constants.masks {
            Masks::Identity => self.mask(0, None),
            Masks::Tied(mask) => self.mask(1, Some(mask)),
            Masks::Untied(masks) => self.mask(2, Some(masks)),
            Masks::TiedPerStep(mask) => self.mask(3, Some(mask)),
            Masks::UntiedPerStep(masks) => self.mask(4, Some(masks)),
        }
        let UnitMasks { cell, candidate, hidden, hidden_zoneout, cell_zoneout } =
            constants.unit_masks;
        for mask in [cell, candidate, hidden, hidden_zoneout, cell_zoneout] {
            match mask {
                OptionalMask::Absent => self.mask(0, None),
                OptionalMask::Repeated(mask) => self.mask(1, Some(mask)),
                OptionalMask::PerStep(mask) => self.mask(2, Some(mask)),
            }
        }
    }
}
