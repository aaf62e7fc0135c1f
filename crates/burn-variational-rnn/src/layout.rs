//! How a batch lies while layers walk it, and the way back.

use std::borrow::Cow;

use burn::tensor::Tensor;
use burn_variational_kernels::SequenceSteps;

use crate::packing::{Packing, indices};
use crate::{Direction, LayerMasks, RecurrentState, SequenceBatch};

/// How a batch lies while layers walk it: `[seq_length, batch_size, width]`, or `[1, n_rows,
/// width]` where sequences have different lengths.
#[derive(Debug)]
pub(crate) struct Layout {
    steps: SequenceSteps,
    /// The steps of the batch, padding and all.
    seq_length: usize,
    packing: Option<Packing>,
    batch_first: bool,
}

impl Layout {
    /// The layout of a batch, and the batch so.
    ///
    /// # Panics
    ///
    /// If a size is 0, or the lengths are those of another batch, naming the owner.
    pub(crate) fn of(owner: &str, batch: SequenceBatch, batch_first: bool) -> (Self, Tensor<3>) {
        let SequenceBatch { input, lengths } = batch;
        let [first, second, _] = input.dims();
        let (batch_size, seq_length) = if batch_first { (first, second) } else { (second, first) };
        for (field, size) in [("seq_length", seq_length), ("batch_size", batch_size)] {
            assert!(size > 0, "{owner}: {field} must be positive, got 0");
        }
        if let Some(lengths) = &lengths {
            let [of_rows, of_steps] = [lengths.batch_size(), lengths.seq_length()];
            assert!(
                [of_rows, of_steps] == [batch_size, seq_length],
                "{owner}: lengths must be those of batch_size {batch_size} and seq_length \
                 {seq_length}, got those of {of_rows} and {of_steps}"
            );
        }
        // A batch without padding is one without lengths.
        let packing = lengths.filter(|lengths| !lengths.is_full());
        let packing = packing.map(|lengths| Packing::new(&lengths));
        let (steps, input) = if let Some(packing) = &packing {
            let rows = packing.pack(input, batch_first);
            (packing.steps().clone(), rows.unsqueeze_dim(0))
        } else {
            let steps = SequenceSteps::regular(seq_length, batch_size);
            (steps, if batch_first { input.swap_dims(0, 1) } else { input })
        };
        (Self { steps, seq_length, packing, batch_first }, input)
    }

    /// The steps of the batch, padding and all.
    pub(crate) fn seq_length(&self) -> usize {
        self.seq_length
    }

    pub(crate) fn batch_size(&self) -> usize {
        self.steps.batch_size()
    }

    /// The steps as a direction walks them.
    pub(crate) fn steps(&self, direction: Direction) -> SequenceSteps {
        match direction {
            Direction::Forward => self.steps.clone(),
            Direction::Backward => self.steps.clone().backwards(),
        }
    }

    /// Masks of the batch as those of its rows.
    pub(crate) fn masks<'m>(&self, masks: &'m LayerMasks) -> Cow<'m, LayerMasks> {
        match &self.packing {
            Some(packing) => Cow::Owned(packing.masks(masks)),
            None => Cow::Borrowed(masks),
        }
    }

    /// A state of the batch in the order in which rows are walked.
    pub(crate) fn enter<S: RecurrentState>(&self, state: S) -> S {
        match &self.packing {
            Some(packing) => packing.sort_state(state),
            None => state,
        }
    }

    /// The way back from [`enter`](Self::enter).
    pub(crate) fn leave<S: RecurrentState>(&self, state: S) -> S {
        match &self.packing {
            Some(packing) => packing.unsort_state(state),
            None => state,
        }
    }

    /// An output as the batch lies. Padding is 0.
    pub(crate) fn output(&self, output: Tensor<3>) -> Tensor<3> {
        match &self.packing {
            Some(packing) => packing.unpack(output.squeeze_dim(0), self.batch_first),
            None if self.batch_first => output.swap_dims(0, 1),
            None => output,
        }
    }

    /// The output of the last step of each row that a direction walks, `[batch_size, width]`.
    pub(crate) fn last_output(&self, output: Tensor<3>, direction: Direction) -> Tensor<2> {
        let Some(packing) = &self.packing else {
            let t = match direction {
                Direction::Forward => self.seq_length - 1,
                Direction::Backward => 0,
            };
            return output.slice_dim(0, t..t + 1).squeeze_dim(0);
        };
        let last = self.steps(direction).last_rows();
        let last = indices(last.into_iter(), &output.device());
        packing.unsort(output.squeeze_dim::<2>(0).select(0, last))
    }
}
