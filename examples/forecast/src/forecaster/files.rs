//! The folder of a saved forecaster.
//!
//! `model.bvm` holds configuration and weights under one checksum, every number to the last bit;
//! `model.json` is the configuration again, to be read by people and by programs that look which
//! kind of model a folder has.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use burn_variational::training::{load_model, save_model, write_atomically};
use serde::{Deserialize, Serialize};

use super::ForecasterConfig;
use crate::model::ForecastModel;

const WEIGHTS: &str = "model.bvm";
const DESCRIPTION: &str = "model.json";
const KIND: &str = "forecast";

/// What `model.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Description<C> {
    /// The program that it is of.
    kind: String,
    #[serde(flatten)]
    config: C,
}

pub(super) fn save(folder: &Path, config: &ForecasterConfig, model: &ForecastModel) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    save_model(folder.join(WEIGHTS), config, model)?;
    let path = folder.join(DESCRIPTION);
    write_atomically(&path, description(config)?.as_bytes())
        .with_context(|| path.display().to_string())
}

pub(super) fn load(folder: &Path, device: &Device) -> Result<(ForecasterConfig, ForecastModel)> {
    let path = folder.join(DESCRIPTION);
    ensure!(folder.is_dir(), "{}: there is no such folder of a model", folder.display());
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let there: Description<serde_json::Value> = serde_json::from_str(&text)
        .with_context(|| format!("{}: is not the description of a model", path.display()))?;
    ensure!(
        there.kind == KIND,
        "{}: the model is one of {:?}, and must be of {KIND:?}",
        path.display(),
        there.kind
    );
    let (config, model) =
        load_model(folder.join(WEIGHTS), |config: &ForecasterConfig| config.model.init(device))?;
    // Not read back as numbers, which JSON does not keep to the last bit.
    ensure!(
        text == description(&config)?,
        "{}: was changed after {WEIGHTS} was saved, or is of another model; train anew",
        path.display()
    );
    Ok((config, model))
}

fn description(config: &ForecasterConfig) -> Result<String> {
    let description = Description { kind: KIND.to_string(), config };
    Ok(serde_json::to_string_pretty(&description)? + "\n")
}
