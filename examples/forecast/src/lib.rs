//! Forecasts of a time series with error bars: a Bayesian GRU that is trained, calibrated, judged,
//! saved, loaded and asked what comes next.

#![allow(clippy::print_stdout, reason = "a program prints its results")]

mod arguments;
mod evaluation;
mod experiment;
mod forecaster;
mod model;
mod output;
mod parts;
mod pictures;
mod predict;
mod report;
mod season;
mod series;
mod standardisation;
mod training;
mod windows;

use std::time::Instant;

use anyhow::Result;

pub use arguments::{
    Arguments, Centre, Command, DataArguments, Format, Missing, Noise, PredictArguments,
    TrainArguments,
};
pub use forecaster::{Forecaster, ForecasterConfig, LEVEL, NoiseModel, StepForecast};
pub use model::{ForecastModel, ForecastModelConfig};
pub use series::{Generated, Optimum, Series, Time};
pub use standardisation::Standardisation;

use experiment::Experiment;
use output::{OutputDir, Run};

/// Does what the command line asks for.
///
/// # Errors
///
/// If the series cannot be read, has missing values of which it is not said what becomes of them, or
/// is too short, if the output folder is not ours or not writable, or if a model cannot be loaded.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Some(Command::Predict(arguments)) => predict::predict(arguments),
        None => train(&arguments.train),
    }
}

fn train(arguments: &TrainArguments) -> Result<()> {
    let experiment = Experiment::new(arguments)?;
    let output = OutputDir::open(&arguments.out, &Run::new(arguments, &experiment))?;
    for note in experiment.notes() {
        eprintln!("{note}");
    }
    let start = Instant::now();
    let outcome = experiment.run()?;
    output.finish(&experiment, &outcome)?;
    report::print_table(&outcome.results);
    println!(
        "\nresults.json, pictures and model/ are in {}, after {:.0} s",
        arguments.out.display(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
