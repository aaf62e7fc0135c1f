//! What a trained model has come to.

use anyhow::Result;
use burn::tensor::Tensor;
use burn_variational::dropout::MaskRng;
use burn_variational::mc::Moments;
use burn_variational::mc::calibration::auroc;
use burn_variational::rnn::RecurrentCell;

use crate::checkpoint::{FinishedMethod, Judged, MethodCheckpoint};
use crate::foreign::Foreign;
use crate::method::Method;
use crate::model::SentimentModel;
use crate::output::MethodResult;
use crate::pieces::Pieces;
use crate::prediction::{Predictions, Scores, draws, monte_carlo, weight_averaged};
use crate::texts;
use crate::training::Trainer;

/// Pieces that foreign text is compared with, at most: of so many, chance is ± 0.01 of an area.
const FOREIGN_PIECES: usize = 1_000;

/// Areas under the ROC curve of the deviation of the draws: test pieces against text that is foreign.
#[derive(Debug, Clone, Copy)]
struct Areas {
    shuffled: f32,
    uniform: f32,
    unigram: f32,
}

impl Trainer<'_> {
    /// Judges a trained model, and pictures what it is sure and unsure of.
    pub(crate) fn evaluate<C: RecurrentCell>(
        &self,
        method: Method,
        model: &SentimentModel<C>,
        checkpoint: &MethodCheckpoint,
    ) -> Result<FinishedMethod> {
        let data = self.data;
        let averaged = |name: &str, pieces| {
            weight_averaged(model, pieces, &self.device, format!("{method} {name}"))
        };
        let train = averaged("train", &data.train)?.rmse(&data.train);
        let (averaged, averaged_rows) =
            self.judge(&averaged("valid", &data.valid)?, &averaged("test", &data.test)?)?;
        let (mut by_draws, mut draws_rows, mut areas) = (None, None, None);
        if method.drops() {
            let predict = |name: &str, pieces| {
                let name = format!("{method} {name} by Monte Carlo");
                draws(model, pieces, self.draws(), &self.device, name)
            };
            let test = predict("test", &data.test)?;
            let (scores, rows) = self.judge(&predict("valid", &data.valid)?, &test)?;
            (by_draws, draws_rows) = (Some(scores), Some(rows));
            areas = Some(self.areas(method, model)?);
            self.output.save_texts(method, &texts::heatmap(self, model, &test)?)?;
        }
        let result = MethodResult {
            dropout: method,
            cell: self.run.cell,
            backend: self.run.backend,
            seed: self.run.seed,
            epochs: self.run.epochs,
            prob: self.run.prob,
            recurrent_prob: self.run.recurrent_prob,
            type_prob: self.run.type_prob,
            length_scale: self.run.length_scale,
            steps: checkpoint.n_steps,
            mc_samples: method.drops().then_some(self.run.mc_samples),
            optimal_rmse: data.optimal_rmse.map(|rmse| rmse as f32),
            rmse_train: train as f32,
            rmse: averaged.rmse,
            rmse_mc: by_draws.map(|scores| scores.rmse),
            rmse_reviews: averaged.rmse_reviews,
            rmse_reviews_mc: by_draws.map(|scores| scores.rmse_reviews),
            log_likelihood: averaged.log_likelihood,
            log_likelihood_mc: by_draws.map(|scores| scores.log_likelihood),
            precision: averaged.precision,
            precision_mc: by_draws.map(|scores| scores.precision),
            coverage_90: averaged.coverage_90,
            coverage_90_mc: by_draws.map(|scores| scores.coverage_90),
            auroc_shuffled: areas.map(|areas| areas.shuffled),
            auroc_foreign: areas.map(|areas| areas.uniform),
            auroc_unigram: areas.map(|areas| areas.unigram),
            tokens_per_second: (checkpoint.n_tokens as f64 / checkpoint.train_seconds) as f32,
        };
        Ok(FinishedMethod {
            result,
            epochs: checkpoint.epochs.clone(),
            averaged: averaged_rows,
            monte_carlo: draws_rows,
        })
    }

    /// The draws that predictions are made of in the end.
    pub(crate) fn draws(&self) -> (usize, MaskRng) {
        (self.run.mc_samples, MaskRng::seeded(self.run.seed))
    }

    /// Judges predictions of the test pieces with the precision that fits those of the validation
    /// pieces best.
    fn judge(&self, valid: &Predictions, test: &Predictions) -> Result<(Scores, Judged)> {
        let data = self.data;
        let precision = valid.fit_precision(&data.valid, &self.device)?;
        test.judge(&data.test, precision, &self.device)
    }

    /// How well the deviation of the draws tells test pieces from text of other kinds.
    fn areas<C: RecurrentCell>(&self, method: Method, model: &SentimentModel<C>) -> Result<Areas> {
        let pieces = self.data.test.sample(FOREIGN_PIECES);
        let deviations = |name: &str, pieces: &Pieces| -> Result<Tensor<2>> {
            let name = format!("{method} {name} text by Monte Carlo");
            let moments =
                monte_carlo(model, pieces, self.draws(), &self.device, name, Moments::new())?;
            Ok(moments.variance().sqrt())
        };
        let own = deviations("test", &pieces)?;
        let area = |name, foreign: Foreign| -> Result<f32> {
            let pieces = foreign.of(&pieces, &self.data.vocabulary, self.run.seed);
            Ok(auroc(&own, &deviations(name, &pieces)?)? as f32)
        };
        Ok(Areas {
            shuffled: area("shuffled", Foreign::Shuffled)?,
            uniform: area("foreign", Foreign::Uniform)?,
            unigram: area("unigram", Foreign::Unigram)?,
        })
    }
}
