//! What a method has done so far, as its checkpoint keeps it.

use std::collections::BTreeMap;

use burn_variational::training::NtAsgd;
use serde::{Deserialize, Serialize};

use crate::arguments::Run;
use crate::output::MethodResult;
use crate::preset::Schedule;
use crate::strange::Strangeness;

/// Where a method stands: everything beside model and optimiser that going on needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MethodCheckpoint {
    /// The run this belongs to, seed and schedule included.
    pub(crate) run: Run,
    /// What each epoch so far has come to.
    pub(crate) epochs: Vec<EpochRecord>,
    /// Optimisation steps so far, and the tokens they read.
    pub(crate) n_steps: u64,
    pub(crate) n_tokens: u64,
    /// Where averaging of the parameters stands, and what its trigger waits for, if the recipe has
    /// it.
    pub(crate) averaging: Option<NtAsgd>,
    /// Seconds spent in training steps.
    pub(crate) train_seconds: Exact,
    /// Set once the method is evaluated: there is nothing left to do.
    pub(crate) evaluation: Option<Evaluation>,
}

/// What an epoch has come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EpochRecord {
    /// Perplexity of the training text while it was trained on, dropout and all.
    pub(crate) train_ppl: Exact,
    /// Perplexity of the validation text, with expected masks.
    pub(crate) valid_ppl: Exact,
    /// The learned rates, by site, if any are.
    pub(crate) rates: Option<BTreeMap<String, Exact>>,
}

/// What a trained model has come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Evaluation {
    pub(crate) train_ppl: Exact,
    pub(crate) test_ppl: Exact,
    /// By Monte Carlo with word types left whole, against the number of draws.
    pub(crate) test_mc: Option<Vec<DrawsPerplexity>>,
    /// By Monte Carlo with word types dropped too.
    pub(crate) test_mc_types_dropped: Option<Vec<DrawsPerplexity>>,
    /// How well the uncertainty tells strange text.
    pub(crate) strangeness: Option<Strangeness>,
}

/// A perplexity by Monte Carlo over so many draws.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct DrawsPerplexity {
    pub(crate) n_draws: usize,
    pub(crate) ppl: Exact,
}

/// A number that comes back from a checkpoint as it went in, the last bit and NaN included: it is
/// written as a string, which the standard library reads exactly and JSON numbers are not.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Exact(pub(crate) f64);

impl From<Exact> for String {
    fn from(Exact(value): Exact) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for Exact {
    type Error = std::num::ParseFloatError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl MethodCheckpoint {
    pub(crate) fn new(run: &Run, averaging: Option<NtAsgd>) -> Self {
        Self {
            run: run.clone(),
            epochs: Vec::new(),
            n_steps: 0,
            n_tokens: 0,
            averaging,
            train_seconds: Exact(0.0),
            evaluation: None,
        }
    }

    /// The epochs that did not improve on all before them.
    fn n_without_improvement(&self) -> usize {
        let mut best = f64::INFINITY;
        let no_improvement = |epoch: &&EpochRecord| {
            let improves = epoch.valid_ppl.0 < best;
            best = best.min(epoch.valid_ppl.0);
            !improves
        };
        self.epochs.iter().filter(no_improvement).count()
    }

    /// The learning rate of an epoch, counted from 1: that of the schedule, or its first halved for
    /// each epoch without improvement if the run has patience.
    pub(crate) fn lr(&self, schedule: &Schedule, epoch: usize) -> f64 {
        if self.run.patience.is_none() {
            return schedule.lr(epoch);
        }
        let halvings = i32::try_from(self.n_without_improvement()).expect("an epoch fits 32 bits");
        schedule.lr * 0.5_f64.powi(halvings)
    }

    /// Whether the run's patience is at an end.
    pub(crate) fn is_over(&self) -> bool {
        self.run.patience.is_some_and(|patience| self.n_without_improvement() >= patience)
    }
}

/// A method that is done.
#[derive(Debug, Clone)]
pub(crate) struct FinishedMethod {
    pub(crate) result: MethodResult,
    pub(crate) epochs: Vec<EpochRecord>,
    pub(crate) evaluation: Evaluation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_halves_the_rate_and_comes_to_an_end() {
        let run = Run {
            preset: crate::PresetName::Small,
            cell: crate::CellName::Lstm,
            methods: Vec::new(),
            backend: command_line::BackendName::Flex,
            epochs: 9,
            patience: Some(2),
            mc_samples: 1,
            by_learner: false,
            n_devices: 1,
            seed: 1,
            train_tokens: 0,
            corpus_crc32: 0,
        };
        let mut checkpoint = MethodCheckpoint::new(&run, None);
        let schedule = Schedule { lr: 1.0, constant_epochs: 0, factor: 0.1 };
        let mut rates = Vec::new();
        for valid_ppl in [300.0, 200.0, 250.0, 190.0, f64::NAN] {
            assert!(!checkpoint.is_over());
            rates.push(checkpoint.lr(&schedule, checkpoint.epochs.len() + 1));
            let ppl = Exact(valid_ppl);
            checkpoint.epochs.push(EpochRecord { train_ppl: ppl, valid_ppl: ppl, rates: None });
        }
        // The third epoch and the last did not improve.
        assert_eq!(rates, [1.0, 1.0, 1.0, 0.5, 0.5]);
        assert!(checkpoint.is_over());
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        for value in [125.355_123_456_789_01, 1.0 / 3.0, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY]
        {
            let json = serde_json::to_string(&Exact(value)).unwrap();
            let Exact(back) = serde_json::from_str(&json).unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{json}");
        }
    }
}
