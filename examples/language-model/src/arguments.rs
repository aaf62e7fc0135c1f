//! The command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValue;
use clap::{Parser, ValueEnum};
use command_line::BackendName;
use command_line::learner::LearnerArguments;
use serde::{Deserialize, Serialize};

use crate::corpus::Corpus;
use crate::method::{Asked, Method};
use crate::preset::Preset;

/// Trains a word-level language model with dropout of several kinds, and compares their perplexities.
#[derive(Debug, Clone, Parser)]
pub struct Arguments {
    /// Folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt [default: an embedded grammar]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Sizes and schedule
    #[arg(long, value_enum, default_value = "tiny")]
    pub preset: PresetName,
    /// Recurrent cell
    #[arg(long, value_enum, default_value = "lstm")]
    pub cell: CellName,
    /// Kind of dropout [default: all; with --preset awd, awd]
    #[arg(long, value_enum)]
    pub dropout: Option<DropoutName>,
    /// Where to compute
    #[arg(long, value_enum, default_value = "flex")]
    pub backend: BackendName,
    /// Passes over the training text [default: the preset's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub epochs: Option<u64>,
    /// Halve the learning rate after each epoch that does not improve the validation perplexity,
    /// and stop after so many of them [default: the preset's schedule]
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "dashboard",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub patience: Option<u64>,
    /// Read only so many tokens of the training text
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_train_tokens: Option<u64>,
    /// Draws of the Monte Carlo prediction of the test text
    #[arg(
        long,
        value_name = "K",
        default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub mc_samples: u64,
    /// Seed of parameters and masks
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Whether and how a `Learner` trains.
    #[command(flatten)]
    pub learner: LearnerArguments,
    /// Folder for results, pictures, models and checkpoints
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Go on from the last checkpoint in the output folder
    #[arg(long)]
    pub resume: bool,
}

impl Arguments {
    /// The kinds of dropout that are asked for.
    fn dropout(&self) -> DropoutName {
        self.dropout.unwrap_or(match self.preset {
            PresetName::Awd => DropoutName::Only(Method::Awd),
            _ => DropoutName::All,
        })
    }
}

/// Sizes and schedule of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PresetName {
    /// For the embedded grammar: under a minute.
    Tiny,
    /// 2 layers of 200 (Zaremba et al.'s recipe without dropout).
    Small,
    /// 2 layers of 650.
    Medium,
    /// 2 layers of 1500.
    Large,
    /// 3 layers of 1150, embeddings of 400 (Merity et al.).
    Awd,
}

/// Recurrent cell of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellName {
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit.
    Gru,
    /// Simple recurrent network.
    Rnn,
}

/// A kind of dropout, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropoutName {
    /// None, naive, variational and variational-untied.
    All,
    /// Every kind that the cell has something to drop for.
    Every,
    /// One of them.
    Only(Method),
}

impl ValueEnum for DropoutName {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Only(Method::None),
            Self::Only(Method::Naive),
            Self::Only(Method::Variational),
            Self::Only(Method::VariationalUntied),
            Self::Only(Method::RnnDrop),
            Self::Only(Method::Semeniuta),
            Self::Only(Method::Zoneout),
            Self::Only(Method::WeightDrop),
            Self::Only(Method::Keras),
            Self::Only(Method::Awd),
            Self::Only(Method::Concrete),
            Self::All,
            Self::Every,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::All => {
                Some(PossibleValue::new("all").help("The first four, those of Gal & Ghahramani"))
            }
            Self::Every => {
                Some(PossibleValue::new("every").help("All that the cell has sites for"))
            }
            Self::Only(method) => method.to_possible_value(),
        }
    }
}

/// What determines the results of a run; two runs that are equal here end equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) preset: PresetName,
    pub(crate) cell: CellName,
    pub(crate) methods: Vec<Method>,
    pub(crate) backend: BackendName,
    pub(crate) epochs: usize,
    /// Epochs without improvement after which training stops, each halving the learning rate.
    pub(crate) patience: Option<usize>,
    pub(crate) mc_samples: usize,
    pub(crate) by_learner: bool,
    /// The devices whose gradients are added in a step.
    pub(crate) n_devices: usize,
    pub(crate) seed: u64,
    /// Tokens of the training text and a checksum of all three texts.
    pub(crate) train_tokens: usize,
    pub(crate) corpus_crc32: u32,
}

impl Run {
    /// The run that the command line asks for, and the methods that are left out, with the reason.
    ///
    /// # Errors
    ///
    /// If a method is asked for that is not to be had.
    pub(crate) fn new(
        arguments: &Arguments,
        corpus: &Corpus,
    ) -> Result<(Self, Vec<(Method, String)>)> {
        let preset = Preset::named(arguments.preset);
        let by_learner = arguments.learner.dashboard;
        let Asked { methods, left_out } =
            Method::asked(arguments.dropout(), arguments.cell, by_learner)?;
        let run = Self {
            preset: arguments.preset,
            cell: arguments.cell,
            methods,
            backend: arguments.backend,
            epochs: arguments.epochs.map_or(preset.epochs, |epochs| epochs as usize),
            patience: arguments.patience.map(|patience| patience as usize),
            mc_samples: arguments.mc_samples as usize,
            by_learner,
            n_devices: arguments.learner.n_devices(),
            seed: arguments.seed,
            train_tokens: corpus.train.len(),
            corpus_crc32: corpus.crc32(),
        };
        Ok((run, left_out))
    }

    pub(crate) fn preset(&self) -> Preset {
        Preset::named(self.preset)
    }
}
