//! The walk back over a walk, stage by stage, as the threads of a sequence go through it.

use crate::steps::SequenceSteps;

/// Where a walk back over the walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WalkedBack {
    /// The step to go through, if there is one left.
    pub(crate) step: Option<usize>,
    /// Its rows.
    pub(crate) n_rows: usize,
    /// The step that the walk came to after it, if there is one.
    pub(crate) later: Option<usize>,
}

impl WalkedBack {
    /// The step to go through for a row; none where what is left is for its initial state.
    #[inline]
    pub(crate) fn step_of(self, row: usize) -> Option<usize> {
        self.step.filter(|_| row < self.n_rows)
    }
}

impl SequenceSteps {
    /// The steps of a walk back over the walk, at its `stage`: the one to go through, and the one
    /// that the walk came to after it. There is one stage more than there are steps.
    #[inline]
    pub(crate) fn walked_back(&self, stage: usize) -> WalkedBack {
        let seq_length = self.seq_length();
        let step = |stage: usize| (seq_length - 1).checked_sub(stage).map(|p| self.walked(p));
        let (step, later) = (step(stage), stage.checked_sub(1).and_then(step));
        WalkedBack { step, n_rows: step.map_or(0, |t| self.n_at(t)), later }
    }

    /// The step at which the walk of a row begins.
    pub(crate) fn first(&self, row: usize) -> usize {
        if !self.is_backwards() {
            return 0;
        }
        (1..self.seq_length()).take_while(|&t| row < self.n_at(t)).last().unwrap_or(0)
    }

    /// The step that gets the state of a row from step `t`; none if it is the row's last.
    #[inline]
    pub(crate) fn after(&self, t: usize, row: usize) -> Option<usize> {
        if self.is_backwards() {
            t.checked_sub(1)
        } else {
            (t + 1 < self.seq_length() && row < self.n_at(t + 1)).then_some(t + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sequences of 4, 2, 2 and 1 steps.
    fn packed() -> SequenceSteps {
        SequenceSteps::packed(&[4, 3, 1, 1])
    }

    #[test]
    fn a_walk_back_comes_to_every_step_once() {
        let stages = |steps: &SequenceSteps| {
            (0..=4).map(|stage| steps.walked_back(stage).step).collect::<Vec<_>>()
        };
        assert_eq!(stages(&packed()), [Some(3), Some(2), Some(1), Some(0), None]);
        assert_eq!(stages(&packed().backwards()), [Some(0), Some(1), Some(2), Some(3), None]);
        let first = WalkedBack { step: Some(3), n_rows: 1, later: None };
        assert_eq!(packed().walked_back(0), first);
        assert_eq!(first.step_of(0), Some(3));
        assert_eq!(first.step_of(1), None);
        let end = WalkedBack { step: None, n_rows: 0, later: Some(0) };
        assert_eq!(packed().walked_back(4), end);
    }

    #[test]
    fn a_row_begins_where_no_step_comes_before_and_ends_where_none_comes_after() {
        let rows = |steps: &SequenceSteps| {
            let rows = (0..4).flat_map(|t| (0..steps.n_at(t)).map(move |row| (t, row)));
            rows.collect::<Vec<_>>()
        };
        let ends = |steps: &SequenceSteps| {
            let rows = rows(steps).into_iter();
            rows.filter(|&(t, row)| steps.after(t, row).is_none()).collect::<Vec<_>>()
        };
        assert_eq!(ends(&packed()), [(0, 3), (1, 1), (1, 2), (3, 0)]);
        assert_eq!(ends(&packed().backwards()), [(0, 0), (0, 1), (0, 2), (0, 3)]);
        for steps in [packed(), packed().backwards()] {
            for (t, row) in rows(&steps) {
                assert_eq!(steps.before(t, row).is_none(), steps.first(row) == t);
                let after = steps.after(t, row);
                assert_eq!(after.and_then(|after| steps.before(after, row)), after.map(|_| t));
            }
        }
    }
}
