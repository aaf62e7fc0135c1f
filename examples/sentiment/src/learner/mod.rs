//! The same methods trained by burn-train's `Learner`, whose dashboard shows the validation pieces by
//! weight averaging and by Monte Carlo.

mod model;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::train::Learner;
use burn::train::metric::LossMetric;
use burn_variational::mc::metrics::{averaged, drawn, regression};
use burn_variational::rnn::CellConfig;
use burn_variational::training::{
    Decay, NumberedDataset, Stamped, StampedBatcher, StampedLoader, with_decays,
};
use command_line::learner::LearnerRun;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::{FinishedMethod, MethodCheckpoint};
use crate::method::Method;
use crate::model::{SentimentModel, SentimentModelConfig};
use crate::pieces::Pieces;
use crate::training::{Trainer, adam};

use model::{ReviewBatch, ReviewBatcher, SentimentLearner};

impl Trainer<'_> {
    /// Trains a method by a `Learner` from its last checkpoint, or from scratch, and evaluates it.
    pub(crate) fn method_by_learner<K: CellConfig + Serialize + DeserializeOwned>(
        &self,
        method: Method,
        make_cell: impl FnOnce(usize, usize) -> K,
    ) -> Result<FinishedMethod> {
        let folder = self.output.checkpoints(method).path().to_path_buf();
        let learning = LearnerRun::new(folder, method, self.run.epochs);
        if let Some(finished) = learning.finished()? {
            return Ok(finished);
        }
        let (preset, n_types) = (&self.data.preset, self.data.vocabulary.len());
        let config = SentimentModelConfig::new(method, preset, make_cell, n_types);
        let start = Instant::now();
        let n_epochs = self.run.epochs - learning.n_done();
        let model = self.learn(method, &config, &learning)?;

        let n_steps = self.learner.steps_per_epoch(self.data.train.len(), preset.batch_size);
        let checkpoint = MethodCheckpoint {
            n_steps: (n_steps * self.run.epochs) as u64,
            n_tokens: (self.data.train.n_tokens() * n_epochs) as u64,
            // Validation and all.
            train_seconds: start.elapsed().as_secs_f64(),
            ..MethodCheckpoint::new(self.run)
        };
        let method_result = self.evaluate(method, &model, &checkpoint)?;
        self.output.save_model(method, &config, &model)?;
        learning.finish(&method_result)?;
        Ok(method_result)
    }

    /// The trained model.
    fn learn<K: CellConfig>(
        &self,
        method: Method,
        config: &SentimentModelConfig<K>,
        learning: &LearnerRun,
    ) -> Result<SentimentModel<K::Cell>> {
        // All methods begin with the same parameters.
        self.device.seed(self.run.seed);
        let model = config.init(&self.device.clone().autodiff());
        let preset = &self.data.preset;
        let kl = model.kl_term(preset, self.data.train.len()).at("model");
        let n_devices = self.learner.n_devices();
        let model = SentimentLearner::new(model, self.run.seed, preset.precision, n_devices);
        let optimizer = with_decays(adam(), Decay::Coupled, kl.decays(&model));
        let train = StampedLoader::new(self.loader(&self.data.train, true))
            .with_first_epoch(learning.n_done() as u64 + 1);
        let trained = learning.train(
            Learner::new(model, optimizer, preset.lr),
            self.learner.strategy(self.learner.devices(self.run.backend)?),
            Arc::new(train),
            self.loader(&self.data.valid, false),
            |training| {
                let training = training
                    .metrics((LossMetric::new(),))
                    .metric_train_numeric(averaged(regression::rmse()))
                    .metric_valid_numeric(averaged(regression::rmse()));
                if !method.drops() {
                    return training;
                }
                training
                    .metric_valid_numeric(drawn(regression::rmse()))
                    .metric_valid_numeric(drawn(regression::coverage(0.9)))
                    .metric_valid_numeric(drawn(regression::epistemic_deviation()))
            },
        )?;
        Ok(trained.into_model())
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
            .num_workers(self.learner.workers)
            .set_device(self.device.clone());
        let builder = if is_shuffled { builder.shuffle(self.run.seed) } else { builder };
        builder.build(NumberedDataset::new(dataset))
    }
}
