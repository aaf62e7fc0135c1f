//! The same methods trained by burn-train's `Learner`, window by window with a zero state: its steps have
//! no place for one that is carried on.

mod model;
mod schedule;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::train::{Learner, LearnerSummary};
use burn_variational::mc::metrics::{averaged, drawn};
use burn_variational::rnn::{CellConfig, RecurrentCell};
use burn_variational::training::{
    NumberedDataset, Stamped, StampedBatcher, StampedLoader, TokenWindows,
};
use command_line::learner::LearnerRun;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::{EpochRecord, Exact, FinishedMethod, MethodCheckpoint};
use crate::method::Method;
use crate::model::{LanguageModel, LanguageModelConfig};
use crate::recipe::Recipe;
use crate::training::Trainer;

use model::{LanguageModelLearner, StepSettings, TokenLosses, WindowBatch, WindowBatcher};
use schedule::StepRates;

impl Trainer<'_> {
    /// Trains a method by a `Learner` from its last checkpoint, or from scratch, and evaluates it.
    pub(crate) fn method_by_learner<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl Fn(usize, usize) -> K,
    ) -> Result<FinishedMethod> {
        let folder = self.output.checkpoints(method).path().to_path_buf();
        let learning = LearnerRun::new(folder, method, self.run.epochs);
        if let Some(checkpoint) = learning.finished()? {
            return self.finished(method, checkpoint);
        }
        let checkpoint = self.learned(method, make_cell, &learning)?;
        learning.finish(&checkpoint)?;
        self.finished(method, checkpoint)
    }

    fn learned<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl Fn(usize, usize) -> K,
        learning: &LearnerRun,
    ) -> Result<MethodCheckpoint> {
        let (preset, cell) = (self.run.preset(), self.run.cell);
        let config = LanguageModelConfig::new(method, &preset, cell, make_cell, self.texts.n_types);
        let (start, n_epochs) = (Instant::now(), self.run.epochs - learning.n_done());
        let model = self.learn(method, &config, learning)?;
        let windows = &self.texts.train_rows;
        let checkpoint = MethodCheckpoint {
            n_steps: (self.steps_per_epoch() * self.run.epochs) as u64,
            n_tokens: (windows.n_targets() * n_epochs) as u64,
            // Validation and all.
            train_seconds: Exact(start.elapsed().as_secs_f64()),
            epochs: epochs(learning, &model)?,
            evaluation: Some(self.evaluate(method, &model)?),
            ..MethodCheckpoint::new(self.run, None)
        };
        self.output.save_model(method, &config, &model)?;
        Ok(checkpoint)
    }

    /// The trained model.
    fn learn<K: CellConfig>(
        &self,
        method: Method,
        config: &LanguageModelConfig<K>,
        learning: &LearnerRun,
    ) -> Result<LanguageModel<K::Cell>> {
        let preset = self.run.preset();
        let recipe = Recipe::new(method, &preset);
        let model = config
            .init(&self.device.clone().autodiff())
            .with_random_parameters(preset.init_range, self.run.seed);
        let settings = StepSettings {
            seed: self.run.seed,
            max_norm: recipe.max_norm,
            prior: recipe.prior(&self.texts.train_rows, 1),
            n_devices: self.learner.n_devices(),
        };
        let rates = StepRates::new(recipe.schedule, self.steps_per_epoch());
        let learner = Learner::new(
            LanguageModelLearner::new(model, settings),
            recipe.optimizer(),
            ModuleLrScheduler::new(rates),
        );
        let train = StampedLoader::new(self.loader(&self.texts.train_rows, true))
            .with_first_epoch(learning.n_done() as u64 + 1);
        let trained = learning.train(
            learner,
            self.learner.strategy(self.learner.devices(self.run.backend)?),
            Arc::new(train),
            self.loader(&self.texts.valid_rows, false),
            |training| {
                let training = training
                    .metric_train_numeric(averaged(TokenLosses::perplexity()))
                    .metric_valid_numeric(averaged(TokenLosses::perplexity()))
                    .metric_train_numeric(averaged(TokenLosses::cross_entropy()))
                    .metric_valid_numeric(averaged(TokenLosses::cross_entropy()));
                if method == Method::None {
                    return training;
                }
                training.metric_valid_numeric(drawn(TokenLosses::perplexity()))
            },
        )?;
        Ok(trained.into_model())
    }

    fn steps_per_epoch(&self) -> usize {
        let batch_size = self.run.preset().batch_size;
        self.learner.steps_per_epoch(self.texts.train_rows.len(), batch_size)
    }

    /// Batches of windows that know their draws.
    fn loader(
        &self,
        windows: &TokenWindows,
        is_shuffled: bool,
    ) -> Arc<dyn DataLoader<Stamped<WindowBatch>>> {
        let dataset = InMemDataset::new(windows.iter().collect());
        let builder = DataLoaderBuilder::new(StampedBatcher::new(WindowBatcher))
            .batch_size(self.run.preset().batch_size)
            .num_workers(self.learner.workers)
            .set_device(self.device.clone());
        let builder = if is_shuffled { builder.shuffle(self.run.seed) } else { builder };
        builder.build(NumberedDataset::new(dataset))
    }
}

/// What each epoch has come to, as the learner has logged it.
fn epochs<C: RecurrentCell>(
    learning: &LearnerRun,
    model: &LanguageModel<C>,
) -> Result<Vec<EpochRecord>> {
    let summary = LearnerSummary::new(learning.folder(), &[TokenLosses::CROSS_ENTROPY]);
    let metrics = summary.map_err(|error| anyhow!("{error}"))?.metrics;
    let [train, valid] = [metrics.train, metrics.valid].map(|split| {
        let of_epochs = split.into_iter().next().context("the learner logs the cross-entropy")?;
        let perplexities = of_epochs.entries.into_iter().map(|epoch| Exact(epoch.value.exp()));
        Ok::<_, anyhow::Error>(perplexities.collect::<Vec<_>>())
    });
    let mut epochs: Vec<_> = train?
        .into_iter()
        .zip(valid?)
        .map(|(train_ppl, valid_ppl)| EpochRecord { train_ppl, valid_ppl, rates: None })
        .collect();
    if let Some(last) = epochs.last_mut() {
        let rates = model.rates();
        last.rates =
            rates.map(|rates| rates.into_iter().map(|(site, rate)| (site, Exact(rate))).collect());
    }
    Ok(epochs)
}
