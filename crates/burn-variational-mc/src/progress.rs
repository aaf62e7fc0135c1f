//! How far a run is, and whether it goes on.

use std::fmt::{self, Debug, Formatter};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::MonteCarloError;

/// How far a Monte Carlo run is, after each pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The batch at work, or the window of a text, from 0 on.
    pub batch: usize,
    /// Its rows.
    pub n_rows: usize,
    /// The draws that each row gets, unless the run stops early.
    pub n_draws: usize,
    /// What is done of the batch: the draws of each row, added up over the rows, `n_rows * n_draws`
    /// in the end.
    pub n_done: usize,
}

impl Progress {
    /// What is done of the batch, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        self.n_done as f64 / (self.n_rows * self.n_draws) as f64
    }
}

/// What hears of the progress of a run, and may end it.
#[derive(Clone)]
pub(crate) struct Callback(Arc<dyn Fn(Progress) -> ControlFlow<()> + Send + Sync>);

impl Callback {
    pub(crate) fn new(
        callback: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(callback))
    }

    /// # Errors
    ///
    /// If it ends the run.
    pub(crate) fn call(&self, progress: Progress) -> Result<(), MonteCarloError> {
        match (self.0)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(MonteCarloError::Cancelled),
        }
    }
}

impl Debug for Callback {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}
