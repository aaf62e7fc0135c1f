//! The output folder: results, pictures, models and checkpoints of one configuration.

use std::path::Path;

use anyhow::Result;
use burn::module::Module;
use burn_variational::plot::TextHeatmap;
use burn_variational::training::{CheckpointDir, save_model};
use command_line::BackendName;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::arguments::Run;
use crate::checkpoint::FinishedMethod;
use crate::data::Scale;
use crate::method::Method;
use crate::{CellName, pictures};

const RESULTS: &str = "results.json";
const CURVES: &str = "learning-curves.png";
const CALIBRATION: &str = "calibration.png";
const REJECTION: &str = "rejection.png";

/// What a method has come to: an object of `results.json`. Errors, likelihoods and precisions are
/// those of standardised ratings, piece by piece where no reviews are named; what is by Monte Carlo
/// is `null` where nothing is dropped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MethodResult {
    pub(crate) dropout: Method,
    pub(crate) cell: CellName,
    pub(crate) backend: BackendName,
    pub(crate) seed: u64,
    pub(crate) epochs: usize,
    /// The probability of dropping on inputs and outputs, on the recurrence, and of word types.
    pub(crate) prob: f64,
    pub(crate) recurrent_prob: f64,
    pub(crate) type_prob: f64,
    pub(crate) length_scale: f64,
    /// Optimisation steps.
    pub(crate) steps: u64,
    /// Draws of each piece.
    pub(crate) mc_samples: Option<usize>,
    /// Of the best prediction, where it is known.
    pub(crate) optimal_rmse: Option<f32>,
    pub(crate) rmse_train: f32,
    pub(crate) rmse: f32,
    pub(crate) rmse_mc: Option<f32>,
    /// Of the mean over the pieces of each review.
    pub(crate) rmse_reviews: f32,
    pub(crate) rmse_reviews_mc: Option<f32>,
    pub(crate) log_likelihood: f32,
    pub(crate) log_likelihood_mc: Option<f32>,
    /// The precision of ratings that fits the validation pieces best.
    pub(crate) precision: f32,
    pub(crate) precision_mc: Option<f32>,
    pub(crate) coverage_90: f32,
    pub(crate) coverage_90_mc: Option<f32>,
    /// How well the deviation of the draws tells test pieces from the same words shuffled.
    pub(crate) auroc_shuffled: Option<f32>,
    /// From known words, each as probable as the others.
    pub(crate) auroc_foreign: Option<f32>,
    /// From words as frequent as in the training reviews.
    pub(crate) auroc_unigram: Option<f32>,
    /// In training.
    pub(crate) tokens_per_second: f32,
}

/// The folder that `--out` names.
#[derive(Debug)]
pub(crate) struct OutputDir(command_line::OutputDir);

impl OutputDir {
    /// Opens the folder for a run, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// If it cannot be written to, holds files of another configuration, or holds an interrupted
    /// run that is not to be resumed.
    pub(crate) fn open(path: &Path, run: &Run, resume: bool) -> Result<Self> {
        let of_methods = run.methods.iter().flat_map(|&method| files(method));
        let names = [RESULTS, CURVES, CALIBRATION, REJECTION].map(String::from);
        let names = names.into_iter().chain(of_methods);
        Ok(Self(command_line::OutputDir::open(path, run, names, resume)?))
    }

    /// Whether a run was interrupted here.
    pub(crate) fn has_checkpoints(&self) -> bool {
        self.0.has_checkpoints()
    }

    /// The checkpoints of a method.
    pub(crate) fn checkpoints(&self, method: Method) -> CheckpointDir {
        CheckpointDir::new(self.0.checkpoints().join(method.to_string()))
    }

    /// The results of a run that has ended here.
    pub(crate) fn results(&self) -> Result<Option<Vec<MethodResult>>> {
        self.0.read(RESULTS)
    }

    /// Saves a trained model and its configuration beside the results.
    pub(crate) fn save_model<C: Serialize + DeserializeOwned, M: Module>(
        &self,
        method: Method,
        config: &C,
        model: &M,
    ) -> Result<()> {
        Ok(save_model(self.0.path(format!("{method}.bvm")), config, model)?)
    }

    /// Saves the reviews that a method is most and least sure of.
    pub(crate) fn save_texts(&self, method: Method, heatmap: &TextHeatmap) -> Result<()> {
        heatmap.save_html(self.0.path(format!("{method}-reviews.html")))?;
        Ok(heatmap.save_svg(self.0.path(format!("{method}-reviews.svg")))?)
    }

    /// Writes results and pictures of all methods, and then removes the checkpoints.
    pub(crate) fn finish(&self, methods: &[FinishedMethod], scale: Scale) -> Result<()> {
        let results: Vec<_> = methods.iter().map(|method| &method.result).collect();
        self.0.replace(RESULTS, &serde_json::to_vec_pretty(&results)?)?;
        // A `Learner` has its own.
        if methods.iter().any(|method| !method.epochs.is_empty()) {
            pictures::learning_curves(methods).save(self.0.path(CURVES))?;
        }
        pictures::calibration(methods).save(self.0.path(CALIBRATION))?;
        for method in methods {
            if let Some(monte_carlo) = &method.monte_carlo {
                let name = method.result.dropout;
                let path = self.0.path(format!("{name}-error-bars.png"));
                pictures::error_bars(name, monte_carlo, scale).save(path)?;
            }
        }
        if methods.iter().any(|method| method.monte_carlo.is_some()) {
            pictures::rejection(methods).save(self.0.path(REJECTION))?;
        }
        self.0.remove_checkpoints()
    }
}

/// The files that a method has for itself.
fn files(method: Method) -> [String; 4] {
    [".bvm", "-error-bars.png", "-reviews.html", "-reviews.svg"]
        .map(|ending| format!("{method}{ending}"))
}

/// Prints the results, one line a method.
pub(crate) fn print_table(results: &[MethodResult]) {
    println!(
        "\n{:<18} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>9} {:>9} {:>9}",
        "", "train", "RMSE", "MC", "log p", "MC", "90 %", "MC", "shuffled", "foreign", "tokens/s"
    );
    let number = |value: Option<f32>| value.map_or("-".into(), |value| format!("{value:.3}"));
    for result in results {
        println!(
            "{:<18} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>9} {:>9} {:>9.0}",
            result.dropout,
            number(Some(result.rmse_train)),
            number(Some(result.rmse)),
            number(result.rmse_mc),
            number(Some(result.log_likelihood)),
            number(result.log_likelihood_mc),
            number(Some(result.coverage_90)),
            number(result.coverage_90_mc),
            number(result.auroc_shuffled),
            number(result.auroc_foreign),
            result.tokens_per_second
        );
    }
    if let Some(rmse) = results.first().and_then(|result| result.optimal_rmse) {
        println!("{:<18} {:>7} {rmse:>7.3}", "the best there is", "");
    }
}
