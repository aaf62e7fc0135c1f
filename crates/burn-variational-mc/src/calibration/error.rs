//! What is wrong with predictions that are to be judged, or with data to fit on.

use thiserror::Error;

/// What is wrong with predictions that are to be judged, or with data to fit on.
///
/// `at` is the index of a value in the tensor that was given, its row first; among several draws the
/// number of the draw comes before, and a number that came alone has none.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// There is nothing to judge.
    #[error("{what}: there must be at least one value, got none")]
    Empty {
        /// What was given.
        what: &'static str,
    },
    /// A value is infinite or NaN.
    #[error("{what}{} must be finite, got {value}", place(at))]
    NotFinite {
        /// What was given.
        what: &'static str,
        /// The index of the value.
        at: Vec<usize>,
        /// The value.
        value: f64,
    },
    /// A value is NaN where infinity would do.
    #[error("{what} at {at:?} must be a number, got NaN")]
    NotANumber {
        /// What was given.
        what: &'static str,
        /// The index of the value.
        at: Vec<usize>,
    },
    /// A variance or a standard deviation is not positive and finite.
    #[error("{what} at {at:?} must be positive and finite, got {value}")]
    NotPositive {
        /// What was given.
        what: &'static str,
        /// The index of the value.
        at: Vec<usize>,
        /// The value.
        value: f64,
    },
    /// A probability is negative, larger than 1 or NaN.
    #[error("probability at {at:?} must be in [0, 1], got {value}")]
    Probability {
        /// The index of the probability, its class last.
        at: Vec<usize>,
        /// The value.
        value: f64,
    },
    /// The probabilities of the classes do not sum to 1.
    #[error("probabilities at {at:?} must sum to 1, got {sum}")]
    Sum {
        /// The index of the prediction.
        at: Vec<usize>,
        /// Their sum.
        sum: f64,
    },
    /// A class that is none of those predicted.
    #[error("class at {at:?} must be in 0..{n_classes}, got {class}")]
    Class {
        /// The index of the class.
        at: Vec<usize>,
        /// The number of classes.
        n_classes: usize,
        /// The class.
        class: i64,
    },
    /// The likelihood has no maximum: it only grows as what is fitted goes to a limit.
    #[error("no {what} is likeliest: the likelihood grows as it goes to {limit}: {reason}")]
    Unbounded {
        /// What is fitted.
        what: &'static str,
        /// Where the likelihood grows, 0 or infinity.
        limit: f64,
        /// What data do so.
        reason: &'static str,
    },
    /// Too few calibration rows to cover at this level by any finite interval.
    #[error("a conformal interval of level {level} needs {needed} calibration rows, got {n_rows}")]
    TooFewRows {
        /// The level asked for.
        level: f64,
        /// The rows that it takes.
        needed: usize,
        /// The rows given.
        n_rows: usize,
    },
}

fn place(at: &[usize]) -> String {
    if at.is_empty() { String::new() } else { format!(" at {at:?}") }
}
