//! The same methods trained by burn-train's `Learner`, whose dashboard shows the validation pieces by
//! weight averaging and by Monte Carlo.

mod lines;
mod model;

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::optim::lr_scheduler::LrSchedulerRecord;
use burn::store::ModuleRecord;
use burn::train::checkpoint::{Checkpoint, KeepLastNCheckpoints};
use burn::train::metric::LossMetric;
use burn::train::{Interrupter, Learner, LearningResult, SupervisedTraining};
use burn_variational::mc::metrics::{averaged, drawn, regression};
use burn_variational::rnn::{CellConfig, RecurrentCell};
use burn_variational::training::{
    Decay, NumberedDataset, Stamped, StampedBatcher, StampedLoader, with_decays, write_atomically,
};
use command_line::interrupt::{self, Stopped};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::{FinishedMethod, MethodCheckpoint};
use crate::method::Method;
use crate::model::{SentimentModel, SentimentModelConfig};
use crate::pieces::Pieces;
use crate::training::{Trainer, adam};

use lines::EpochLines;
use model::{ReviewBatch, ReviewBatcher, SentimentLearner};

/// What a method has come to, beside its checkpoints.
const FINISHED: &str = "finished.json";

impl Trainer<'_> {
    /// Trains a method by a `Learner` from its last checkpoint, or from scratch, and evaluates it.
    pub(crate) fn method_by_learner<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl FnOnce(usize, usize) -> K,
    ) -> Result<FinishedMethod> {
        let folder = self.output.checkpoints(method).path().to_path_buf();
        let finished = folder.join(FINISHED);
        if finished.exists() {
            let bytes = fs::read(&finished).with_context(|| finished.display().to_string())?;
            return serde_json::from_slice(&bytes).context(finished.display().to_string());
        }
        let (preset, n_types) = (&self.data.preset, self.data.vocabulary.len());
        let config = SentimentModelConfig::new(method, preset, make_cell, n_types);
        let start = Instant::now();
        let (model, n_epochs) = self.learn(method, &config, &folder)?;

        let n_steps = self.data.train.len().div_ceil(preset.batch_size) * self.run.epochs;
        let checkpoint = MethodCheckpoint {
            n_steps: n_steps as u64,
            n_tokens: (self.data.train.n_tokens() * n_epochs) as u64,
            // Validation and all.
            train_seconds: start.elapsed().as_secs_f64(),
            ..MethodCheckpoint::new(self.run)
        };
        let method_result = self.evaluate(method, &model, &checkpoint)?;
        self.output.save_model(method, &config, &model)?;
        write_atomically(&finished, &serde_json::to_vec(&method_result)?)
            .with_context(|| finished.display().to_string())?;
        Ok(method_result)
    }

    /// The trained model, and the epochs that it was trained for by this process.
    fn learn<K: CellConfig>(
        &self,
        method: Method,
        config: &SentimentModelConfig<K>,
        folder: &Path,
    ) -> Result<(SentimentModel<K::Cell>, usize)> {
        // All methods begin with the same parameters.
        self.device.seed(self.run.seed);
        let model = config.init(&self.device.clone().autodiff());
        let (preset, run) = (&self.data.preset, self.run);
        let kl = model.kl_term(preset, self.data.train.len()).at("model");
        let learner = SentimentLearner::new(model, run.seed, preset.precision);
        let optimizer = with_decays(adam(), Decay::Coupled, kl.decays(&learner));
        let n_done = last_checkpoint(folder).unwrap_or(0);
        if n_done == run.epochs {
            let path = checkpoint_file(folder, "model", n_done);
            let record = ModuleRecord::load(path)?;
            return Ok((learner.load_record(record).into_model().valid(), 0));
        }
        let train = self.loader(&self.data.train, true);
        let train = StampedLoader::new(train).with_first_epoch(n_done as u64 + 1);
        let valid = self.loader(&self.data.valid, false);
        let interrupter = Interrupter::new();
        let mut training = SupervisedTraining::new(folder, Arc::new(train), valid)
            .metrics((LossMetric::new(),))
            .metric_train_numeric(averaged(regression::rmse()))
            .metric_valid_numeric(averaged(regression::rmse()))
            .with_application_logger(None)
            .with_checkpointing_strategy(KeepLastNCheckpoints::new(2))
            .with_default_checkpointers()
            .with_interrupter(interrupter.clone())
            .num_epochs(run.epochs)
            .label(&method.to_string());
        if method.drops() {
            training = training
                .metric_valid_numeric(drawn(regression::rmse()))
                .metric_valid_numeric(drawn(regression::coverage(0.9)))
                .metric_valid_numeric(drawn(regression::epistemic_deviation()));
        }
        if n_done > 0 {
            training = training.checkpoint(n_done);
        }
        if !std::io::stdout().is_terminal() {
            training = training.renderer(Box::new(EpochLines::new(method, run.epochs)));
        }
        let learner = Learner::new(learner, optimizer, preset.lr);
        let result = watched(&interrupter, || training.launch(learner));
        Ok((finished(result, &interrupter)?.into_model(), run.epochs - n_done))
    }

    /// Batches of pieces that know their draws.
    fn loader(
        &self,
        pieces: &Pieces,
        is_shuffled: bool,
    ) -> Arc<dyn DataLoader<Stamped<ReviewBatch>>> {
        let dataset = InMemDataset::new(pieces.as_slice().to_vec());
        let builder = DataLoaderBuilder::new(StampedBatcher::new(ReviewBatcher))
            .batch_size(self.data.preset.batch_size)
            .num_workers(self.workers)
            .set_device(self.device.clone());
        let builder = if is_shuffled { builder.shuffle(self.run.seed) } else { builder };
        builder.build(NumberedDataset::new(dataset))
    }
}

/// The model of a training that came to its end.
fn finished<C: RecurrentCell>(
    result: LearningResult<SentimentLearner<C>>,
    interrupter: &Interrupter,
) -> Result<SentimentLearner<C>> {
    if let Some(error) = result.error {
        return Err(anyhow!("{error}").context("the training failed"));
    }
    // A dashboard that closes takes back the stop that was asked of it, and leaves the reason.
    if result.interrupted.is_some() || interrupter.get_message().is_some() {
        bail!(Stopped);
    }
    Ok(result.model)
}

/// Trains, and stops when Ctrl-C is pressed.
fn watched<T>(interrupter: &Interrupter, train: impl FnOnce() -> T) -> T {
    let (done, is_done) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout)
            {
                if interrupt::asked() {
                    interrupter.stop(Some("Ctrl-C"));
                }
            }
        });
        let trained = train();
        drop(done);
        trained
    })
}

fn checkpoint_file(folder: &Path, part: &str, epoch: usize) -> PathBuf {
    folder.join("checkpoint").join(format!("{part}-{epoch}.bpk"))
}

/// The last epoch whose checkpoint is whole: a run that was killed may have left half of one.
fn last_checkpoint(folder: &Path) -> Option<usize> {
    let names = fs::read_dir(folder.join("checkpoint")).ok()?;
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let epoch = |name: String| name.strip_prefix("model-")?.strip_suffix(".bpk")?.parse().ok();
    let mut epochs: Vec<usize> = names.filter_map(epoch).collect();
    epochs.sort_unstable();
    let is_whole = |&epoch: &usize| {
        let file = |part| checkpoint_file(folder, part, epoch);
        ModuleRecord::load(file("model")).is_ok()
            && <OptimizerRecord as Checkpoint>::load(file("optim")).is_ok()
            && <LrSchedulerRecord as Checkpoint>::load(file("scheduler")).is_ok()
    };
    epochs.into_iter().rev().find(is_whole)
}
