//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Answers requests for forecasts, a JSON object a line, with means, uncertainty and intervals.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Folder of the model: that which `forecast` wrote to, /model
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Draws of a Monte Carlo forecast
    #[arg(long, value_name = "K", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) mc_samples: u64,
    /// Seed of the masks
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}
