//! Training by burn-train's `Learner` (feature `train`).

mod arguments;
mod lines;

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use burn::data::dataloader::DataLoader;
use burn::optim::OptimizerRecord;
use burn::optim::lr_scheduler::LrSchedulerRecord;
use burn::store::ModuleRecord;
use burn::train::checkpoint::{Checkpoint, KeepLastNCheckpoints};
use burn::train::{
    ExecutionStrategy, InferenceStep, Interrupter, Learner, LearnerModel, LearningResult,
    SupervisedTraining, TrainStep,
};
use burn_variational::training::write_atomically;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use arguments::{LearnerArguments, Parallel};

use crate::interrupt::{self, Stopped};
use lines::EpochLines;

/// What a training has come to, beside its checkpoints.
const FINISHED: &str = "finished.json";

/// A training by a `Learner`, and the folder of its checkpoints and logs.
#[derive(Debug, Clone)]
pub struct LearnerRun {
    folder: PathBuf,
    label: String,
    n_epochs: usize,
}

impl LearnerRun {
    /// What it is called is shown on the dashboard, or in the lines where there is no terminal.
    pub fn new(folder: impl Into<PathBuf>, label: impl ToString, n_epochs: usize) -> Self {
        Self { folder: folder.into(), label: label.to_string(), n_epochs }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The epochs that are done: until the last checkpoint that is whole. A run that was killed may have
    /// left half of one.
    pub fn n_done(&self) -> usize {
        let Ok(names) = fs::read_dir(self.folder.join("checkpoint")) else { return 0 };
        let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let epoch = |name: String| name.strip_prefix("model-")?.strip_suffix(".bpk")?.parse().ok();
        let mut epochs: Vec<usize> = names.filter_map(epoch).collect();
        epochs.sort_unstable();
        let is_whole = |&epoch: &usize| {
            let file = |part| self.checkpoint(part, epoch);
            ModuleRecord::load(file("model")).is_ok()
                && <OptimizerRecord as Checkpoint>::load(file("optim")).is_ok()
                && <LrSchedulerRecord as Checkpoint>::load(file("scheduler")).is_ok()
        };
        epochs.into_iter().rev().find(is_whole).unwrap_or(0)
    }

    /// Trains from the last checkpoint, or from scratch, with these metrics.
    ///
    /// # Errors
    ///
    /// If a checkpoint cannot be read, the training fails, or Ctrl-C was pressed.
    pub fn train<M: LearnerModel>(
        &self,
        learner: Learner<M>,
        strategy: ExecutionStrategy,
        train: Arc<dyn DataLoader<<M as TrainStep>::Input>>,
        valid: Arc<dyn DataLoader<<M as InferenceStep>::Input>>,
        with_metrics: impl FnOnce(SupervisedTraining<M>) -> SupervisedTraining<M>,
    ) -> Result<M> {
        let n_done = self.n_done();
        if n_done == self.n_epochs {
            let record = ModuleRecord::load(self.checkpoint("model", n_done))?;
            return Ok(learner.model().load_record(record));
        }
        let interrupter = Interrupter::new();
        let mut training = SupervisedTraining::new(&self.folder, train, valid)
            .with_training_strategy(strategy.into())
            .with_application_logger(None)
            .with_checkpointing_strategy(KeepLastNCheckpoints::new(2))
            .with_default_checkpointers()
            .with_interrupter(interrupter.clone())
            .num_epochs(self.n_epochs)
            .label(&self.label);
        if n_done > 0 {
            training = training.checkpoint(n_done);
        }
        if !std::io::stdout().is_terminal() {
            let lines = EpochLines::new(self.label.clone(), self.n_epochs);
            training = training.renderer(Box::new(lines));
        }
        let training = with_metrics(training);
        trained(watched(&interrupter, || training.launch(learner)), &interrupter)
    }

    /// What the training has come to, once [`finish`](Self::finish) has said so.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn finished<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let path = self.folder.join(FINISHED);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(Some(serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?))
    }

    /// Keeps what the training has come to, beside its checkpoints.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn finish<T: Serialize>(&self, result: &T) -> Result<()> {
        let path = self.folder.join(FINISHED);
        write_atomically(&path, &serde_json::to_vec(result)?)
            .with_context(|| path.display().to_string())
    }

    fn checkpoint(&self, part: &str, epoch: usize) -> PathBuf {
        self.folder.join("checkpoint").join(format!("{part}-{epoch}.bpk"))
    }
}

/// The model of a training that came to its end.
fn trained<M>(result: LearningResult<M>, interrupter: &Interrupter) -> Result<M> {
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
