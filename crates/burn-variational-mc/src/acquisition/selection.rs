//! Which rows the scores choose.

use burn_variational_dropout::MaskDraw;
use thiserror::Error;

/// How a batch of rows is chosen by its scores.
#[derive(Debug)]
pub enum Selection {
    /// The highest scores; of equal ones, the first rows.
    TopK,
    /// Rows sampled by their scores, without replacement: the `k` highest of
    ///
    /// ```text
    /// f(score) + ε / β        ε ~ Gumbel(0, 1)
    /// ```
    ///
    /// with `f` by the [`Perturbation`]. As `β` grows it becomes `TopK`, as it goes to 0 any batch is
    /// as likely as any other. The noise of a row is that of its place in the pool, whatever the
    /// others.
    Stochastic {
        /// What the noise is added to.
        perturbation: Perturbation,
        /// The coldness, `β`; the paper has 1.
        beta: f64,
        /// The draw of the noise: another one each round.
        draw: MaskDraw,
    },
}

/// What the noise of [`Selection::Stochastic`] is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Perturbation {
    /// `f(s) = s`.
    Softmax,
    /// `f(s) = log s`: a row of score 0 is chosen last. No score may be negative.
    Power,
    /// `f(s) = -log r`, with `r` the rank of the score, 1 for the highest: no scale of the scores
    /// matters.
    SoftRank,
}

/// Why no rows could be chosen.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum AcquisitionError {
    /// A score is no number.
    #[error("the score of row {row} must be a number, got NaN")]
    NotANumber {
        /// Its row in the pool.
        row: usize,
    },
    /// A score that a power is taken of is negative.
    #[error("the score of row {row} must not be negative for a power of it, got {score}")]
    Negative {
        /// Its row in the pool.
        row: usize,
        /// The score.
        score: f64,
    },
    /// Fewer rows are left than were asked for.
    #[error("the pool has {left} unlabelled rows left, {asked} were asked for")]
    TooFew {
        /// The rows left.
        left: usize,
        /// The rows asked for.
        asked: usize,
    },
}

impl Selection {
    /// The `k` of these rows that their scores choose, the first choice first.
    pub(super) fn choose(
        &self,
        k: usize,
        rows: &[usize],
        scores: &[f64],
    ) -> Result<Vec<usize>, AcquisitionError> {
        for (&row, &score) in rows.iter().zip(scores) {
            if score.is_nan() {
                return Err(AcquisitionError::NotANumber { row });
            }
            if score < 0.0
                && matches!(self, Self::Stochastic { perturbation: Perturbation::Power, .. })
            {
                return Err(AcquisitionError::Negative { row, score });
            }
        }
        let places = match self {
            Self::TopK => descending(scores),
            Self::Stochastic { perturbation, beta, draw } => {
                assert!(
                    *beta > 0.0 && beta.is_finite(),
                    "Selection: beta must be positive and finite, got {beta}"
                );
                let noise = gumbel(rows, draw);
                let values = perturbation.of(scores).into_iter().zip(noise);
                descending(&values.map(|(value, noise)| value + noise / beta).collect::<Vec<_>>())
            }
        };
        Ok(places.into_iter().take(k).map(|place| rows[place]).collect())
    }
}

impl Perturbation {
    fn of(self, scores: &[f64]) -> Vec<f64> {
        match self {
            Self::Softmax => scores.to_vec(),
            Self::Power => scores.iter().map(|score| score.ln()).collect(),
            Self::SoftRank => {
                let mut values = vec![0.0; scores.len()];
                for (rank, place) in descending(scores).into_iter().enumerate() {
                    values[place] = -((rank + 1) as f64).ln();
                }
                values
            }
        }
    }
}

/// A number for each row, by its place in the pool.
fn gumbel(rows: &[usize], draw: &MaskDraw) -> Vec<f64> {
    let words = draw.shared_words("Selection");
    // The logarithms are of (0, 1).
    let uniform = |&row: &usize| words.uniform(row as u64).max(f64::MIN_POSITIVE);
    rows.iter().map(uniform).map(|u| -(-u.ln()).ln()).collect()
}

/// The places of values, the largest first; of equal ones, the first.
fn descending(values: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    places
}
