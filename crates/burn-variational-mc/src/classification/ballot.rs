//! A vote of each draw for a class.

use burn::tensor::{Bool, Device, Int, Tensor};
use serde::{Deserialize, Serialize};

/// How many draws voted for each class, `[n_rows, .., n_classes]`.
///
/// Counts are whole numbers: they are the same in whatever order votes are cast.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ballot<const D: usize> {
    votes: Option<Tensor<D, Int>>,
}

impl<const D: usize> Ballot<D> {
    /// A draw votes for the class of its largest score, the lowest of equal ones.
    pub(super) fn cast(&mut self, scores: Tensor<D>) {
        let dims = scores.dims();
        self.add(one_hot(lowest_argmax(scores), dims).int());
    }

    pub(super) fn merge(&mut self, other: Self) {
        if let Some(votes) = other.votes {
            self.add(votes);
        }
    }

    pub(super) fn append_rows(&mut self, other: Self) {
        let parts = [self.votes.take(), other.votes];
        self.votes = Some(Tensor::cat(parts.into_iter().flatten().collect(), 0));
    }

    /// The votes for each class.
    ///
    /// # Panics
    ///
    /// If there was none.
    pub(super) fn votes(self) -> Tensor<D, Int> {
        self.votes.expect("ClassProbabilities: there must be at least one draw, got 0")
    }

    fn add(&mut self, votes: Tensor<D, Int>) {
        self.votes = Some(match self.votes.take() {
            None => votes,
            Some(before) => before + votes,
        });
    }
}

/// The class of the largest score, the lowest of equal ones: `[.., 1]` of `[.., n_classes]`. Which of
/// equal ones `argmax` gives is up to the backend.
pub(super) fn lowest_argmax<const D: usize>(scores: Tensor<D>) -> Tensor<D, Int> {
    let dims = scores.dims();
    let smaller = scores.clone().lower(scores.clone().max_dim(D - 1).expand(dims));
    let classes = classes(dims, &scores.device());
    classes.mask_fill(smaller, n_classes(dims)).min_dim(D - 1)
}

/// True at the class, `[.., n_classes]` of `[.., 1]`.
pub(super) fn one_hot<const D: usize>(class: Tensor<D, Int>, dims: [usize; D]) -> Tensor<D, Bool> {
    classes(dims, &class.device()).equal(class.expand(dims))
}

/// The number of each class in its place, `[.., n_classes]`.
fn classes<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D, Int> {
    let mut row = [1; D];
    row[D - 1] = dims[D - 1];
    Tensor::<1, Int>::arange(0..n_classes(dims), device).reshape(row).expand(dims)
}

fn n_classes<const D: usize>(dims: [usize; D]) -> i64 {
    i64::try_from(dims[D - 1]).expect("a tensor has fewer classes")
}
