//! A trained model with all that a forecast needs: what is saved, loaded and asked.

mod files;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::dropout::MaskRng;
use burn_variational::mc::calibration::SplitConformal;
use burn_variational::mc::{GaussianMixture, MonteCarlo, ObservationNoise};
use serde::{Deserialize, Serialize};

use crate::model::{ForecastModel, ForecastModelConfig};
use crate::standardisation::Standardisation;

/// The share of what is observed that intervals are to hold.
pub const LEVEL: f64 = 0.9;

/// How many deviations of the series a value may be away from its centre: far beyond all that a model
/// can have learned, and far within the numbers that it computes with.
const MAX_DEVIATIONS: f64 = 1e9;

/// Everything about a forecaster but its weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecasterConfig {
    /// The column that it forecasts.
    pub target: String,
    /// The column of the time.
    pub time: String,
    /// Past values that a forecast is made of.
    pub window: usize,
    /// Steps ahead that it forecasts.
    pub horizon: usize,
    /// The units that the model computes in.
    pub standardisation: Standardisation,
    /// Where the variance of the noise comes from.
    pub noise: NoiseModel,
    /// What makes intervals of the mean alone, in the units of the model.
    pub conformal: SplitConformal,
    /// The network.
    pub model: ForecastModelConfig,
}

/// Where the variance of the noise comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseModel {
    /// A precision for each step ahead, in the units of the model.
    Fitted(Vec<f64>),
    /// The second half of the model's outputs.
    Predicted,
}

impl NoiseModel {
    /// The noise around what the model gives.
    pub(crate) fn on(&self, device: &Device) -> ObservationNoise<2> {
        match self {
            Self::Fitted(precisions) => {
                let data = TensorData::new(precisions.clone(), [1, precisions.len()]);
                Tensor::<2>::from_data(data, device).into()
            }
            Self::Predicted => ObservationNoise::Predicted,
        }
    }
}

/// A trained model with all that a forecast needs.
#[derive(Debug)]
pub struct Forecaster {
    config: ForecasterConfig,
    model: ForecastModel,
    device: Device,
}

/// What is forecast of one step ahead, in the units of the series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepForecast {
    /// How many steps ahead, from 1.
    pub step: usize,
    /// The mean of the predictive distribution.
    pub mean: f64,
    /// The standard deviation of the draws: what more data would take away.
    pub epistemic_deviation: f64,
    /// The standard deviation of what will be observed, noise and all.
    pub total_deviation: f64,
    /// The ends of the central interval of the predictive distribution that holds 90 %.
    pub lower_90: f64,
    /// See [`lower_90`](Self::lower_90).
    pub upper_90: f64,
    /// The ends of the split conformal interval of 90 %.
    pub lower_90_conformal: f64,
    /// See [`lower_90_conformal`](Self::lower_90_conformal).
    pub upper_90_conformal: f64,
}

impl Forecaster {
    pub(crate) fn new(config: ForecasterConfig, model: ForecastModel, device: Device) -> Self {
        Self { config, model, device }
    }

    /// Loads what training wrote to the folder `model/` of its output.
    ///
    /// # Errors
    ///
    /// If the folder or a file of it is not there, damaged, or of another program.
    pub fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let (config, model) = files::load(folder.as_ref(), device)?;
        Ok(Self::new(config, model, device.clone()))
    }

    /// Saves it to a folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        files::save(folder.as_ref(), &self.config, &self.model)
    }

    /// Everything about it but its weights.
    #[must_use]
    pub fn config(&self) -> &ForecasterConfig {
        &self.config
    }

    /// The steps that follow inputs `[steps][features]`, as [`window`](Self::window) reads them.
    ///
    /// # Errors
    ///
    /// As [`window`](Self::window) and [`forecasts`](Self::forecasts).
    pub fn predict(
        &self,
        inputs: &[Vec<f64>],
        mc_samples: usize,
        seed: u64,
    ) -> Result<Vec<StepForecast>> {
        let mut forecasts = self.forecasts(&[self.window(inputs)?], mc_samples, seed)?;
        Ok(forecasts.remove(0))
    }

    /// The window that a forecast is made of: the last of these inputs `[steps][features]` in the
    /// units of the series. There is one feature, the value.
    ///
    /// # Errors
    ///
    /// If there are fewer steps than the window has, another number of features, or a value that is
    /// not finite or too far from those that the model was trained on to be computed with.
    pub fn window(&self, inputs: &[Vec<f64>]) -> Result<Vec<f64>> {
        let window = self.config.window;
        ensure!(
            inputs.len() >= window,
            "a forecast is made of {window} steps, and there are {}",
            inputs.len()
        );
        let mut values = Vec::with_capacity(inputs.len());
        for (step, features) in inputs.iter().enumerate() {
            let [value] = features[..] else {
                bail!("step {step} has {} features, and must have 1", features.len());
            };
            ensure!(value.is_finite(), "step {step} is {value}, and must be finite");
            values.push(value);
        }
        let values = values.split_off(values.len() - window);
        let standardisation = &self.config.standardisation;
        let centre = standardisation.centre_of(values[window - 1]);
        for value in &values {
            ensure!(
                (value - centre).abs() / standardisation.deviation < MAX_DEVIATIONS,
                "{value:?} is too far from {centre} for a model that was trained on a deviation of {}",
                standardisation.deviation
            );
        }
        Ok(values)
    }

    /// The steps that follow each of some windows, which may be none. A draw is one function for all
    /// of them: what is forecast of a window does not depend on what else is asked.
    ///
    /// # Errors
    ///
    /// If there is no draw, or what the model gives is not finite.
    ///
    /// # Panics
    ///
    /// If a window is of another length than those that the model was trained on.
    pub fn forecasts(
        &self,
        windows: &[Vec<f64>],
        mc_samples: usize,
        seed: u64,
    ) -> Result<Vec<Vec<StepForecast>>> {
        ensure!(mc_samples > 0, "a forecast is made of at least one draw, and 0 were asked");
        if windows.is_empty() {
            return Ok(Vec::new());
        }
        let ForecasterConfig { standardisation, horizon, .. } = &self.config;
        let deviation = standardisation.deviation;
        let centres: Vec<_> = windows
            .iter()
            .map(|window| standardisation.centre_of(window[window.len() - 1]))
            .collect();
        let standard: Vec<f32> = windows
            .iter()
            .zip(&centres)
            .flat_map(|(window, centre)| {
                window.iter().map(move |value| ((value - centre) / deviation) as f32)
            })
            .collect();
        let data = TensorData::new(standard, [windows.len(), self.config.window, 1]);
        let inputs = Tensor::from_data(data, &self.device);
        let monte_carlo =
            MonteCarlo::new(mc_samples, MaskRng::seeded(seed)).with_function_samples();
        let draws = draws(&self.model, &inputs, &monte_carlo)?;
        let mixture = GaussianMixture::new(draws, self.config.noise.on(&self.device));

        let moments = mixture.moments();
        let interval = mixture.central_interval(LEVEL);
        let conformal = self.config.conformal.interval(moments.mean());
        let values = [
            moments.mean(),
            moments.epistemic_variance(),
            moments.variance(),
            interval.lower(),
            interval.upper(),
            conformal.lower(),
            conformal.upper(),
        ];
        let [mean, epistemic, total, lower, upper, conformal_lower, conformal_upper] =
            values.map(|values| host(&values));
        let forecast = |row: usize, h: usize| {
            let k = row * horizon + h;
            let level = |values: &[f64]| centres[row] + deviation * values[k];
            let spread = |variances: &[f64]| deviation * variances[k].sqrt();
            StepForecast {
                step: h + 1,
                mean: level(&mean),
                epistemic_deviation: spread(&epistemic),
                total_deviation: spread(&total),
                lower_90: level(&lower),
                upper_90: level(&upper),
                lower_90_conformal: level(&conformal_lower),
                upper_90_conformal: level(&conformal_upper),
            }
        };
        let rows = 0..windows.len();
        Ok(rows.map(|row| (0..*horizon).map(|h| forecast(row, h)).collect()).collect())
    }
}

/// What a model gives with each draw of its masks.
pub(crate) fn draws(
    model: &ForecastModel,
    inputs: &Tensor<3>,
    monte_carlo: &MonteCarlo,
) -> Result<Vec<Tensor<2>>> {
    let draws = monte_carlo.samples(model, inputs).context("forecast by Monte Carlo")?;
    Ok(draws.into_value())
}

/// The values of a tensor, row by row.
pub(crate) fn host<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}
