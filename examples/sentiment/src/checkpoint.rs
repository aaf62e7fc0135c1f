//! What a method has done so far, as its checkpoint keeps it.
//!
//! Numbers are `f32`: what JSON says of one is read back as it was, which is not so of every `f64`.

use serde::{Deserialize, Serialize};

use crate::arguments::Run;
use crate::output::MethodResult;

/// Where a method stands: everything beside model and optimiser that going on needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MethodCheckpoint {
    /// The run this belongs to.
    pub(crate) run: Run,
    /// What each epoch so far has come to.
    pub(crate) epochs: Vec<EpochRecord>,
    /// Optimisation steps so far, and the tokens they read.
    pub(crate) n_steps: u64,
    pub(crate) n_tokens: u64,
    /// Seconds spent in training steps, and in evaluating after each epoch.
    pub(crate) train_seconds: f64,
    pub(crate) evaluation_seconds: f64,
    /// Set once the method is evaluated: there is nothing left to do.
    pub(crate) finished: Option<FinishedMethod>,
}

/// What an epoch has come to: root mean squared errors of standardised ratings, piece by piece.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct EpochRecord {
    /// Of the training pieces while they were trained on, dropout and all.
    pub(crate) as_trained: f32,
    /// Of some training pieces by weight averaging.
    pub(crate) train: f32,
    /// Of the test pieces by weight averaging.
    pub(crate) test: f32,
    /// Of the test pieces by Monte Carlo over a few draws, after some of the epochs.
    pub(crate) test_mc: Option<f32>,
}

/// What a method has come to, and what its pictures show.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FinishedMethod {
    pub(crate) result: MethodResult,
    pub(crate) epochs: Vec<EpochRecord>,
    pub(crate) averaged: Judged,
    /// By Monte Carlo, if anything is dropped.
    pub(crate) monte_carlo: Option<Judged>,
}

/// Predictions of the test pieces beside their ratings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Judged {
    /// The share of the pieces in their interval of each of the [`LEVELS`].
    pub(crate) coverage: Vec<f32>,
    pub(crate) rows: Vec<TestRow>,
}

/// The levels of the intervals whose coverage is drawn.
pub(crate) const LEVELS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// A test piece: its rating, what was predicted, and the 90 % interval, all standardised.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct TestRow {
    pub(crate) observed: f32,
    pub(crate) mean: f32,
    /// The standard deviation of the draws.
    pub(crate) epistemic: f32,
    pub(crate) low: f32,
    pub(crate) high: f32,
}

impl MethodCheckpoint {
    pub(crate) fn new(run: &Run) -> Self {
        Self {
            run: run.clone(),
            epochs: Vec::new(),
            n_steps: 0,
            n_tokens: 0,
            train_seconds: 0.0,
            evaluation_seconds: 0.0,
            finished: None,
        }
    }
}
