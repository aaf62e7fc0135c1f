//! A method from its first step to its results, with a checkpoint after every epoch.

use std::time::Instant;

use anyhow::{Result, ensure};
use burn::module::Module;
use burn::optim::{Adam, AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::rnn::{CellConfig, RecurrentCell};
use burn_variational::training::{CheckpointDir, Decay, LengthBuckets, with_decays};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::Run;
use crate::checkpoint::{EpochRecord, FinishedMethod, MethodCheckpoint};
use crate::data::Data;
use crate::method::Method;
use crate::model::{SentimentModel, SentimentModelConfig};
use crate::output::OutputDir;
use crate::pieces::Pieces;
use crate::prediction::{draws, weight_averaged};
use command_line::TokenBar;
use command_line::interrupt;
use command_line::learner::LearnerArguments;

/// Keras' own, which the paper's code is of; Burn's is 1e-5.
const ADAM_EPSILON: f32 = 1e-8;
/// Training pieces that the error is taken of after each epoch, at most.
const SHOWN_TRAIN_PIECES: usize = 500;
/// The draws of the curves, as in the paper's code, and the epochs from one point to the next: so
/// many draws of the test reviews take about as long as an epoch.
pub(crate) const CURVE_DRAWS: usize = 10;
const CURVE_EPOCHS: usize = 10;

/// Trains and evaluates the methods of a run.
#[derive(Debug)]
pub(crate) struct Trainer<'a> {
    pub(crate) run: &'a Run,
    pub(crate) data: &'a Data,
    pub(crate) output: &'a OutputDir,
    pub(crate) device: Device,
    pub(crate) learner: LearnerArguments,
}

/// A model in training.
struct Training<C: RecurrentCell> {
    method: Method,
    model: SentimentModel<C>,
    optimizer: ModuleOptimizer,
    checkpoint: MethodCheckpoint,
}

impl<C: RecurrentCell> Training<C> {
    fn save(&self, checkpoints: &CheckpointDir) -> Result<()> {
        Ok(checkpoints.save(&self.model, &self.optimizer, &self.checkpoint)?)
    }
}

impl Trainer<'_> {
    /// Trains a method from its last checkpoint, or from scratch, and evaluates it.
    pub(crate) fn method<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl FnOnce(usize, usize) -> K,
    ) -> Result<FinishedMethod> {
        if self.run.by_learner {
            self.method_by_learner(method, make_cell)
        } else {
            self.method_by_loop(method, make_cell)
        }
    }

    fn method_by_loop<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl FnOnce(usize, usize) -> K,
    ) -> Result<FinishedMethod> {
        let (preset, n_types) = (&self.data.preset, self.data.vocabulary.len());
        let config = SentimentModelConfig::new(method, preset, make_cell, n_types);
        let checkpoints = self.output.checkpoints(method);
        let mut training = self.start(method, &config, &checkpoints)?;
        for epoch in training.checkpoint.epochs.len() + 1..=self.run.epochs {
            self.epoch(&mut training, epoch)?;
            training.save(&checkpoints)?;
        }
        if let Some(finished) = training.checkpoint.finished {
            return Ok(finished);
        }
        let model = training.model.valid();
        let finished = self.evaluate(method, &model, &training.checkpoint)?;
        self.output.save_model(method, &config, &model)?;
        training.checkpoint.finished = Some(finished.clone());
        training.save(&checkpoints)?;
        Ok(finished)
    }

    fn start<K: CellConfig>(
        &self,
        method: Method,
        config: &SentimentModelConfig<K>,
        checkpoints: &CheckpointDir,
    ) -> Result<Training<K::Cell>> {
        // All methods begin with the same parameters.
        self.device.seed(self.run.seed);
        let model = config.init(&self.device.clone().autodiff());
        let preset = &self.data.preset;
        let kl = model.kl_term(preset, self.data.train.len());
        // In the gradient, as the penalty of the loss would be.
        let optimizer = with_decays(adam(), Decay::Coupled, kl.decays(&model));
        let loaded = checkpoints.load(model.clone(), |_| optimizer.clone())?;
        let Some((model, optimizer, checkpoint)) = loaded else {
            let checkpoint = MethodCheckpoint::new(self.run);
            return Ok(Training { method, model, optimizer, checkpoint });
        };
        let checkpoint: MethodCheckpoint = checkpoint;
        ensure!(
            checkpoint.run == *self.run,
            "{}: the checkpoint is of another configuration",
            checkpoints.path().display()
        );
        Ok(Training { method, model, optimizer, checkpoint })
    }

    /// One pass over the training pieces, and what it has come to.
    fn epoch<C: RecurrentCell>(&self, training: &mut Training<C>, epoch: usize) -> Result<()> {
        let (method, n_epochs) = (training.method, self.run.epochs);
        let start = Instant::now();
        let as_trained = self.pass(training, epoch)?;
        ensure!(
            as_trained.is_finite(),
            "{method}: training diverged in epoch {epoch}: the error is {as_trained}"
        );
        let train_seconds = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let model = training.model.valid();
        let averaged = |name: &str, pieces: &Pieces| -> Result<f32> {
            let name = format!("{method} {name}");
            Ok(weight_averaged(&model, pieces, &self.device, name)?.rmse(pieces) as f32)
        };
        let test = &self.data.test;
        let drawn = method.drops()
            && (epoch == 1 || epoch.is_multiple_of(CURVE_EPOCHS) || epoch == n_epochs);
        let by_draws = || -> Result<f32> {
            let name = format!("{method} test by Monte Carlo");
            let rng = (CURVE_DRAWS, MaskRng::seeded(self.run.seed));
            Ok(draws(&model, test, rng, &self.device, name)?.rmse(test) as f32)
        };
        let record = EpochRecord {
            as_trained: as_trained as f32,
            train: averaged("train", &self.data.train.sample(SHOWN_TRAIN_PIECES))?,
            test: averaged("test", test)?,
            test_mc: drawn.then(by_draws).transpose()?,
        };
        let evaluation_seconds = start.elapsed().as_secs_f64();
        let mc = record.test_mc.map_or(String::new(), |rmse| format!("  Monte Carlo {rmse:.3}"));
        eprintln!(
            "{method:<18} epoch {epoch:>3}/{n_epochs}  as trained {:.3}  train {:.3}  test {:.3}{mc}  \
             ({train_seconds:.1} s, and {evaluation_seconds:.1} s for the errors)",
            record.as_trained, record.train, record.test
        );
        let checkpoint = &mut training.checkpoint;
        checkpoint.epochs.push(record);
        checkpoint.train_seconds += train_seconds;
        checkpoint.evaluation_seconds += evaluation_seconds;
        Ok(())
    }

    /// Trains on every piece in turn, and returns the error of the pieces as they were trained on.
    fn pass<C: RecurrentCell>(&self, training: &mut Training<C>, epoch: usize) -> Result<f64> {
        let name = format!("{} epoch {epoch}/{}", training.method, self.run.epochs);
        let (pieces, preset) = (&self.data.train, &self.data.preset);
        let bar = TokenBar::new(name, pieces.n_tokens() as u64);
        let bounds = bounds(preset.piece_length);
        let (lengths, seed) = (pieces.lengths(), self.run.seed);
        let batches =
            LengthBuckets::epoch(&lengths, &bounds, preset.batch_size, seed, epoch as u64);
        let (mut squares, mut n_done) = (0.0, 0);
        for numbers in &batches {
            interrupt::check()?;
            squares += self.step(training, numbers) * numbers.len() as f64;
            n_done += numbers.len();
            let n_tokens = numbers.iter().map(|&number| lengths[number] as u64).sum();
            training.checkpoint.n_tokens += n_tokens;
            bar.advance(n_tokens);
            bar.say(format!("error {:.3}", (squares / n_done as f64).sqrt()));
        }
        Ok((squares / n_done as f64).sqrt())
    }

    /// Trains on a batch, and returns its mean squared error.
    fn step<C: RecurrentCell>(&self, training: &mut Training<C>, numbers: &[usize]) -> f64 {
        let device = self.device.clone().autodiff();
        let Training { model, optimizer, checkpoint, .. } = training;
        let pieces = &self.data.train;
        let tokens = pieces.tokens_of(numbers, &device);
        let targets = pieces.targets_of(numbers, &device);
        let masks =
            model.masks_for(&tokens, MaskRng::seeded(self.run.seed).draw(checkpoint.n_steps));
        let error = (model.run(tokens, &masks) - targets).square().mean();
        // The KL term, which is the decay of the optimiser, is for half the squared error.
        let loss = error.clone() / 2.0;
        let gradients = GradientsParams::from_grads(loss.backward(), model);
        *model = optimizer.step(self.data.preset.lr, model.clone(), gradients);
        checkpoint.n_steps += 1;
        f64::from(error.into_scalar::<f32>())
    }
}

/// The optimiser of all methods, without their decays.
pub(crate) fn adam() -> Adam {
    AdamConfig::new().with_epsilon(ADAM_EPSILON).build()
}

/// Pieces are batched with others of up to these lengths: quarters of a piece, and whole pieces, which
/// are the most and need no padding.
fn bounds(piece_length: usize) -> Vec<usize> {
    let quarters = (1..4).map(|quarter| quarter * piece_length / 4);
    quarters.chain([piece_length - 1]).collect()
}
