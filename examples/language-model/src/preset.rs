//! Sizes and schedules, as published where they are.

use crate::PresetName;
use crate::rates::{Rates, VariationalRates};

/// Sizes and schedule of a model.
#[derive(Debug, Clone)]
pub(crate) struct Preset {
    pub(crate) n_layers: usize,
    pub(crate) d_embedding: usize,
    /// The width of every layer but the last.
    pub(crate) d_hidden: usize,
    /// The width of the last layer: that of the embedding, which a tied output needs.
    pub(crate) d_last: usize,
    pub(crate) batch_size: usize,
    pub(crate) seq_length: usize,
    /// All parameters start uniform in `± init_range`, so the forget bias starts around 0.
    pub(crate) init_range: f32,
    pub(crate) max_norm: f64,
    pub(crate) epochs: usize,
    pub(crate) schedule: Schedule,
    pub(crate) variational_schedule: Schedule,
    pub(crate) rates: Rates,
    /// Decay of the variational methods: `w ← w - decay · w` after every step.
    pub(crate) variational_decay: f64,
}

/// Learning rates: constant at first, then multiplied after every epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) lr: f64,
    pub(crate) constant_epochs: usize,
    pub(crate) factor: f64,
}

impl Schedule {
    /// The same learning rate in every epoch.
    pub(crate) fn constant(lr: f64) -> Self {
        Self { lr, constant_epochs: 0, factor: 1.0 }
    }

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
            PresetName::Awd => Self::awd(),
        }
    }

    /// The input and output width of every layer.
    pub(crate) fn layer_widths(&self) -> Vec<[usize; 2]> {
        let last = self.n_layers - 1;
        let below = |layer| if layer == 0 { self.d_embedding } else { self.d_hidden };
        let width = |layer| if layer == last { self.d_last } else { self.d_hidden };
        (0..self.n_layers).map(|layer| [below(layer), width(layer)]).collect()
    }

    /// Sizes of as many units everywhere.
    pub(crate) fn wide(self, units: usize) -> Self {
        Self { d_embedding: units, d_hidden: units, d_last: units, ..self }
    }

    /// For the embedded grammar: a model large enough to learn its training text by heart.
    fn tiny() -> Self {
        let schedule = Schedule { lr: 1.0, constant_epochs: 18, factor: 0.8 };
        let variational = VariationalRates { word_type: 0.1, input: 0.4, recurrent: 0.25 };
        let preset = Self {
            batch_size: 10,
            epochs: 30,
            schedule,
            variational_schedule: schedule,
            rates: Rates::new(0.4, variational),
            ..Self::small()
        };
        preset.wide(128)
    }

    /// Zaremba et al. 2014, the non-regularised model; rates of Gal's script of this size.
    fn small() -> Self {
        let schedule = Schedule { lr: 1.0, constant_epochs: 4, factor: 0.5 };
        let variational = VariationalRates { word_type: 0.25, input: 0.25, recurrent: 0.25 };
        Self {
            n_layers: 2,
            d_embedding: 200,
            d_hidden: 200,
            d_last: 200,
            batch_size: 20,
            seq_length: 20,
            init_range: 0.1,
            max_norm: 5.0,
            epochs: 13,
            schedule,
            variational_schedule: schedule,
            rates: Rates::new(0.25, variational),
            variational_decay: 0.0,
        }
    }

    /// Zaremba et al. 2014, the medium model; rates and decay of Gal's third script.
    fn medium() -> Self {
        let schedule = Schedule { lr: 1.0, constant_epochs: 6, factor: 0.8 };
        let variational = VariationalRates { word_type: 0.3, input: 0.5, recurrent: 0.3 };
        let preset = Self {
            seq_length: 35,
            init_range: 0.05,
            epochs: 39,
            schedule,
            variational_schedule: schedule,
            rates: Rates::new(0.5, variational),
            variational_decay: 1e-7,
            ..Self::small()
        };
        preset.wide(650)
    }

    /// Zaremba et al. 2014, the large model; rates, decay and schedule of Gal's third script.
    fn large() -> Self {
        let factor = 1.0 / 1.15;
        let variational = VariationalRates { word_type: 0.3, input: 0.5, recurrent: 0.3 };
        let preset = Self {
            seq_length: 35,
            init_range: 0.04,
            max_norm: 10.0,
            epochs: 55,
            schedule: Schedule { lr: 1.0, constant_epochs: 14, factor },
            variational_schedule: Schedule { lr: 1.0, constant_epochs: 10, factor },
            rates: Rates::new(0.65, variational),
            variational_decay: 1e-7,
            ..Self::small()
        };
        preset.wide(1500)
    }

    /// Merity et al. 2017; for the other methods the medium model in these sizes.
    fn awd() -> Self {
        Self {
            n_layers: 3,
            d_embedding: 400,
            d_hidden: 1150,
            d_last: 400,
            seq_length: 70,
            epochs: 500,
            ..Self::medium()
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

    #[test]
    fn layers_of_awd_narrow_to_the_embedding() {
        assert_eq!(Preset::awd().layer_widths(), [[400, 1150], [1150, 1150], [1150, 400]]);
        assert_eq!(Preset::small().layer_widths(), [[200, 200], [200, 200]]);
    }
}
