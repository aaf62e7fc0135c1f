//! The command line.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Parser, ValueEnum};
use command_line::BackendName;
use command_line::learner::LearnerArguments;
use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::method::Method;

/// Rates film reviews by recurrent networks with dropout of several kinds, and says how sure they are.
#[derive(Debug, Clone, Parser)]
pub struct Arguments {
    /// Folder with a folder for each author, AUTHOR/subj.AUTHOR and AUTHOR/rating.AUTHOR
    /// [default: reviews that a small program writes]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Recurrent cell
    #[arg(long, value_enum, default_value = "lstm")]
    pub cell: CellName,
    /// Kind of dropout
    #[arg(long, value_enum, default_value = "all")]
    pub dropout: DropoutName,
    /// Where to compute
    #[arg(long, value_enum, default_value = "flex")]
    pub backend: BackendName,
    /// Passes over the training reviews [default: 40]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub epochs: Option<u64>,
    /// Probability of dropping, at all sites [default: 0.5; without --data 0.25, of word types 0.02]
    #[arg(long, value_name = "P", value_parser = probability)]
    pub prob: Option<f64>,
    /// Probability of dropping on the recurrence [default: as --prob]
    #[arg(long, value_name = "P", value_parser = probability)]
    pub recurrent_prob: Option<f64>,
    /// Probability of dropping a word type [default: as --prob]
    #[arg(long, value_name = "P", value_parser = probability)]
    pub type_prob: Option<f64>,
    /// Length scale of the prior of the weights: their L2 grows with its square [default: 0.2]
    #[arg(long, value_name = "L", value_parser = positive)]
    pub length_scale: Option<f64>,
    /// Use only so many of the reviews
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(20..))]
    pub max_reviews: Option<u64>,
    /// Draws of the Monte Carlo prediction of the test reviews
    #[arg(
        long,
        value_name = "K",
        default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(2..)
    )]
    pub mc_samples: u64,
    /// Seed of the split into training and test reviews, of parameters and of masks
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

fn probability(text: &str) -> Result<f64, String> {
    let prob = text.parse().ok().filter(|prob| (0.0..1.0).contains(prob));
    prob.ok_or_else(|| "it must be at least 0 and less than 1".into())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "it must be positive".into())
}

/// Recurrent cell of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellName {
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit.
    Gru,
}

/// A kind of dropout, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropoutName {
    /// None, naive and variational.
    All,
    /// One of them.
    Only(Method),
}

impl DropoutName {
    fn methods(self) -> Vec<Method> {
        match self {
            Self::All => Method::OF_THE_PAPER.to_vec(),
            Self::Only(method) => vec![method],
        }
    }
}

impl ValueEnum for DropoutName {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Only(Method::None),
            Self::Only(Method::Naive),
            Self::Only(Method::Variational),
            Self::Only(Method::VariationalUntied),
            Self::All,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::All => Some(PossibleValue::new("all").help("The first three")),
            Self::Only(method) => method.to_possible_value(),
        }
    }
}

/// What determines the results of a run; two runs that are equal here end equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) cell: CellName,
    pub(crate) methods: Vec<Method>,
    pub(crate) backend: BackendName,
    pub(crate) epochs: usize,
    pub(crate) prob: f64,
    pub(crate) recurrent_prob: f64,
    pub(crate) type_prob: f64,
    pub(crate) length_scale: f64,
    pub(crate) mc_samples: usize,
    pub(crate) by_learner: bool,
    /// The devices whose gradients are added in a step.
    pub(crate) n_devices: usize,
    pub(crate) seed: u64,
    /// A checksum of the reviews and their ratings.
    pub(crate) reviews_crc32: u32,
}

impl Run {
    /// The run that the command line asks for.
    pub(crate) fn new(arguments: &Arguments, data: &Data) -> Self {
        Self {
            cell: arguments.cell,
            methods: arguments.dropout.methods(),
            backend: arguments.backend,
            epochs: arguments.epochs.map_or(data.preset.epochs, |epochs| epochs as usize),
            prob: data.preset.prob,
            recurrent_prob: data.preset.recurrent_prob,
            type_prob: data.preset.type_prob,
            length_scale: data.preset.length_scale,
            mc_samples: arguments.mc_samples as usize,
            by_learner: arguments.learner.dashboard,
            n_devices: arguments.learner.n_devices(),
            seed: arguments.seed,
            reviews_crc32: data.reviews_crc32,
        }
    }
}
