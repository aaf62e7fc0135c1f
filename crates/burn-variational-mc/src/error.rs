//! Why a Monte Carlo prediction could not be made.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a Monte Carlo prediction could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MonteCarloError {
    /// The model asked for no mask, so all draws would be one and their variance a silent 0.
    #[error(
        "the model asked for no mask: sample its masks from `pass.draw()` and give it at least one \
         dropout site (one at rate 0 counts)"
    )]
    NoDraw,
    /// The model ran on an autodiff device, where every pass would keep its graph.
    #[error("the model ran on an autodiff device: predict with `model.valid()` and plain inputs")]
    Autodiff,
    /// The model ran on, or sampled masks for, the rows of the batch, and not all draws of them.
    #[error(
        "the model saw {got} rows in a pass of {n_draws} draws of {n_rows} rows: \
         give it `pass.fold(&input)`"
    )]
    ForgottenFold {
        /// The draws of the pass.
        n_draws: usize,
        /// The rows of each draw.
        n_rows: usize,
        /// The rows of the output, or those that masks were sampled for.
        got: usize,
    },
    /// The model returned another number of rows than the pass holds.
    #[error("the model returned {got} rows for a pass of {expected}")]
    Rows {
        /// The rows of the pass.
        expected: usize,
        /// The rows of the output.
        got: usize,
    },
    /// An output was not a number, or infinite.
    #[error(
        "the model gave an output that is not finite for row {row}, first in draw {draw}: check its \
         input and its weights; a class that is to be impossible needs a logit such as -1e4"
    )]
    NotFinite {
        /// The first draw in which it was.
        draw: u64,
        /// A row in which it was, counted as the masks' rows are.
        row: u64,
    },
    /// An early stop was asked for, of a statistic that has no standard error.
    #[error(
        "the statistic has no standard error to stop early by: give it `is_settled`, or run all draws"
    )]
    NoStandardError,
    /// The progress callback said to stop.
    #[error("the prediction was cancelled")]
    Cancelled,
    /// Every device of the [replicas](crate::Replicas) failed.
    #[error("no device is left: {}", join(.0))]
    Devices(Vec<DeviceFailure>),
}

/// A device that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeviceFailure {
    /// The device.
    pub device: String,
    /// Why it failed.
    pub reason: String,
}

fn join(failures: &[DeviceFailure]) -> String {
    let texts =
        failures.iter().map(|DeviceFailure { device, reason }| format!("{device}: {reason}"));
    texts.collect::<Vec<_>>().join("; ")
}
