//! Training by truncated backpropagation, with a checkpoint after every epoch.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use burn::module::{Module, ParamGroup};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::MonteCarlo;
use burn_variational::rnn::{CellConfig, RecurrentCell};
use burn_variational::training::{
    CheckpointDir, Decay, PlainSgd, TokenWindows, global_norm, with_decays,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::Run;
use crate::checkpoint::{
    DrawsPerplexity, EpochRecord, Evaluation, Exact, FinishedMethod, MethodCheckpoint,
};
use crate::corpus::Corpus;
use crate::evaluation::{monte_carlo_perplexity, perplexity};
use crate::interrupt;
use crate::method::Method;
use crate::model::{LanguageModel, LanguageModelConfig};
use crate::output::{MethodResult, OutputDir};
use crate::preset::Preset;
use crate::progress::TokenBar;

/// Trains and evaluates the methods of a run.
#[derive(Debug)]
pub(crate) struct Trainer<'a> {
    pub(crate) run: &'a Run,
    pub(crate) texts: &'a Texts,
    pub(crate) output: &'a OutputDir,
    pub(crate) device: Device,
}

/// The texts of a corpus, cut as a run reads them.
#[derive(Debug)]
pub(crate) struct Texts {
    /// Whole windows of parallel streams.
    train: TokenWindows,
    /// Every token of parallel streams.
    train_whole: TokenWindows,
    valid: TokenWindows,
    /// Every token of one stream.
    test: TokenWindows,
    n_types: usize,
    source_perplexity: Option<f64>,
}

impl Texts {
    /// # Errors
    ///
    /// If a text is too short.
    pub(crate) fn new(corpus: &Corpus, run: &Run) -> Result<Self> {
        let Preset { batch_size, seq_length, .. } = run.preset();
        let whole = |name: &str, tokens: &[u32], batch_size| {
            TokenWindows::with_short_last(tokens, batch_size, seq_length)
                .with_context(|| format!("{name} text"))
        };
        Ok(Self {
            train: TokenWindows::new(&corpus.train, batch_size, seq_length)
                .context("train text")?,
            train_whole: whole("train", &corpus.train, batch_size)?,
            valid: whole("valid", &corpus.valid, batch_size)?,
            test: whole("test", &corpus.test, 1)?,
            n_types: corpus.n_types,
            source_perplexity: corpus.source_perplexity,
        })
    }
}

/// A model in training.
struct Training<C: RecurrentCell> {
    model: LanguageModel<C>,
    optimizer: ModuleOptimizer,
    checkpoint: MethodCheckpoint,
}

impl Trainer<'_> {
    /// Trains a method from its last checkpoint, or from scratch, and evaluates it.
    pub(crate) fn method<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl Fn(usize, usize) -> K,
    ) -> Result<FinishedMethod> {
        let preset = self.run.preset();
        let dropout = method.dropout(&preset);
        let config = LanguageModelConfig::new(make_cell, &preset, &dropout, self.texts.n_types);
        let checkpoints = self.output.checkpoints(method);
        let mut training = self.start(method, &config, &checkpoints)?;
        for epoch in training.checkpoint.epochs.len() + 1..=self.run.epochs {
            if training.checkpoint.is_over() {
                break;
            }
            self.epoch(&mut training, method, epoch)?;
            let Training { model, optimizer, checkpoint } = &training;
            checkpoints.save(model, optimizer, checkpoint)?;
        }
        let evaluation = if let Some(evaluation) = training.checkpoint.evaluation.clone() {
            evaluation
        } else {
            let evaluation = self.evaluate(&training, method)?;
            training.checkpoint.evaluation = Some(evaluation.clone());
            let Training { model, optimizer, checkpoint } = &training;
            checkpoints.save(model, optimizer, checkpoint)?;
            evaluation
        };
        self.output.save_model(method, &config, &training.model)?;
        let checkpoint = training.checkpoint;
        let result = self.result(method, &checkpoint, &evaluation)?;
        Ok(FinishedMethod { result, epochs: checkpoint.epochs, evaluation })
    }

    fn start<K: CellConfig>(
        &self,
        method: Method,
        config: &LanguageModelConfig<K>,
        checkpoints: &CheckpointDir,
    ) -> Result<Training<K::Cell>> {
        let preset = self.run.preset();
        let model = config
            .init(&self.device.clone().autodiff())
            .with_uniform_parameters(preset.init_range, self.run.seed);
        let decay = method.decay(&preset);
        let decays = (decay > 0.0).then(|| (ParamGroup::all(), decay));
        let optimizer = with_decays(PlainSgd, Decay::AfterStep, decays);
        let loaded = checkpoints.load(model.clone(), |_| optimizer.clone())?;
        let Some((model, optimizer, checkpoint)) = loaded else {
            let checkpoint = MethodCheckpoint::new(self.run);
            return Ok(Training { model, optimizer, checkpoint });
        };
        let checkpoint: MethodCheckpoint = checkpoint;
        ensure!(
            checkpoint.run == *self.run,
            "{}: the checkpoint is of another configuration",
            checkpoints.path().display()
        );
        Ok(Training { model, optimizer, checkpoint })
    }

    /// One pass over the training text.
    fn epoch<C: RecurrentCell>(
        &self,
        training: &mut Training<C>,
        method: Method,
        epoch: usize,
    ) -> Result<()> {
        let Texts { train: windows, valid, .. } = self.texts;
        let preset = self.run.preset();
        let device = self.device.clone().autodiff();
        let lr = training.checkpoint.lr(&method.schedule(&preset), epoch);
        let rng = MaskRng::seeded(self.run.seed);
        let name = format!("{method} epoch {epoch}/{}", self.run.epochs);
        let bar = TokenBar::new(name, windows.n_targets() as u64);
        let start = Instant::now();

        let (mut state, mut loss_sum) = (None, 0.0);
        for (index, window) in windows.iter().enumerate() {
            interrupt::check()?;
            let [batch_size, seq_length] = window.dims();
            let draw = (epoch - 1) * windows.len() + index;
            let model = &training.model;
            let (inputs, targets) = (window.inputs_on(&device), window.targets_on(&device));
            let masks = model.masks_for(&inputs, rng.draw(draw as u64));
            let (losses, next) = model.forward(inputs, targets, state, &masks);
            state = Some(next.detach());
            // Summed over the steps of the mean over the batch: learning rate and clipping are
            // published for this loss.
            let loss = losses.sum().div_scalar(batch_size as f64);

            let grads = GradientsParams::from_grads(loss.backward(), model);
            // The step is proportional to the gradient: clipping is a smaller learning rate.
            let norm = global_norm(&grads, model).context("a model has gradients")?;
            let clipped = lr * (preset.max_norm / f64::from(norm.into_scalar::<f32>())).min(1.0);
            training.model = training.optimizer.step(clipped, training.model.clone(), grads);

            loss_sum += f64::from(loss.into_scalar::<f32>());
            bar.advance((batch_size * seq_length) as u64);
            let steps = ((index + 1) * seq_length) as f64;
            bar.say(format!("perplexity {:.1}", (loss_sum / steps).exp()));
        }
        training.checkpoint.train_seconds.0 += start.elapsed().as_secs_f64();
        let steps = windows.n_targets() / preset.batch_size;
        let train_ppl = (loss_sum / steps as f64).exp();
        drop(bar);

        let bar = TokenBar::new(format!("{method} valid"), valid.n_targets() as u64);
        let valid_ppl = perplexity(&training.model.valid(), valid, &self.device, &bar)?;
        training
            .checkpoint
            .epochs
            .push(EpochRecord { train_ppl: Exact(train_ppl), valid_ppl: Exact(valid_ppl) });
        drop(bar);
        eprintln!(
            "{method:<18} epoch {epoch:>2}/{}  train {train_ppl:>8.2} (as trained)  valid {valid_ppl:>8.2}",
            self.run.epochs
        );
        Ok(())
    }

    fn evaluate<C: RecurrentCell>(
        &self,
        training: &Training<C>,
        method: Method,
    ) -> Result<Evaluation> {
        let model = training.model.valid();
        let device = &self.device;
        let Texts { train_whole: train, test, .. } = self.texts;
        let bar = TokenBar::new(format!("{method} train"), train.n_targets() as u64);
        let train_ppl = perplexity(&model, train, device, &bar)?;
        drop(bar);

        let bar = TokenBar::new(format!("{method} test"), test.n_targets() as u64);
        let test_ppl = perplexity(&model, test, device, &bar)?;
        drop(bar);

        let monte_carlo = |model: &LanguageModel<C>| -> Result<Vec<DrawsPerplexity>> {
            let n_draws = draws_of_curve(self.run.mc_samples);
            let name = format!("{method} test by Monte Carlo");
            let bar = TokenBar::new(name, (test.n_targets() * self.run.mc_samples) as u64);
            let draws = MonteCarlo::new(self.run.mc_samples, MaskRng::seeded(self.run.seed));
            let curve = monte_carlo_perplexity(model, test, &draws, &n_draws, device, &bar)?;
            let points = n_draws.into_iter().zip(curve);
            Ok(points.map(|(n_draws, ppl)| DrawsPerplexity { n_draws, ppl: Exact(ppl) }).collect())
        };
        let whole_types = model.clone().with_whole_types();
        Ok(Evaluation {
            train_ppl: Exact(train_ppl),
            test_ppl: Exact(test_ppl),
            test_mc: (method != Method::None).then(|| monte_carlo(&whole_types)).transpose()?,
            test_mc_types_dropped: method
                .is_variational()
                .then(|| monte_carlo(&model))
                .transpose()?,
        })
    }

    /// What `results.json` says of a method.
    fn result(
        &self,
        method: Method,
        checkpoint: &MethodCheckpoint,
        evaluation: &Evaluation,
    ) -> Result<MethodResult> {
        let epochs = checkpoint.epochs.len();
        let trained = self.texts.train.n_targets() * epochs;
        let last = checkpoint.epochs.last().context("at least one epoch")?;
        Ok(MethodResult {
            method,
            cell: self.run.cell,
            preset: self.run.preset,
            backend: self.run.backend,
            seed: self.run.seed,
            epochs,
            train_ppl: Some(evaluation.train_ppl.0),
            valid_ppl: Some(last.valid_ppl.0),
            test_ppl: Some(evaluation.test_ppl.0),
            test_ppl_mc: last_perplexity(evaluation.test_mc.as_deref()),
            test_ppl_mc_types_dropped: last_perplexity(evaluation.test_mc_types_dropped.as_deref()),
            source_ppl: self.texts.source_perplexity,
            tokens_per_second: trained as f64 / checkpoint.train_seconds.0,
        })
    }
}

/// The numbers of draws at which a perplexity is taken: 1, 2, 5, 10, 20, .. and the last.
fn draws_of_curve(n_draws: usize) -> Vec<usize> {
    let decades = (0..).map(|exponent| 10_usize.pow(exponent));
    let steps = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]);
    steps.take_while(|&draws| draws < n_draws).chain([n_draws]).collect()
}

fn last_perplexity(curve: Option<&[DrawsPerplexity]>) -> Option<f64> {
    curve?.last().map(|point| point.ppl.0)
}
