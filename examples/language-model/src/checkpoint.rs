//! What a method has done so far, as its checkpoint keeps it.

use serde::{Deserialize, Serialize};

use crate::arguments::Run;
use crate::output::MethodResult;

/// Where a method stands: everything beside model and optimiser that going on needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MethodCheckpoint {
    /// The run this belongs to, seed and schedule included.
    pub(crate) run: Run,
    /// What each epoch so far has come to.
    pub(crate) epochs: Vec<EpochRecord>,
    /// Seconds spent in training steps.
    pub(crate) train_seconds: f64,
    /// Set once the method is evaluated: there is nothing left to do.
    pub(crate) result: Option<MethodResult>,
}

/// What an epoch has come to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct EpochRecord {
    /// Perplexity of the training text while it was trained on, dropout and all.
    pub(crate) train_ppl: f64,
    /// Perplexity of the validation text, with expected masks.
    pub(crate) valid_ppl: f64,
}

impl MethodCheckpoint {
    pub(crate) fn new(run: &Run) -> Self {
        Self { run: run.clone(), epochs: Vec::new(), train_seconds: 0.0, result: None }
    }
}

/// A method that is done.
#[derive(Debug, Clone)]
pub(crate) struct FinishedMethod {
    pub(crate) result: MethodResult,
    pub(crate) epochs: Vec<EpochRecord>,
}
