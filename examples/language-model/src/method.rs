//! The kinds of dropout that are compared.

use std::fmt;

use anyhow::{Result, bail};
use burn_variational::dropout::SiteDropout;
use burn_variational::rnn::StackDropout;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::preset::Preset;
use crate::{CellName, DropoutName};

/// A kind of dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// No dropout.
    None,
    /// A new mask at every time step, none on the recurrence.
    Naive,
    /// One mask a sequence, for all gates.
    Variational,
    /// One mask a sequence for each gate.
    VariationalUntied,
    /// Units of the cell, one mask a sequence.
    RnnDrop,
    /// The candidate at every step, beside naive dropout.
    Semeniuta,
    /// Units that keep what they had.
    Zoneout,
    /// Recurrent weights.
    WeightDrop,
    /// Inputs and recurrence as Keras layers drop them.
    Keras,
    /// AWD-LSTM: its dropout and its training.
    Awd,
    /// Variational, at rates that are learned.
    Concrete,
}

/// The methods of a run.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) methods: Vec<Method>,
    /// Those that are not to be had, with the reason.
    pub(crate) left_out: Vec<(Method, String)>,
}

/// What a model drops at rates that are given.
#[derive(Debug, Clone)]
pub(crate) struct ModelDropout {
    pub(crate) word_type: Option<SiteDropout>,
    pub(crate) stack: StackDropout,
}

impl Method {
    /// Those of Gal & Ghahramani's comparison.
    const OF_THE_PAPER: [Self; 4] =
        [Self::None, Self::Naive, Self::Variational, Self::VariationalUntied];

    /// The methods that a name on the command line stands for.
    ///
    /// # Errors
    ///
    /// If the one that is asked for drops what the cell does not have, or is not for a `Learner` that
    /// is to train it.
    pub(crate) fn asked(name: DropoutName, cell: CellName, by_learner: bool) -> Result<Asked> {
        let methods = match name {
            DropoutName::All => Self::OF_THE_PAPER.to_vec(),
            DropoutName::Every => {
                let (mut methods, mut left_out) = (Vec::new(), Vec::new());
                for &method in Self::value_variants() {
                    match method.refused(cell, by_learner) {
                        Some(reason) => left_out.push((method, reason)),
                        None => methods.push(method),
                    }
                }
                return Ok(Asked { methods, left_out });
            }
            DropoutName::Only(method) => match method.refused(cell, by_learner) {
                Some(reason) => bail!("--dropout {method}: {reason}"),
                None => vec![method],
            },
        };
        Ok(Asked { methods, left_out: Vec::new() })
    }

    /// Why this method is not to be had.
    fn refused(self, cell: CellName, by_learner: bool) -> Option<String> {
        let missing = match (self, cell) {
            (Self::RnnDrop, CellName::Gru | CellName::Rnn) => "cell",
            (Self::Semeniuta, CellName::Rnn) => "candidate",
            (Self::Awd, _) if by_learner => {
                return Some(
                    "--dashboard has neither its windows of random lengths nor averaging that waits \
                     for validation"
                        .to_owned(),
                );
            }
            _ => return None,
        };
        Some(format!("--cell {} has no {missing} to drop", name_of(&cell)))
    }

    /// Whether every sequence has its own masks of a given rate, word types included: Gal &
    /// Ghahramani's.
    pub(crate) fn is_variational(self) -> bool {
        matches!(self, Self::Variational | Self::VariationalUntied)
    }

    /// Whether word types are dropped.
    pub(crate) fn drops_word_types(self) -> bool {
        self.is_variational() || matches!(self, Self::Awd | Self::Concrete)
    }

    /// What a model of this preset and cell drops at given rates.
    pub(crate) fn dropout(self, preset: &Preset, cell: CellName) -> ModelDropout {
        let rates = &preset.rates;
        let (input, recurrent) = (rates.variational.input, rates.variational.recurrent);
        let stack = match self {
            Self::None | Self::Concrete => StackDropout::none(),
            Self::Naive => StackDropout::naive(rates.naive),
            Self::Variational => StackDropout::variational(input, recurrent),
            Self::VariationalUntied => StackDropout::variational_untied(input, recurrent),
            Self::RnnDrop => StackDropout::rnn_drop(recurrent),
            Self::Semeniuta => StackDropout::semeniuta(rates.naive, recurrent),
            Self::Zoneout if cell == CellName::Lstm => {
                StackDropout::zoneout(rates.zoneout.cell, rates.zoneout.hidden)
            }
            // All that the state of these is.
            Self::Zoneout => StackDropout::none().with_zoneout_hidden(rates.zoneout.cell),
            Self::WeightDrop => StackDropout::none().with_recurrent_weights(rates.weights),
            Self::Keras => StackDropout::keras(input, recurrent),
            Self::Awd => {
                let awd = rates.awd;
                StackDropout::awd(awd.input, awd.hidden, awd.output, rates.weights)
            }
        };
        let word_type = match self {
            // One mask for all rows, as there.
            Self::Awd => Some(SiteDropout::new(rates.awd.word_type).shared_over_batch()),
            _ if self.is_variational() => Some(SiteDropout::new(rates.variational.word_type)),
            _ => None,
        };
        ModelDropout { word_type, stack }
    }
}

/// What a value is called on the command line.
fn name_of<V: ValueEnum>(value: &V) -> String {
    value.to_possible_value().expect("no value is hidden").get_name().to_owned()
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&name_of(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaves_out_what_a_cell_does_not_have() {
        let left_out = |cell| {
            let asked = Method::asked(DropoutName::Every, cell, false);
            let Asked { methods, left_out } = asked.unwrap();
            assert_eq!(methods.len() + left_out.len(), 11);
            left_out.into_iter().map(|(method, _)| method).collect::<Vec<_>>()
        };
        assert_eq!(left_out(CellName::Lstm), []);
        assert_eq!(left_out(CellName::Gru), [Method::RnnDrop]);
        assert_eq!(left_out(CellName::Rnn), [Method::RnnDrop, Method::Semeniuta]);
    }

    #[test]
    fn a_learner_is_not_asked_for_awd() {
        let every = Method::asked(DropoutName::Every, CellName::Lstm, true).unwrap();
        let [(Method::Awd, _)] = every.left_out[..] else { panic!("{:?}", every.left_out) };
        let error = Method::asked(DropoutName::Only(Method::Awd), CellName::Lstm, true);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("--dropout awd: --dashboard has neither"), "{error}");
    }

    #[test]
    fn a_method_is_called_the_same_everywhere() {
        for method in Method::value_variants() {
            assert_eq!(serde_json::to_value(method).unwrap(), method.to_string());
        }
    }
}
