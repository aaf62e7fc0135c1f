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
    /// The step before.
    pub(super) before: Option<usize>,
    /// The step after.
    pub(super) after: Option<usize>,
    /// How many rows of it go on to the step after.
    pub(super) n_after: usize,
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
            Self { t, n, n_continued: shared(before), before, after, n_after: shared(after) }
        })
    }

    /// As a kernel is given it, and where the gates of its rows begin.
    pub(super) fn units(&self, steps: &SequenceSteps, d_hidden: usize) -> UnitsLaunch {
        UnitsLaunch::new(
            self.n * d_hidden,
            self.n_continued * d_hidden,
            self.n_after * d_hidden,
            steps.rows(self.t).start,
            self.before.map_or(0, |before| steps.rows(before).start * d_hidden),
            steps.n_rows() * d_hidden,
            steps.batch_size() * d_hidden,
            d_hidden,
        )
    }
}

/// The units of a step: element `row · d_hidden + column` of what has its rows alone.
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
    /// The first unit of the step before among those of all steps.
    pub(super) before: usize,
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

/// The masks on the state where it enters a step.
#[derive(CubeType, CubeLaunch)]
pub(super) struct Entering {
    /// Where that of the first gate begins.
    pub(super) mask: ComptimeOption<usize>,
    /// How far it is from the mask of a gate to that of the next.
    pub(super) to_next: usize,
    /// How many there are: one, or one for each gate.
    #[cube(comptime)]
    pub(super) n_masks: usize,
}

/// Where the masks on what a step computes begin, of those that are there.
#[derive(CubeType, CubeLaunch)]
pub(super) struct UnitMasks {
    pub(super) cell: ComptimeOption<usize>,
    pub(super) candidate: ComptimeOption<usize>,
    pub(super) hidden: ComptimeOption<usize>,
    pub(super) hidden_zoneout: ComptimeOption<usize>,
    pub(super) cell_zoneout: ComptimeOption<usize>,
}
