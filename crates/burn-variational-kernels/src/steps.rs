//! Which rows there are at each step of a batch of sequences, and which way they are walked.

use std::ops::Range;
use std::sync::Arc;

use crate::support::check_sizes;

/// The steps of a batch of sequences: how many rows each has, and which way they are walked.
///
/// The rows of all steps lie one after the other, step after step, and the rows of step `t` are
/// the first `n_t` of the batch: the longest sequences come first, so that `n_t` never grows with
/// `t` (the layout of `PyTorch`'s `PackedSequence`). A sequence that has ended has no rows, and
/// takes no work.
///
/// Walked backwards, every sequence begins at its own last step and ends at step 0. Nothing is
/// copied for it, and results lie as those of the other direction do.
///
/// # Example
///
/// ```
/// use burn_variational_kernels::SequenceSteps;
///
/// // Sequences of 3, 3 and 1 steps.
/// let steps = SequenceSteps::packed(&[3, 2, 2]);
/// assert_eq!((steps.seq_length(), steps.batch_size(), steps.n_rows()), (3, 3, 7));
/// assert_eq!(steps.rows(1), 3..5);
/// assert_eq!(steps.last_rows(), [5, 6, 2]);
/// assert_eq!(steps.backwards().last_rows(), [0, 1, 2]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceSteps {
    /// The first row of each step, and the end of the last.
    starts: Arc<[usize]>,
    backwards: bool,
}

impl SequenceSteps {
    /// The same rows at each step.
    ///
    /// # Panics
    ///
    /// If there is no step or no row.
    pub fn regular(seq_length: usize, batch_size: usize) -> Self {
        check_sizes("SequenceSteps", &[("seq_length", seq_length), ("batch_size", batch_size)]);
        Self { starts: (0..=seq_length).map(|t| t * batch_size).collect(), backwards: false }
    }

    /// So many rows at each step.
    ///
    /// # Panics
    ///
    /// If there is no step, or one has no rows or more than the one before it.
    pub fn packed(n_rows: &[usize]) -> Self {
        assert!(!n_rows.is_empty(), "SequenceSteps: there must be a step, got none");
        for (t, &n) in n_rows.iter().enumerate() {
            assert!(n > 0, "SequenceSteps: step {t} must have rows, got 0");
            let before = if t == 0 { n } else { n_rows[t - 1] };
            assert!(
                n <= before,
                "SequenceSteps: step {t} must have at most the {before} rows of the step before \
                 it, got {n}"
            );
        }
        let mut end = 0;
        let ends = n_rows.iter().map(|n| {
            end += n;
            end
        });
        Self { starts: std::iter::once(0).chain(ends).collect(), backwards: false }
    }

    /// The same steps, walked from the last to the first.
    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// Whether they are walked from the last to the first.
    pub fn is_backwards(&self) -> bool {
        self.backwards
    }

    /// The number of steps.
    pub fn seq_length(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of sequences, which is that of the rows of the first step.
    pub fn batch_size(&self) -> usize {
        self.n_at(0)
    }

    /// The rows of all steps.
    pub fn n_rows(&self) -> usize {
        self.starts[self.seq_length()]
    }

    /// Whether all sequences have all steps.
    pub fn is_regular(&self) -> bool {
        self.n_rows() == self.seq_length() * self.batch_size()
    }

    /// Where the rows of a step lie.
    #[inline]
    pub fn rows(&self, t: usize) -> Range<usize> {
        self.starts[t]..self.starts[t + 1]
    }

    /// The number of rows of a step.
    #[inline]
    pub fn n_at(&self, t: usize) -> usize {
        self.starts[t + 1] - self.starts[t]
    }

    /// Where row `row` of a step lies.
    #[inline]
    pub(crate) fn row(&self, t: usize, row: usize) -> usize {
        self.starts[t] + row
    }

    /// The step and the row of the batch that lie at a place.
    #[inline]
    pub(crate) fn at(&self, place: usize) -> (usize, usize) {
        let t = self.starts.partition_point(|&start| start <= place) - 1;
        (t, place - self.starts[t])
    }

    /// The step that comes at a place of the walk.
    #[inline]
    pub(crate) fn walked(&self, place: usize) -> usize {
        if self.backwards { self.seq_length() - 1 - place } else { place }
    }

    /// The steps in the order of the walk.
    pub fn walk(&self) -> impl DoubleEndedIterator<Item = usize> + use<'_> {
        (0..self.seq_length()).map(|place| self.walked(place))
    }

    /// The step from which a row of step `t` gets its state; none if it is the row's first.
    #[inline]
    pub(crate) fn before(&self, t: usize, row: usize) -> Option<usize> {
        if self.backwards {
            (t + 1 < self.seq_length() && row < self.n_at(t + 1)).then_some(t + 1)
        } else {
            t.checked_sub(1)
        }
    }

    /// Where the state lies that a row of step `t` gets; none if it is the initial one.
    #[inline]
    pub(crate) fn row_before(&self, t: usize, row: usize) -> Option<usize> {
        self.before(t, row).map(|before| self.row(before, row))
    }

    /// Where the last step of each sequence lies, in the order of the walk.
    pub fn last_rows(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (0..self.batch_size()).collect();
        if !self.backwards {
            for t in 1..self.seq_length() {
                for (row, place) in self.rows(t).enumerate() {
                    last[row] = place;
                }
            }
        }
        last
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
    fn a_state_comes_from_the_step_that_was_walked_before() {
        let forward = packed();
        assert_eq!(forward.row_before(0, 2), None);
        assert_eq!(forward.row_before(1, 2), Some(2));
        assert_eq!(forward.row_before(3, 0), Some(7));
        let backwards = packed().backwards();
        assert_eq!(backwards.row_before(3, 0), None);
        assert_eq!(backwards.row_before(1, 2), None);
        assert_eq!(backwards.row_before(1, 0), Some(7));
        assert_eq!(backwards.row_before(0, 3), None);
        assert_eq!(backwards.row_before(0, 2), Some(6));
    }

    #[test]
    fn places_are_steps_and_rows() {
        let steps = packed();
        for t in 0..4 {
            for (row, place) in steps.rows(t).enumerate() {
                assert_eq!(steps.at(place), (t, row));
                assert_eq!(steps.row(t, row), place);
            }
        }
    }

    #[test]
    fn steps_whose_rows_are_the_same_are_regular() {
        assert_eq!(SequenceSteps::packed(&[2, 2, 2]), SequenceSteps::regular(3, 2));
        assert!(SequenceSteps::regular(3, 2).is_regular());
        assert!(!packed().is_regular());
    }

    #[test]
    #[should_panic(expected = "SequenceSteps: step 2 must have at most the 1 rows of the step \
                               before it, got 2")]
    fn rows_that_come_later_are_refused() {
        let _ = SequenceSteps::packed(&[2, 1, 2]);
    }
}
