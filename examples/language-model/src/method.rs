//! The four kinds of dropout that are compared.

use std::fmt;

use burn_variational::dropout::SiteDropout;
use burn_variational::rnn::StackDropout;
use serde::{Deserialize, Serialize};

use crate::DropoutName;
use crate::preset::{Preset, Schedule};

/// A kind of dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    None,
    Naive,
    Variational,
    VariationalUntied,
}

/// What a model drops.
#[derive(Debug, Clone)]
pub(crate) struct ModelDropout {
    pub(crate) word_type: Option<SiteDropout>,
    pub(crate) stack: StackDropout,
}

impl Method {
    const ALL: [Self; 4] = [Self::None, Self::Naive, Self::Variational, Self::VariationalUntied];

    /// The methods that a name on the command line stands for.
    pub(crate) fn asked(name: DropoutName) -> Vec<Self> {
        match name {
            DropoutName::None => vec![Self::None],
            DropoutName::Naive => vec![Self::Naive],
            DropoutName::Variational => vec![Self::Variational],
            DropoutName::VariationalUntied => vec![Self::VariationalUntied],
            DropoutName::All => Self::ALL.to_vec(),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Naive => "naive",
            Self::Variational => "variational",
            Self::VariationalUntied => "variational-untied",
        }
    }

    /// Whether every sequence has its own masks, word types included.
    pub(crate) fn is_variational(self) -> bool {
        matches!(self, Self::Variational | Self::VariationalUntied)
    }

    /// What a model of this preset drops.
    pub(crate) fn dropout(self, preset: &Preset) -> ModelDropout {
        let rates = &preset.variational;
        let stack = match self {
            Self::None => StackDropout::none(),
            Self::Naive => StackDropout::naive(preset.naive_prob),
            Self::Variational => StackDropout::variational(rates.input, rates.recurrent),
            Self::VariationalUntied => {
                StackDropout::variational_untied(rates.input, rates.recurrent)
            }
        };
        let word_type = self.is_variational().then(|| SiteDropout::new(rates.word_type));
        ModelDropout { word_type, stack }
    }

    /// The learning rates of a preset.
    pub(crate) fn schedule(self, preset: &Preset) -> Schedule {
        if self.is_variational() { preset.variational_schedule } else { preset.schedule }
    }

    /// The weight decay of a preset, after every step.
    pub(crate) fn decay(self, preset: &Preset) -> f64 {
        if self.is_variational() { preset.variational_decay } else { 0.0 }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
