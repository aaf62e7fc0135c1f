//! A method from its first window to its results, with a checkpoint after every epoch.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use burn_variational::rnn::{CellConfig, RecurrentCell};
use burn_variational::training::CheckpointDir;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::Run;
use crate::checkpoint::{
    DrawsPerplexity, EpochRecord, Evaluation, Exact, FinishedMethod, MethodCheckpoint,
};
use crate::evaluation::perplexity;
use crate::method::Method;
use crate::model::{LanguageModel, LanguageModelConfig};
use crate::output::{MethodResult, OutputDir};
use crate::recipe::Recipe;
use crate::texts::Texts;
use command_line::TokenBar;
use command_line::learner::LearnerArguments;

/// Trains and evaluates the methods of a run.
#[derive(Debug)]
pub(crate) struct Trainer<'a> {
    pub(crate) run: &'a Run,
    pub(crate) texts: &'a Texts,
    pub(crate) output: &'a OutputDir,
    pub(crate) device: Device,
    pub(crate) learner: LearnerArguments,
}

/// A model in training.
pub(crate) struct Training<C: RecurrentCell> {
    pub(crate) method: Method,
    pub(crate) recipe: Recipe,
    pub(crate) model: LanguageModel<C>,
    /// The average of its parameters over the steps, where the recipe has it.
    pub(crate) average: Option<LanguageModel<C>>,
    pub(crate) optimizer: ModuleOptimizer,
    pub(crate) checkpoint: MethodCheckpoint,
}

impl<C: RecurrentCell> Training<C> {
    /// The model that is evaluated and saved, on the plain device: the average, if there is one.
    pub(crate) fn result(&self) -> LanguageModel<C> {
        self.average.clone().unwrap_or_else(|| self.model.valid())
    }

    fn save(&self, checkpoints: &CheckpointDir) -> Result<()> {
        let modules = (self.model.clone(), self.average.clone());
        Ok(checkpoints.save(&modules, &self.optimizer, &self.checkpoint)?)
    }
}

impl Trainer<'_> {
    /// Trains a method from its last checkpoint, or from scratch, and evaluates it.
    pub(crate) fn method<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl Fn(usize, usize) -> K,
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
        make_cell: impl Fn(usize, usize) -> K,
    ) -> Result<FinishedMethod> {
        let (preset, cell) = (self.run.preset(), self.run.cell);
        let config = LanguageModelConfig::new(method, &preset, cell, make_cell, self.texts.n_types);
        let checkpoints = self.output.checkpoints(method);
        let mut training = self.start(method, &config, &checkpoints)?;
        for epoch in training.checkpoint.epochs.len() + 1..=self.run.epochs {
            if training.checkpoint.is_over() {
                break;
            }
            self.epoch(&mut training, epoch)?;
            training.save(&checkpoints)?;
        }
        if training.checkpoint.evaluation.is_none() {
            training.checkpoint.evaluation = Some(self.evaluate(method, &training.result())?);
            training.save(&checkpoints)?;
        }
        self.output.save_model(method, &config, &training.result())?;
        self.finished(method, training.checkpoint)
    }

    /// What a method has come to that is trained and evaluated.
    pub(crate) fn finished(
        &self,
        method: Method,
        checkpoint: MethodCheckpoint,
    ) -> Result<FinishedMethod> {
        let evaluation = checkpoint.evaluation.clone().context("the method is evaluated")?;
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
        let recipe = Recipe::new(method, &preset);
        let model = config
            .init(&self.device.clone().autodiff())
            .with_random_parameters(preset.init_range, self.run.seed);
        let average = recipe.averaging().map(|_| model.valid());
        let optimizer = recipe.optimizer();
        let loaded = checkpoints.load((model.clone(), average.clone()), |_| optimizer.clone())?;
        let Some(((model, average), optimizer, checkpoint)) = loaded else {
            let checkpoint = MethodCheckpoint::new(self.run, recipe.averaging());
            return Ok(Training { method, recipe, model, average, optimizer, checkpoint });
        };
        let checkpoint: MethodCheckpoint = checkpoint;
        ensure!(
            checkpoint.run == *self.run,
            "{}: the checkpoint is of another configuration",
            checkpoints.path().display()
        );
        Ok(Training { method, recipe, model, average, optimizer, checkpoint })
    }

    /// One pass over the training text, and what it has come to.
    fn epoch<C: RecurrentCell>(&self, training: &mut Training<C>, epoch: usize) -> Result<()> {
        let method = training.method;
        let start = Instant::now();
        let train_ppl = self.pass(training, epoch)?;
        training.checkpoint.train_seconds.0 += start.elapsed().as_secs_f64();

        let (model, valid) = (training.result(), &self.texts.valid);
        let bar = TokenBar::new(format!("{method} valid"), valid.n_targets() as u64);
        let valid_ppl = perplexity(&model, valid, &self.device, &bar)?;
        drop(bar);
        let checkpoint = &mut training.checkpoint;
        let averaging = checkpoint.averaging.as_mut();
        let begins = averaging.is_some_and(|averaging| averaging.check(valid_ppl.ln()));
        let rates = model.rates();
        eprintln!(
            "{method:<18} epoch {epoch:>2}/{}  train {train_ppl:>8.2} (as trained)  valid {valid_ppl:>8.2}",
            self.run.epochs
        );
        if begins {
            eprintln!("{:<18} averaging begins", "");
        }
        if let Some(rates) = &rates {
            let rates = rates.iter().map(|(site, rate)| format!("{site} {rate:.3}"));
            eprintln!("{:<18} rates: {}", "", rates.collect::<Vec<_>>().join(", "));
        }
        checkpoint.epochs.push(EpochRecord {
            train_ppl: Exact(train_ppl),
            valid_ppl: Exact(valid_ppl),
            rates: rates
                .map(|rates| rates.into_iter().map(|(site, rate)| (site, Exact(rate))).collect()),
        });
        Ok(())
    }

    /// What `results.json` says of a method.
    fn result(
        &self,
        method: Method,
        checkpoint: &MethodCheckpoint,
        evaluation: &Evaluation,
    ) -> Result<MethodResult> {
        let last = checkpoint.epochs.last().context("at least one epoch")?;
        let rates = last
            .rates
            .as_ref()
            .map(|rates| rates.iter().map(|(site, rate)| (site.clone(), rate.0)).collect());
        let told = evaluation.strangeness;
        Ok(MethodResult {
            method,
            cell: self.run.cell,
            preset: self.run.preset,
            backend: self.run.backend,
            seed: self.run.seed,
            epochs: checkpoint.epochs.len(),
            steps: checkpoint.n_steps,
            train_ppl: Some(evaluation.train_ppl.0),
            valid_ppl: Some(last.valid_ppl.0),
            test_ppl: Some(evaluation.test_ppl.0),
            test_ppl_mc: last_perplexity(evaluation.test_mc.as_deref()),
            test_ppl_mc_types_dropped: last_perplexity(evaluation.test_mc_types_dropped.as_deref()),
            source_ppl: self.texts.source_perplexity,
            auroc_shuffled: told.map(|told| told.shuffled.mutual_information.0),
            auroc_foreign: told.map(|told| told.foreign.mutual_information.0),
            auroc_shuffled_entropy: told.map(|told| told.shuffled.predictive_entropy.0),
            auroc_foreign_entropy: told.map(|told| told.foreign.predictive_entropy.0),
            learned_rates: rates,
            tokens_per_second: checkpoint.n_tokens as f64 / checkpoint.train_seconds.0,
        })
    }
}

fn last_perplexity(curve: Option<&[DrawsPerplexity]>) -> Option<f64> {
    curve?.last().map(|point| point.ppl.0)
}
