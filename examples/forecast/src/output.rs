//! The output folder: results, pictures and the model of one configuration.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::arguments::{Centre, Missing, Noise, TrainArguments};
use crate::experiment::{Experiment, Outcome};
use crate::pictures;

const RESULTS: &str = "results.json";
const FORECAST: &str = "forecast.png";
const COVERAGE: &str = "coverage.png";
const ERRORS: &str = "uncertainty-error.png";
const CURVES: &str = "learning-curves.png";
const MODEL: &str = "model";

/// What determines the results of a run; two runs that are equal here end equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    target: String,
    time: String,
    missing: Option<Missing>,
    horizon: usize,
    window: usize,
    season: Option<usize>,
    centre: Centre,
    noise: Noise,
    epochs: u64,
    mc_samples: u64,
    seed: u64,
    /// Of the values.
    series_crc32: u32,
}

impl Run {
    pub(crate) fn new(arguments: &TrainArguments, experiment: &Experiment) -> Self {
        Self {
            target: experiment.series.name.clone(),
            time: experiment.series.time_name.clone(),
            missing: arguments.data.missing,
            horizon: experiment.sizes.horizon,
            window: experiment.sizes.window,
            season: experiment.season,
            centre: experiment.standardisation.centre,
            noise: arguments.noise,
            epochs: arguments.epochs,
            mc_samples: arguments.mc_samples,
            seed: arguments.seed,
            series_crc32: experiment.series.crc32(),
        }
    }
}

/// The folder that `--out` names.
#[derive(Debug)]
pub(crate) struct OutputDir(command_line::OutputDir);

impl OutputDir {
    /// Opens the folder for a run, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// If it cannot be written to, holds files of another configuration, or files of our names that
    /// no run wrote.
    pub(crate) fn open(path: &Path, run: &Run) -> Result<Self> {
        let names = [RESULTS, FORECAST, COVERAGE, ERRORS, CURVES, MODEL].map(String::from);
        Ok(Self(command_line::OutputDir::open(path, run, names, false)?))
    }

    /// Writes results, pictures and the model.
    pub(crate) fn finish(&self, experiment: &Experiment, outcome: &Outcome) -> Result<()> {
        outcome.forecaster.save(self.0.path(MODEL))?;
        pictures::last_forecast(experiment, outcome).save(self.0.path(FORECAST))?;
        pictures::coverage(&outcome.tested).save(self.0.path(COVERAGE))?;
        pictures::uncertainty_error(experiment, &outcome.tested).save(self.0.path(ERRORS))?;
        pictures::learning_curves(outcome).save(self.0.path(CURVES))?;
        self.0.replace(RESULTS, &serde_json::to_vec_pretty(&outcome.results)?)
    }
}
