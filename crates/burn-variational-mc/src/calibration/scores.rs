//! A score of every prediction, and their mean.

use serde::{Deserialize, Serialize};

/// A score of every prediction, the lower the better, in the order of the tensor that was judged
/// (row-major).
///
/// Scores of one row at a time can be averaged as a question asks: all of them, or those of a step
/// ahead, of an output, of the rows of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    values: Vec<f64>,
}

impl Scores {
    /// There must be one.
    pub(super) fn new(values: Vec<f64>) -> Self {
        Self { values }
    }

    /// Of each prediction.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// `1/N Σ_n score_n`.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }
}
