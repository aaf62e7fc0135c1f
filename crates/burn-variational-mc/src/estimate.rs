//! What a Monte Carlo run gives.

use std::ops::Deref;

use burn::tensor::Tensor;

use crate::{MonteCarloError, Statistic};

/// What a Monte Carlo run gives, and whether anything in it was random.
#[derive(Debug, Clone)]
pub struct Estimate<T> {
    value: T,
    is_random: bool,
}

/// An estimate, or why there is none.
pub type MonteCarloResult<T> = Result<Estimate<T>, MonteCarloError>;

impl<T> Estimate<T> {
    /// Of draws that may differ.
    pub(crate) fn new(value: T) -> Self {
        Self { value, is_random: true }
    }

    /// Notes that the draws could not differ.
    pub(crate) fn was_not_random(&mut self) {
        self.is_random = false;
    }

    /// Whether the draws could differ. They could not if the model asked for masks at rate 0
    /// alone: then a variance of 0 says nothing of what the model knows.
    pub fn is_random(&self) -> bool {
        self.is_random
    }

    /// What was estimated.
    pub fn into_value(self) -> T {
        self.value
    }

    /// What `f` makes of it.
    pub fn map<R>(self, f: impl FnOnce(T) -> R) -> Estimate<R> {
        Estimate { value: f(self.value), is_random: self.is_random }
    }
}

impl<T> Deref for Estimate<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<S> Estimate<S> {
    /// Takes in a draw.
    pub(crate) fn push<const D: usize>(&mut self, draw: Tensor<D>)
    where
        S: Statistic<D>,
    {
        self.value.push(draw);
    }

    /// The same draws of these rows, after those that there are.
    pub(crate) fn append_rows<const D: usize>(all: Option<Self>, rows: Self) -> Self
    where
        S: Statistic<D>,
    {
        let Some(mut all) = all else { return rows };
        all.is_random |= rows.is_random;
        all.value.append_rows(rows.value);
        all
    }
}
