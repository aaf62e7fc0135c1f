//! A run from the series to its results.

use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::calibration::{ObservedDraws, SplitConformal};
use burn_variational::mc::{GaussianMixture, MonteCarlo};

use crate::arguments::{Centre, Noise, TrainArguments};
use crate::evaluation::{Forecasts, Intervals, Judged, Table, follow};
use crate::forecaster::{Forecaster, ForecasterConfig, LEVEL, NoiseModel, draws};
use crate::model::{ForecastModel, ForecastModelConfig};
use crate::parts::{Parts, Sizes, observed_origins, origins};
use crate::report::{Results, Tested};
use crate::season::season_of;
use crate::series::{Generated, Series};
use crate::standardisation::Standardisation;
use crate::training::{Losses, Recipe, Trained};
use crate::windows::Windows;

/// A series, cut as a run reads it.
#[derive(Debug)]
pub(crate) struct Experiment {
    pub(crate) series: Series,
    /// Of the generated series.
    pub(crate) source: Option<Generated>,
    pub(crate) season: Option<usize>,
    pub(crate) sizes: Sizes,
    pub(crate) standardisation: Standardisation,
    parts: Parts,
    validation: Windows,
    calibration: Windows,
    pub(crate) test: Windows,
    recipe: Recipe,
    mc_samples: usize,
    device: Device,
}

/// What a run has come to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) forecaster: Forecaster,
    pub(crate) tested: Tested,
    pub(crate) results: Results,
    pub(crate) losses: Losses,
}

impl Experiment {
    /// # Errors
    ///
    /// If the series cannot be read, is too short, or does not vary.
    pub(crate) fn new(arguments: &TrainArguments) -> Result<Self> {
        let (series, source) = Series::load(&arguments.data)?;
        let parts = Parts::of(series.values.len());
        let train = &series.values[parts.train.clone()];
        let season = match arguments.season.map(|season| season as usize) {
            Some(season) => {
                ensure!(
                    season <= train.len(),
                    "--season {season}: the training part has {} values alone",
                    train.len()
                );
                Some(season)
            }
            None => season_of(train),
        };
        let horizon = arguments.horizon as usize;
        let natural = || horizon.saturating_mul(2).max(season.unwrap_or(0));
        let window = arguments.window.map_or_else(natural, |window| window as usize);
        let sizes = Sizes { window, horizon };
        parts.check(sizes)?;
        let standardisation = Standardisation::fit(&series, &parts, sizes, arguments.centre)?;
        let device = Device::flex();
        let windows = |name, part| {
            let origins = observed_origins(name, part, sizes, &series)?;
            Ok::<_, anyhow::Error>(Windows::new(
                &series.values,
                origins,
                sizes,
                &standardisation,
                &device,
            ))
        };
        Ok(Self {
            validation: windows("validation", &parts.validation)?,
            calibration: windows("calibration", &parts.calibration)?,
            test: windows("test", &parts.test)?,
            recipe: Recipe {
                noise: arguments.noise,
                epochs: arguments.epochs as usize,
                seed: arguments.seed,
            },
            mc_samples: arguments.mc_samples as usize,
            series,
            source,
            season,
            sizes,
            standardisation,
            parts,
            device,
        })
    }

    /// What is worth knowing before it is run: a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let Sizes { window, horizon } = self.sizes;
        let Self { series, parts, .. } = self;
        let season = match self.season {
            Some(season) => format!("a season of {season}"),
            None => "no season".to_string(),
        };
        let centre = match self.standardisation.centre {
            Centre::Mean => "the mean of the training part",
            Centre::Last => "the last value of each window",
        };
        let mut notes = series.notes();
        notes.push(format!(
            "{}: {} values, of which {} are trained on, {} each for validation, calibration and \
             test; {season}; {horizon} steps are forecast from {window}, about {centre}",
            series.name,
            series.values.len(),
            parts.train.len(),
            parts.test.len()
        ));
        notes
    }

    /// Trains, calibrates and judges.
    pub(crate) fn run(&self) -> Result<Outcome> {
        let network = ForecastModelConfig::of(match self.recipe.noise {
            Noise::Fitted => self.sizes.horizon,
            Noise::Predicted => 2 * self.sizes.horizon,
        });
        let Trained { model, best_epoch, losses } = self.train(&network)?;

        let noise = self.noise(&self.draws(&model, &self.validation)?)?;
        let predicted = |windows| -> Result<_> {
            Ok(GaussianMixture::new(self.draws(&model, windows)?, noise.on(&self.device)))
        };
        let calibration = predicted(&self.calibration)?.moments().mean();
        let conformal = SplitConformal::fit(&calibration, &self.calibration.targets, LEVEL)?;
        let monte_carlo = Judged::new(&predicted(&self.test)?, &self.test)?;

        // Weight averaging has a noise of its own: its errors are others.
        let averaged = |windows: &Windows| model.weight_averaged(windows.inputs.clone());
        let averaged_noise = self.noise(&[averaged(&self.validation)])?.on(&self.device);
        let mixture = GaussianMixture::new(vec![averaged(&self.test)], averaged_noise);
        let averaged = Judged::new(&mixture, &self.test)?;

        let observed = Table::of(&self.test.targets);
        let adaptive = follow(
            Forecasts {
                mean: &Table::of(&calibration),
                observed: &Table::of(&self.calibration.targets),
                origins: &self.calibration.origins,
            },
            Forecasts { mean: &monte_carlo.mean, observed: &observed, origins: &self.test.origins },
        )?;
        let conformal_intervals = Intervals::of(&conformal.interval(monte_carlo.means.clone()));
        let tested =
            Tested { observed, averaged, monte_carlo, conformal: conformal_intervals, adaptive };
        let (scores, steps) = tested.scores(self)?;
        let results = Results {
            series: self.series.name.clone(),
            noise: self.recipe.noise,
            horizon: self.sizes.horizon,
            window: self.sizes.window,
            season: self.season,
            centre: self.standardisation.centre,
            seed: self.recipe.seed,
            mc_samples: self.mc_samples,
            epochs: losses.validation.len(),
            best_epoch,
            n_test: self.test.len(),
            scores,
            steps,
        };
        let config = ForecasterConfig {
            target: self.series.name.clone(),
            time: self.series.time_name.clone(),
            window: self.sizes.window,
            horizon: self.sizes.horizon,
            standardisation: self.standardisation,
            noise,
            conformal,
            model: network,
        };
        let forecaster = Forecaster::new(config, model, self.device.clone());
        Ok(Outcome { forecaster, tested, results, losses })
    }

    fn train(&self, network: &ForecastModelConfig) -> Result<Trained> {
        let origins = origins(&self.parts.train, self.sizes);
        let train = Windows::new(
            &self.series.values,
            origins,
            self.sizes,
            &self.standardisation,
            &self.device.clone().autodiff(),
        );
        let trained = self.recipe.train(network, &train, &self.validation, &self.device);
        ensure!(
            trained.best_epoch > 0,
            "training diverged: no epoch has a finite loss on the validation part"
        );
        Ok(trained)
    }

    fn draws(&self, model: &ForecastModel, windows: &Windows) -> Result<Vec<Tensor<2>>> {
        let rng = MaskRng::seeded(self.recipe.seed);
        draws(model, &windows.inputs, &MonteCarlo::new(self.mc_samples, rng))
    }

    /// The noise about these outputs for the validation part.
    fn noise(&self, outputs: &[Tensor<2>]) -> Result<NoiseModel> {
        Ok(match self.recipe.noise {
            Noise::Predicted => NoiseModel::Predicted,
            Noise::Fitted => {
                let draws = ObservedDraws::new(outputs, &self.validation.targets)?;
                NoiseModel::Fitted(draws.fit_precision_per_output()?)
            }
        })
    }
}
