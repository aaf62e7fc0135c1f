//! The command line.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

/// Forecasts a time series with error bars, and says how far they can be trusted.
#[derive(Debug, Clone, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to train and report.
    #[command(flatten)]
    pub train: TrainArguments,
    /// Something else than that.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else than training there is.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Forecasts what comes after a series with a model that was trained before
    Predict(PredictArguments),
}

/// Where a series is.
#[derive(Debug, Clone, Args)]
pub struct DataArguments {
    /// CSV file with a header, a time step a row [default: a generated series]
    #[arg(long, value_name = "CSV")]
    pub data: Option<PathBuf>,
    /// Column of the time: numbers that grow, or labels
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// Column of the values
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// What to do about values that are missing [default: an error]
    #[arg(long, value_enum)]
    pub missing: Option<Missing>,
}

/// A file and the two columns of it that are read.
#[derive(Debug, Clone)]
pub(crate) struct DataFile<'a> {
    pub(crate) path: &'a PathBuf,
    pub(crate) time: &'a str,
    pub(crate) target: &'a str,
}

impl DataArguments {
    /// The file, if one is named.
    ///
    /// # Errors
    ///
    /// If the columns are not named with it, or are without it.
    pub(crate) fn file(&self) -> Result<Option<DataFile<'_>>> {
        match (&self.data, &self.time, &self.target) {
            (Some(path), Some(time), Some(target)) => Ok(Some(DataFile { path, time, target })),
            (None, None, None) if self.missing.is_none() => Ok(None),
            (None, _, _) => {
                bail!("--time, --target and --missing are of a file: name it by --data")
            }
            (Some(path), _, _) => bail!(
                "--data {}: name its columns by --time and --target{}",
                path.display(),
                crate::series::columns_of(path).map_or(String::new(), |columns| {
                    format!("; there are {}", columns.join(", "))
                })
            ),
        }
    }
}

/// What a model is trained on, and how.
#[derive(Debug, Clone, Args)]
pub struct TrainArguments {
    /// The series.
    #[command(flatten)]
    pub data: DataArguments,
    /// Steps ahead that are forecast at once
    #[arg(long, value_name = "H", default_value_t = 12, value_parser = positive())]
    pub horizon: u64,
    /// Past values that a forecast is made of [default: a season, or twice the horizon if that is
    /// more]
    #[arg(long, value_name = "STEPS", value_parser = positive())]
    pub window: Option<u64>,
    /// Steps of a season, for the seasonal baseline [default: found in the training part]
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(2..))]
    pub season: Option<u64>,
    /// What is subtracted from a window [default: the mean, or the last value if the series leaves
    /// its range]
    #[arg(long, value_enum)]
    pub centre: Option<Centre>,
    /// Where the variance of the noise comes from
    #[arg(long, value_enum, default_value = "fitted")]
    pub noise: Noise,
    /// Passes over the training part, at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = positive())]
    pub epochs: u64,
    /// Draws of the Monte Carlo forecasts
    #[arg(long, value_name = "K", default_value_t = 100, value_parser = positive())]
    pub mc_samples: u64,
    /// Seed of parameters, batches and masks
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder for results, pictures and the model
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
}

/// What a saved model forecasts, and how.
#[derive(Debug, Clone, Args)]
pub struct PredictArguments {
    /// Folder of the model: that which training wrote to, /model
    #[arg(long, value_name = "DIR", default_value = "out/model")]
    pub model: PathBuf,
    /// The series.
    #[command(flatten)]
    pub data: DataArguments,
    /// Draws of the Monte Carlo forecast
    #[arg(long, value_name = "K", default_value_t = 100, value_parser = positive())]
    pub mc_samples: u64,
    /// Seed of the masks
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How the forecast is printed
    #[arg(long, value_enum, default_value = "json")]
    pub format: Format,
    /// Draw the forecast to this PNG file, which must not be there yet
    #[arg(long, value_name = "PNG")]
    pub picture: Option<PathBuf>,
}

/// What to do about values that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// A straight line between the values beside the gap.
    Interpolate,
    /// The rows are left out.
    Drop,
}

/// What is subtracted from a window and from what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// The mean of the training part: levels have a meaning.
    Mean,
    /// The last value of the window: the forecast is of changes, at any level.
    Last,
}

/// Where the variance of the noise comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// One for each step ahead, fitted on validation data after training.
    Fitted,
    /// A second head of the model.
    Predicted,
}

/// How a forecast is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// An object.
    Json,
    /// A table with a header.
    Csv,
}

fn positive() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..)
}
