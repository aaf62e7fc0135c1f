//! The rows there are, with a label and without.

use burn::tensor::{Int, Tensor, TensorData, kind::Basic};
use burn_variational_dropout::MaskDraw;
use serde::{Deserialize, Serialize};

use super::{AcquisitionError, Perturbation, Selection};
use crate::host::on_host;

/// The rows of a data set, of which some are labelled.
///
/// It holds their numbers alone, and is saved by serde between rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// In the order in which they were taken.
    labelled: Vec<usize>,
    /// Ascending.
    unlabelled: Vec<usize>,
}

impl Pool {
    /// Of so many rows, none of them labelled.
    pub fn new(n_rows: usize) -> Self {
        Self { labelled: Vec::new(), unlabelled: (0..n_rows).collect() }
    }

    /// The labelled rows, in the order in which they were taken.
    pub fn labelled(&self) -> &[usize] {
        &self.labelled
    }

    /// The rows without a label, in the order of the data set.
    pub fn unlabelled(&self) -> &[usize] {
        &self.unlabelled
    }

    /// The labelled rows of a tensor of all, in the order in which they were taken.
    ///
    /// # Shapes
    ///
    /// - all: `[n_rows, ..]`
    ///
    /// # Panics
    ///
    /// If the tensor has other rows than the pool.
    pub fn labelled_of<const D: usize, K: Basic>(&self, all: &Tensor<D, K>) -> Tensor<D, K> {
        self.select(&self.labelled, all)
    }

    /// The rows of a tensor of all that have no label.
    ///
    /// # Shapes
    ///
    /// - all: `[n_rows, ..]`
    ///
    /// # Panics
    ///
    /// If the tensor has other rows than the pool.
    pub fn unlabelled_of<const D: usize, K: Basic>(&self, all: &Tensor<D, K>) -> Tensor<D, K> {
        self.select(&self.unlabelled, all)
    }

    fn select<const D: usize, K: Basic>(&self, rows: &[usize], all: &Tensor<D, K>) -> Tensor<D, K> {
        let (expected, got) = (self.labelled.len() + self.unlabelled.len(), all.dims()[0]);
        assert!(
            got == expected,
            "Pool: a tensor must have the {expected} rows of the pool, got {got}"
        );
        let rows = TensorData::new(rows.iter().map(|&row| row as u64).collect(), [rows.len()]);
        all.clone().select(0, Tensor::<1, Int>::from_data(rows, &all.device()))
    }

    /// Takes the `k` unlabelled rows that are chosen by their scores, and returns them, the first
    /// choice first: label them, they count as labelled from now on.
    ///
    /// # Shapes
    ///
    /// - scores: `[n_unlabelled]`, in the order of [`unlabelled`](Self::unlabelled)
    ///
    /// # Errors
    ///
    /// If a score is no number, or negative where a power is taken of it, or fewer than `k` rows are
    /// left. Then nothing is taken.
    ///
    /// # Panics
    ///
    /// If there are other scores than unlabelled rows, `beta` is not positive and finite, or several
    /// draws are folded into the draw of the noise.
    pub fn take(
        &mut self,
        k: usize,
        scores: &Tensor<1>,
        selection: &Selection,
    ) -> Result<Vec<usize>, AcquisitionError> {
        let (left, [n_scores]) = (self.unlabelled.len(), scores.dims());
        assert!(
            n_scores == left,
            "Pool: there must be a score for each of the {left} unlabelled rows, got {n_scores}"
        );
        self.take_chosen(k, &on_host(scores), selection)
    }

    /// Takes `k` unlabelled rows at random: the first of all, and what a score has to beat.
    ///
    /// # Errors
    ///
    /// If fewer than `k` rows are left. Then nothing is taken.
    ///
    /// # Panics
    ///
    /// If several draws are folded into the draw.
    pub fn take_at_random(
        &mut self,
        k: usize,
        draw: MaskDraw,
    ) -> Result<Vec<usize>, AcquisitionError> {
        let equal = vec![0.0; self.unlabelled.len()];
        let by_noise =
            Selection::Stochastic { perturbation: Perturbation::Softmax, beta: 1.0, draw };
        self.take_chosen(k, &equal, &by_noise)
    }

    fn take_chosen(
        &mut self,
        k: usize,
        scores: &[f64],
        selection: &Selection,
    ) -> Result<Vec<usize>, AcquisitionError> {
        let left = self.unlabelled.len();
        if left < k {
            return Err(AcquisitionError::TooFew { left, asked: k });
        }
        let chosen = selection.choose(k, &self.unlabelled, scores)?;
        self.labelled.extend(&chosen);
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        self.unlabelled.retain(|row| sorted.binary_search(row).is_err());
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use burn_variational_dropout::MaskRng;

    fn scores<const N: usize>(values: [f64; N]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    fn stochastic(perturbation: Perturbation, beta: f64, round: u64) -> Selection {
        Selection::Stochastic { perturbation, beta, draw: MaskRng::seeded(1).draw(round) }
    }

    #[test]
    fn the_highest_scores_are_taken_and_of_equal_ones_the_first() {
        let mut pool = Pool::new(5);
        let taken = pool.take(3, &scores([0.1, 0.7, 0.3, 0.7, 0.2]), &Selection::TopK).unwrap();
        assert_eq!(taken, [1, 3, 2]);
        assert_eq!((pool.labelled(), pool.unlabelled()), (&[1, 3, 2][..], &[0, 4][..]));
        // Scores are of the rows that are left.
        assert_eq!(pool.take(1, &scores([0.0, 1.0]), &Selection::TopK).unwrap(), [4]);
        let all = Tensor::<2>::from_data([[0.0], [1.0], [2.0], [3.0], [4.0]], &Device::flex());
        let values = |rows: Tensor<2>| rows.into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(values(pool.labelled_of(&all)), [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(values(pool.unlabelled_of(&all)), [0.0]);
    }

    #[test]
    fn a_row_is_sampled_as_often_as_its_score_says() {
        // Of scores 1, 2, 3 and a power of 1, the first choice is row r with probability s_r / 6.
        let n_rounds = 4000;
        let mut counts = [0_u32; 3];
        for round in 0..n_rounds {
            let choice = stochastic(Perturbation::Power, 1.0, round);
            counts[Pool::new(3).take(1, &scores([1.0, 2.0, 3.0]), &choice).unwrap()[0]] += 1;
        }
        for (score, count) in (1..).zip(counts) {
            let (expected, got) = (f64::from(score) / 6.0, f64::from(count) / n_rounds as f64);
            // Four standard deviations of a share of 4000.
            assert!((got - expected).abs() < 0.032, "{got} for {expected}");
        }
    }

    #[test]
    fn cold_noise_takes_the_highest_scores_whatever_it_is_added_to() {
        for perturbation in [Perturbation::Softmax, Perturbation::Power, Perturbation::SoftRank] {
            let choice = stochastic(perturbation, 1e6, 0);
            let taken = Pool::new(4).take(2, &scores([0.5, 0.1, 0.9, 0.2]), &choice).unwrap();
            assert_eq!(taken, [2, 0], "{perturbation:?}");
        }
    }

    #[test]
    fn ranks_do_not_mind_the_scale_of_the_scores() {
        let taken = |scale: f64| {
            let choice = stochastic(Perturbation::SoftRank, 1.0, 3);
            Pool::new(4).take(3, &scores([0.5, 0.1, 0.9, 0.2].map(|s| s * scale)), &choice).unwrap()
        };
        assert_eq!(taken(1.0), taken(1e6));
    }

    #[test]
    fn a_score_of_nothing_is_taken_last_by_a_power() {
        for round in 0..50 {
            let choice = stochastic(Perturbation::Power, 1.0, round);
            let taken = Pool::new(3).take(3, &scores([1e-9, 0.0, 1.0]), &choice).unwrap();
            assert_eq!(taken[2], 1);
        }
    }

    #[test]
    fn the_noise_of_a_row_is_its_own_and_that_of_a_round_too() {
        let order = |pool: &mut Pool, round| {
            let k = pool.unlabelled().len();
            pool.take_at_random(k, MaskRng::seeded(1).draw(round)).unwrap()
        };
        let whole = order(&mut Pool::new(100), 0);
        let mut rest = Pool::new(100);
        rest.take(1, &Tensor::zeros([100], &Device::flex()), &Selection::TopK).unwrap();
        let without_first: Vec<_> = whole.iter().copied().filter(|&row| row != 0).collect();
        assert_eq!(order(&mut rest, 0), without_first);
        assert_ne!(order(&mut Pool::new(100), 1), whole);
    }

    #[test]
    fn what_cannot_be_chosen_is_an_error_and_takes_nothing() {
        let mut pool = Pool::new(2);
        let message = |error: AcquisitionError| error.to_string();
        let error = pool.take(3, &scores([1.0, 1.0]), &Selection::TopK).unwrap_err();
        assert_eq!(message(error), "the pool has 2 unlabelled rows left, 3 were asked for");
        let error = pool.take_at_random(3, MaskRng::seeded(1).draw(0)).unwrap_err();
        assert_eq!(message(error), "the pool has 2 unlabelled rows left, 3 were asked for");
        let error = pool.take(1, &scores([1.0, f64::NAN]), &Selection::TopK).unwrap_err();
        assert_eq!(message(error), "the score of row 1 must be a number, got NaN");
        let power = stochastic(Perturbation::Power, 1.0, 0);
        let error = pool.take(1, &scores([1.0, -2.0]), &power).unwrap_err();
        let expected = "the score of row 1 must not be negative for a power of it, got -2";
        assert_eq!(message(error), expected);
        assert_eq!(pool, Pool::new(2));
    }

    #[test]
    #[should_panic(
        expected = "Pool: there must be a score for each of the 2 unlabelled rows, got 1"
    )]
    fn other_scores_than_rows_are_refused() {
        let _ = Pool::new(2).take(1, &scores([1.0]), &Selection::TopK);
    }

    #[test]
    #[should_panic(expected = "Selection: beta must be positive and finite, got 0")]
    fn noise_without_end_is_refused() {
        let choice = stochastic(Perturbation::Softmax, 0.0, 0);
        let _ = Pool::new(1).take(1, &scores([1.0]), &choice);
    }

    #[test]
    #[should_panic(expected = "Pool: a tensor must have the 2 rows of the pool, got 3")]
    fn a_tensor_of_other_rows_is_refused() {
        let _ = Pool::new(2).labelled_of(&Tensor::<1>::zeros([3], &Device::flex()));
    }
}
