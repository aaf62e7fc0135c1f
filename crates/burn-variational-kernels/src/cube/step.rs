//! A step as kernels see it. They are given all rows of all steps, and where those at hand begin.

use cubecl::prelude::*;

use crate::steps::SequenceSteps;

/// A step of the walk, whichever way it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) t: usize,
    /// How many rows it has.
    pub(super) n: usize,
    /// How many rows of it have a state from the step before; the others begin with it.
    pub(super) n_continued: usize,
    /// How many rows of it go on to the step after.
    n_after: usize,
    before: Option<usize>,
    after: Option<usize>,
}

impl Step {
    /// The steps in the order of the walk.
    pub(super) fn walk(steps: &SequenceSteps) -> impl DoubleEndedIterator<Item = Self> + use<'_> {
        let last = steps.seq_length() - 1;
        (0..=last).map(move |place| {
            let (t, n) = (steps.walked(place), steps.n_at(steps.walked(place)));
            let before = place.checked_sub(1).map(|before| steps.walked(before));
            let after = (place < last).then(|| steps.walked(place + 1));
            let shared = |other: Option<usize>| other.map_or(0, |other| steps.n_at(other).min(n));
            Self { t, n, n_continued: shared(before), n_after: shared(after), before, after }
        })
    }

    /// As a kernel is given it.
    pub(super) fn units(&self, steps: &SequenceSteps, d_hidden: usize) -> UnitsLaunch {
        let first_row = |t: Option<usize>| t.map_or(0, |t| steps.rows(t).start);
        UnitsLaunch::new(
            self.n * d_hidden,
            self.n_continued * d_hidden,
            self.n_after * d_hidden,
            first_row(Some(self.t)),
            first_row(self.before),
            first_row(self.after),
            steps.n_rows() * d_hidden,
            steps.batch_size() * d_hidden,
            d_hidden,
        )
    }
}

/// The units of a step. Unit `row · d_hidden + column` is that of a row of the batch.
#[derive(CubeType, CubeLaunch)]
pub(super) struct Units {
    /// How many there are.
    pub(super) len: usize,
    /// Those whose state came from the step before: the first.
    pub(super) continued: usize,
    /// Those that go on to the step after: the first.
    pub(super) after: usize,
    /// The first row among those of all steps.
    pub(super) first_row: usize,
    /// The first row of the step before.
    pub(super) first_row_before: usize,
    /// The first row of the step after.
    pub(super) first_row_after: usize,
    /// The units of all steps.
    pub(super) of_all_steps: usize,
    /// The units of the batch.
    pub(super) of_batch: usize,
    /// The units of a row.
    pub(super) d_hidden: usize,
}

#[cube]
impl Units {
    /// Where a unit of the step lies among those of all steps.
    pub(super) fn place(&self, unit: usize) -> usize {
        self.first_row * self.d_hidden + unit
    }

    /// Where its gate lies among those of all steps.
    pub(super) fn gate(
        &self,
        unit: usize,
        #[comptime] gate: usize,
        #[comptime] n_gates: usize,
    ) -> usize {
        let row = self.first_row + unit / self.d_hidden;
        (row * n_gates + gate) * self.d_hidden + unit % self.d_hidden
    }

    /// Where its gate lies in what a product of the step reads or gives: gates side by side, or one
    /// after the other.
    pub(super) fn gate_of_step(
        &self,
        unit: usize,
        #[comptime] gate: usize,
        #[comptime] n_gates: usize,
        #[comptime] apart: bool,
    ) -> usize {
        if comptime!(apart) {
            gate * self.of_batch + unit
        } else {
            let row = unit / self.d_hidden;
            (row * n_gates + gate) * self.d_hidden + unit % self.d_hidden
        }
    }
}
