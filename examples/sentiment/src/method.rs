//! The kinds of dropout that are compared.

use std::fmt;

use burn_variational::dropout::SiteDropout;
use burn_variational::embedding::VariationalEmbeddingConfig;
use burn_variational::rnn::StackDropout;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A kind of dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// No dropout.
    None,
    /// A new mask at every time step on inputs and outputs, none on the recurrence.
    Naive,
    /// One mask a review on inputs, recurrence, outputs and word types, for all gates.
    Variational,
    /// The same with a mask for each gate, as the paper's own code has it.
    VariationalUntied,
}

impl Method {
    /// Those of the paper's figure.
    pub(crate) const OF_THE_PAPER: [Self; 3] = [Self::None, Self::Naive, Self::Variational];

    /// Whether anything is dropped, so that there are draws to predict by.
    pub(crate) fn drops(self) -> bool {
        self != Self::None
    }

    /// What the recurrent layer drops at these rates, of inputs and outputs and of the recurrence.
    pub(crate) fn dropout(self, prob: f64, recurrent_prob: f64) -> StackDropout {
        match self {
            Self::None => StackDropout::none(),
            Self::Naive => StackDropout::naive(prob),
            Self::Variational => StackDropout::variational(prob, recurrent_prob),
            Self::VariationalUntied => StackDropout::variational_untied(prob, recurrent_prob),
        }
    }

    /// An embedding that drops word types at this rate, if the method does.
    pub(crate) fn with_word_types(
        self,
        embedding: VariationalEmbeddingConfig,
        prob: f64,
    ) -> VariationalEmbeddingConfig {
        match self {
            Self::None | Self::Naive => embedding,
            Self::Variational | Self::VariationalUntied => {
                embedding.with_type_dropout(SiteDropout::new(prob))
            }
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.to_possible_value().expect("no method is hidden").get_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_called_the_same_everywhere() {
        for method in Method::value_variants() {
            assert_eq!(serde_json::to_value(method).unwrap(), method.to_string());
        }
    }
}
