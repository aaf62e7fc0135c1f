//! Sizes and schedules, as published where they are.

use crate::PresetName;

/// Sizes and schedule of a model.
#[derive(Debug, Clone)]
pub(crate) struct Preset {
    pub(crate) n_layers: usize,
    pub(crate) d_hidden: usize,
    pub(crate) batch_size: usize,
    pub(crate) seq_length: usize,
    /// All parameters start uniform in `± init_range`, so the forget bias starts around 0.
    pub(crate) init_range: f32,
    pub(crate) max_norm: f64,
    pub(crate) epochs: usize,
    pub(crate) schedule: Schedule,
    pub(crate) variational_schedule: Schedule,
    pub(crate) naive_prob: f64,
    pub(crate) variational: VariationalRates,
    /// Decay of the variational methods: `w ← w - decay · w` after every step.
    pub(crate) variational_decay: f64,
}

/// Drop probabilities of the variational methods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VariationalRates {
    /// Of word types.
    pub(crate) word_type: f64,
    /// Of layer inputs and of the output.
    pub(crate) input: f64,
    /// Of the recurrence.
    pub(crate) recurrent: f64,
}

/// Learning rates: constant at first, then multiplied after every epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) lr: f64,
    pub(crate) constant_epochs: usize,
    pub(crate) factor: f64,
}

impl Schedule {
    /// The learning rate of an epoch, counted from 1.
    pub(crate) fn lr(&self, epoch: usize) -> f64 {
        let decays = epoch.saturating_sub(self.constant_epochs);
        self.lr * self.factor.powi(i32::try_from(decays).expect("an epoch fits 32 bits"))
    }
}

impl Preset {
    pub(crate) fn named(name: PresetName) -> Self {
        match name {
            PresetName::Tiny => Self::tiny(),
            PresetName::Small => Self::small(),
            PresetName::Medium => Self::medium(),
            PresetName::Large => Self::large(),
        }
    }

    /// For the embedded grammar: a model large enough to learn its training text by heart.
    fn tiny() -> Self {
        let schedule = Schedule { lr: 1.0, constant_epochs: 18, factor: 0.8 };
        Self {
            n_layers: 2,
            d_hidden: 128,
            batch_size: 10,
            seq_length: 20,
            init_range: 0.1,
            max_norm: 5.0,
            epochs: 30,
            schedule,
            variational_schedule: schedule,
            naive_prob: 0.4,
            variational: VariationalRates { word_type: 0.1, input: 0.4, recurrent: 0.25 },
            variational_decay: 0.0,
        }
    }

    /// Zaremba et al. 2014, the non-regularised model; rates of Gal's script of this size.
    fn small() -> Self {
        let schedule = Schedule { lr: 1.0, constant_epochs: 4, factor: 0.5 };
        Self {
            n_layers: 2,
            d_hidden: 200,
            batch_size: 20,
            seq_length: 20,
            init_range: 0.1,
            max_norm: 5.0,
            epochs: 13,
            schedule,
            variational_schedule: schedule,
            naive_prob: 0.25,
            variational: VariationalRates { word_type: 0.25, input: 0.25, recurrent: 0.25 },
            variational_decay: 0.0,
        }
    }

    /// Zaremba et al. 2014, the medium model; rates and decay of Gal's third script.
    fn medium() -> Self {
        let schedule = Schedule { lr: 1.0, constant_epochs: 6, factor: 0.8 };
        Self {
            n_layers: 2,
            d_hidden: 650,
            batch_size: 20,
            seq_length: 35,
            init_range: 0.05,
            max_norm: 5.0,
            epochs: 39,
            schedule,
            variational_schedule: schedule,
            naive_prob: 0.5,
            variational: VariationalRates { word_type: 0.3, input: 0.5, recurrent: 0.3 },
            variational_decay: 1e-7,
        }
    }

    /// Zaremba et al. 2014, the large model; rates, decay and schedule of Gal's third script.
    fn large() -> Self {
        let factor = 1.0 / 1.15;
        Self {
            n_layers: 2,
            d_hidden: 1500,
            batch_size: 20,
            seq_length: 35,
            init_range: 0.04,
            max_norm: 10.0,
            epochs: 55,
            schedule: Schedule { lr: 1.0, constant_epochs: 14, factor },
            variational_schedule: Schedule { lr: 1.0, constant_epochs: 10, factor },
            naive_prob: 0.65,
            variational: VariationalRates { word_type: 0.3, input: 0.5, recurrent: 0.3 },
            variational_decay: 1e-7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_learning_rate_is_halved_after_each_epoch_after_the_fourth() {
        let rates: Vec<f64> = (1..=6).map(|epoch| Preset::small().schedule.lr(epoch)).collect();
        assert_eq!(rates, [1.0, 1.0, 1.0, 1.0, 0.5, 0.25]);
    }
}
