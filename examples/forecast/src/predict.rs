//! Forecasts of a model that was trained before.

use std::io::Write;

use anyhow::{Result, bail, ensure};
use burn::tensor::Device;
use serde::Serialize;

use crate::arguments::{DataArguments, Format, PredictArguments};
use crate::forecaster::{Forecaster, StepForecast};
use crate::pictures;
use crate::series::Series;

/// What is printed as JSON.
#[derive(Serialize)]
struct Printed<'a> {
    target: &'a str,
    /// The last step that is known.
    after: String,
    steps: Vec<PrintedStep>,
}

#[derive(Serialize)]
struct PrintedStep {
    time: String,
    #[serde(flatten)]
    forecast: StepForecast,
}

/// Forecasts what follows a series, and prints it to standard output.
pub(crate) fn predict(arguments: &PredictArguments) -> Result<()> {
    let forecaster = Forecaster::load(&arguments.model, &Device::flex())?;
    let (series, _) = Series::load(&columns_of_the_model(&arguments.data, &forecaster)?)?;
    for note in series.notes() {
        eprintln!("{note}");
    }
    let inputs: Vec<_> = series.values.iter().map(|value| vec![*value]).collect();
    let steps = forecaster.predict(&inputs, arguments.mc_samples as usize, arguments.seed)?;
    if let Some(path) = &arguments.picture {
        ensure!(!path.exists(), "--picture {}: is there already", path.display());
        pictures::forecast(&series, &steps).save(path)?;
    }
    print(arguments.format, &series, &steps)
}

/// The data that is asked for, with the columns that the model was trained on where none are named.
fn columns_of_the_model(
    arguments: &DataArguments,
    forecaster: &Forecaster,
) -> Result<DataArguments> {
    let config = forecaster.config();
    if arguments.data.is_none() && config.target != "generated" {
        bail!("the model forecasts {}: name a file with it by --data", config.target);
    }
    let mut arguments = arguments.clone();
    if arguments.data.is_some() {
        arguments.time.get_or_insert_with(|| config.time.clone());
        arguments.target.get_or_insert_with(|| config.target.clone());
    }
    Ok(arguments)
}

fn print(format: Format, series: &Series, steps: &[StepForecast]) -> Result<()> {
    let last = series.values.len() - 1;
    let steps = steps.iter().map(|forecast| PrintedStep {
        time: series.time.label(last + forecast.step),
        forecast: *forecast,
    });
    let stdout = std::io::stdout();
    match format {
        Format::Json => {
            let after = series.time.label(last);
            let printed = Printed { target: &series.name, after, steps: steps.collect() };
            writeln!(&stdout, "{}", serde_json::to_string_pretty(&printed)?)?;
        }
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(stdout);
            writer.write_record([
                "time",
                "step",
                "mean",
                "epistemic_deviation",
                "total_deviation",
                "lower_90",
                "upper_90",
                "lower_90_conformal",
                "upper_90_conformal",
            ])?;
            for PrintedStep { time, forecast } in steps {
                // A flattened struct has no header of its own.
                writer.serialize((time, forecast))?;
            }
            writer.flush()?;
        }
    }
    Ok(())
}
