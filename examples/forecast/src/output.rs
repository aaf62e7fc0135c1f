//! The output folder: results, pictures and the model of one configuration.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn_variational::training::write_atomically;
use serde::{Deserialize, Serialize};

use crate::arguments::{Centre, Missing, Noise, TrainArguments};
use crate::experiment::{Experiment, Outcome};
use crate::pictures;

const RUN: &str = "run.json";
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
pub(crate) struct OutputDir {
    path: PathBuf,
}

impl OutputDir {
    /// Opens the folder for a run, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// If it cannot be written to, holds files of another configuration, or files of our names that
    /// no run wrote.
    pub(crate) fn open(path: &Path, run: &Run) -> Result<Self> {
        let output = Self { path: path.to_path_buf() };
        fs::create_dir_all(path).with_context(|| format!("--out {}", path.display()))?;
        let run_file = path.join(RUN);
        match fs::read(&run_file) {
            Ok(bytes) => {
                let same = serde_json::from_slice::<Run>(&bytes).is_ok_and(|there| there == *run);
                ensure!(
                    same,
                    "{}: files of another configuration are here; choose another --out",
                    run_file.display()
                );
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                for name in [RESULTS, FORECAST, COVERAGE, ERRORS, CURVES, MODEL] {
                    let stray = path.join(name);
                    ensure!(
                        !stray.exists(),
                        "{}: a file that this program did not write is here; choose another --out",
                        stray.display()
                    );
                }
            }
            Err(error) => bail!("{}: {error}", run_file.display()),
        }
        // Written anew each time: a folder that cannot be written to shows now, and not after
        // training.
        output.replace(RUN, &serde_json::to_vec_pretty(run)?)?;
        Ok(output)
    }

    /// Writes results, pictures and the model.
    pub(crate) fn finish(&self, experiment: &Experiment, outcome: &Outcome) -> Result<()> {
        outcome.forecaster.save(self.path.join(MODEL))?;
        pictures::last_forecast(experiment, outcome).save(self.path.join(FORECAST))?;
        pictures::coverage(&outcome.tested).save(self.path.join(COVERAGE))?;
        pictures::uncertainty_error(experiment, &outcome.tested).save(self.path.join(ERRORS))?;
        pictures::learning_curves(outcome).save(self.path.join(CURVES))?;
        self.replace(RESULTS, &serde_json::to_vec_pretty(&outcome.results)?)
    }

    /// Replaces a file in one step.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        write_atomically(&path, bytes).with_context(|| path.display().to_string())
    }
}
