//! A model from its first step to the epoch that forecasts the validation part best.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::GaussianOutput;
use burn_variational::training::clip_global_norm;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::arguments::Noise;
use crate::model::{ForecastModel, ForecastModelConfig};
use crate::windows::Windows;

const BATCH_SIZE: usize = 64;
const LEARNING_RATE: f64 = 0.005;
const MAX_NORM: f64 = 1.0;
/// Epochs without a better one after which the learning rate is halved, and training ends.
const HALVING: usize = 5;
const PATIENCE: usize = 20;

/// How a model is trained.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) noise: Noise,
    pub(crate) epochs: usize,
    pub(crate) seed: u64,
}

/// A trained model.
#[derive(Debug)]
pub(crate) struct Trained {
    /// That of the best epoch, on the plain device.
    pub(crate) model: ForecastModel,
    pub(crate) best_epoch: usize,
    pub(crate) losses: Losses,
}

/// The losses of each epoch: of the training part while it was trained on, dropout and all, and of
/// the validation part after it.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    pub(crate) train: Vec<f64>,
    pub(crate) validation: Vec<f64>,
}

impl Recipe {
    /// Trains on the windows of one part, whose tensors are on the autodiff device, and keeps what
    /// forecasts another best.
    pub(crate) fn train(
        &self,
        config: &ForecastModelConfig,
        train: &Windows,
        validation: &Windows,
        device: &Device,
    ) -> Trained {
        device.seed(self.seed);
        let mut model = config.init(&device.clone().autodiff());
        let mut optimizer = AdamConfig::new().init();
        let bar = progress(self.epochs);
        let losses = Losses::default();
        let mut trained = Trained { model: model.valid(), best_epoch: 0, losses };
        let mut best = f64::INFINITY;
        for epoch in 1..=self.epochs {
            let n_stale = epoch - 1 - trained.best_epoch;
            if n_stale >= PATIENCE {
                break;
            }
            let precision = self.precision(trained.losses.validation.last());
            let lr = LEARNING_RATE * 0.5_f64.powf((n_stale / HALVING) as f64);
            let train_loss;
            (model, train_loss) = self.epoch(model, &mut optimizer, train, epoch, lr, precision);
            let loss = self.validation_loss(&model.valid(), validation);
            if loss < best {
                (best, trained.best_epoch, trained.model) = (loss, epoch, model.valid());
            }
            trained.losses.train.push(train_loss);
            trained.losses.validation.push(loss);
            bar.set_message(format!("validation loss {loss:.4}, best {best:.4}"));
            bar.inc(1);
        }
        bar.finish_and_clear();
        trained
    }

    /// The precision in the prior of the next epoch. That of the noise is not known before training,
    /// and one that is fitted afterwards was not the one that was trained with; so it follows the
    /// error of the validation part from epoch to epoch. Where the noise is predicted it is in the
    /// likelihood.
    fn precision(&self, validation: Option<&f64>) -> f64 {
        match (self.noise, validation) {
            (Noise::Fitted, Some(half_square)) => 0.5 / half_square.max(f64::from(f32::EPSILON)),
            _ => 1.0,
        }
    }

    /// The model after an epoch, and the mean loss of its batches.
    fn epoch(
        &self,
        mut model: ForecastModel,
        optimizer: &mut ModuleOptimizer,
        windows: &Windows,
        epoch: usize,
        lr: f64,
        precision: f64,
    ) -> (ForecastModel, f64) {
        // A value is forecast from every step of the horizon before it, and is one observation.
        let kl = model.kl_term(windows.len(), precision);
        let rng = MaskRng::seeded(self.seed);
        let mut losses = 0.0;
        let first_draw = (epoch - 1) * windows.len().div_ceil(BATCH_SIZE);
        for (batch, rows) in self.order(windows.len(), epoch).chunks(BATCH_SIZE).enumerate() {
            let (inputs, targets) = windows.some(rows);
            let masks = model.masks_for(&inputs, rng.draw((first_draw + batch) as u64));
            let loss = self.loss(model.run(inputs, &masks), targets);
            let objective = loss.clone() + kl.penalty(&model);
            let mut gradients = GradientsParams::from_grads(objective.backward(), &model);
            clip_global_norm(&mut gradients, &model, MAX_NORM);
            model = optimizer.step(lr, model, gradients);
            losses += rows.len() as f64 * f64::from(loss.into_scalar::<f32>());
        }
        (model, losses / windows.len() as f64)
    }

    /// The windows of an epoch, shuffled.
    fn order(&self, n_windows: usize, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n_windows).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch as u64);
        order.shuffle(&mut rng);
        order
    }

    /// `½ (y - ŷ)²`, or `-log p(y)` where the noise is predicted, on average; dims `[1]`.
    fn loss(&self, output: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        match self.noise {
            Noise::Fitted => (output - targets).square().mean() / 2.0,
            Noise::Predicted => {
                GaussianOutput::from_tensor(output).negative_log_likelihood(targets).mean()
            }
        }
    }

    /// With expected masks.
    fn validation_loss(&self, model: &ForecastModel, windows: &Windows) -> f64 {
        let output = model.weight_averaged(windows.inputs.clone());
        f64::from(self.loss(output, windows.targets.clone()).into_scalar::<f32>())
    }
}

/// A bar of epochs; it draws only where standard error is a terminal.
fn progress(epochs: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("epoch {pos:>3}/{len} {bar:30} {eta} left  {msg}");
    ProgressBar::new(epochs as u64).with_style(style.expect("the template is valid"))
}
