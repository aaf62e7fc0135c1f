//! What a Monte Carlo run gives.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::{DeviceFailure, MonteCarloError};

/// What a Monte Carlo run gives, of how many draws, and whether anything in it was random.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate<T> {
    value: T,
    n_draws: usize,
    is_random: bool,
    failures: Vec<DeviceFailure>,
}

/// An estimate, or why there is none.
pub type MonteCarloResult<T> = Result<Estimate<T>, MonteCarloError>;

impl<T> Estimate<T> {
    pub(crate) fn new(value: T, n_draws: usize, is_random: bool) -> Self {
        Self { value, n_draws, is_random, failures: Vec::new() }
    }

    pub(crate) fn with_failures(mut self, failures: Vec<DeviceFailure>) -> Self {
        self.failures = failures;
        self
    }

    /// The number of draws that were made: fewer than were asked for if the run
    /// [stopped early](crate::MonteCarlo::with_early_stop).
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// Whether the draws could differ. They could not if the model asked for masks at rate 0
    /// alone: then a variance of 0 says nothing of what the model knows.
    pub fn is_random(&self) -> bool {
        self.is_random
    }

    /// The devices of the [replicas](crate::Replicas) that failed on the way, whose draws were made
    /// by the others.
    pub fn failures(&self) -> &[DeviceFailure] {
        &self.failures
    }

    /// What was estimated.
    pub fn into_value(self) -> T {
        self.value
    }

    /// What `f` makes of it.
    pub fn map<R>(self, f: impl FnOnce(T) -> R) -> Estimate<R> {
        let Self { value, n_draws, is_random, failures } = self;
        Estimate { value: f(value), n_draws, is_random, failures }
    }
}

impl<T> Deref for Estimate<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
