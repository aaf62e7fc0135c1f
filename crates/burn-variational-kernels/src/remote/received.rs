//! A sequence that has come to a server.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn_ir::ScalarIr;

use super::message::Message;
use crate::operands::{Masks, Optional, OptionalMask, SequenceConstants, SequenceNeeds, UnitMasks};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

impl<B: Backend> Message<B> {
    /// What [`apart`](Self::apart) took apart.
    ///
    /// # Panics
    ///
    /// If it did not.
    pub(super) fn together(tensors: Vec<FloatTensor<B>>, numbers: &[ScalarIr]) -> Self {
        let mut parts = Received {
            tensors: tensors.into_iter(),
            numbers: numbers.iter().map(|number| number.elem::<u64>()),
        };
        let recurrence = match parts.number() {
            0 => Recurrence::Lstm,
            1 => Recurrence::Gru { reset_after: true },
            2 => Recurrence::Gru { reset_after: false },
            3 => Recurrence::Rnn,
            other => panic!("{other} is no recurrence"),
        };
        let needs = SequenceNeeds {
            recurrent: parts.flag(),
            hidden: parts.flag(),
            cell: parts.flag(),
            candidate_bias: parts.flag(),
        };
        let steps = parts.steps();
        let (projected, gradient) = (parts.tensor(), parts.optional());
        let constants = parts.constants();
        Self { recurrence, projected, constants, steps, gradient, needs }
    }
}

/// What is read, from the first to the last.
struct Received<T, N> {
    tensors: T,
    numbers: N,
}

impl<T: Iterator, N: Iterator<Item = u64>> Received<T, N> {
    fn number(&mut self) -> u64 {
        self.numbers.next().expect("the client sends all numbers")
    }

    fn flag(&mut self) -> bool {
        self.number() != 0
    }

    fn tensor(&mut self) -> T::Item {
        self.tensors.next().expect("the client sends all tensors")
    }

    fn optional(&mut self) -> Option<T::Item> {
        self.flag().then(|| self.tensor())
    }

    fn steps(&mut self) -> SequenceSteps {
        let backwards = self.flag();
        let [seq_length, batch_size] = [self.number(), self.number()].map(|size| size as usize);
        let steps = if self.number() == 0 {
            SequenceSteps::regular(seq_length, batch_size)
        } else {
            let n_rows: Vec<_> = (0..seq_length).map(|_| self.number() as usize).collect();
            SequenceSteps::packed(&n_rows)
        };
        if backwards { steps.backwards() } else { steps }
    }

    fn constants<B: Backend>(&mut self) -> SequenceConstants<B>
    where
        T: Iterator<Item = FloatTensor<B>>,
    {
        let (recurrent, hidden) = (self.tensor(), self.tensor());
        let (cell, candidate_bias) = (self.optional(), self.optional());
        let masks = match self.number() {
            0 => Masks::Identity,
            1 => Masks::Tied(self.tensor()),
            2 => Masks::Untied(self.tensor()),
            3 => Masks::TiedPerStep(self.tensor()),
            4 => Masks::UntiedPerStep(self.tensor()),
            other => panic!("{other} is no kind of masks"),
        };
        let mut unit_mask = || match self.number() {
            0 => OptionalMask::Absent,
            1 => OptionalMask::Repeated(self.tensor()),
            2 => OptionalMask::PerStep(self.tensor()),
            other => panic!("{other} is no kind of mask"),
        };
        let unit_masks = UnitMasks {
            cell: unit_mask(),
            candidate: unit_mask(),
            hidden: unit_mask(),
            hidden_zoneout: unit_mask(),
            cell_zoneout: unit_mask(),
        };
        let (cell, candidate_bias) = (Optional::from(cell), Optional::from(candidate_bias));
        SequenceConstants { recurrent, hidden, cell, candidate_bias, masks, unit_masks }
    }
}
