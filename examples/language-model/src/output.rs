//! The output folder: results, pictures, models and checkpoints of one configuration.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use burn::module::Module;
use burn_variational::training::{CheckpointDir, save_model};
use command_line::BackendName;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::arguments::Run;
use crate::checkpoint::FinishedMethod;
use crate::method::Method;
use crate::{CellName, PresetName, pictures};

const RESULTS: &str = "results.json";
const CURVES: &str = "learning-curves.png";
const DRAWS: &str = "monte-carlo.png";

/// What a method has come to: an object of `results.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MethodResult {
    pub(crate) method: Method,
    pub(crate) cell: CellName,
    pub(crate) preset: PresetName,
    pub(crate) backend: BackendName,
    pub(crate) seed: u64,
    pub(crate) epochs: usize,
    /// Optimisation steps.
    pub(crate) steps: u64,
    /// With expected masks, as the two below; `null` if training diverged.
    pub(crate) train_ppl: Option<f64>,
    pub(crate) valid_ppl: Option<f64>,
    pub(crate) test_ppl: Option<f64>,
    /// By Monte Carlo with word types left whole, as Gal's script has it.
    pub(crate) test_ppl_mc: Option<f64>,
    /// By Monte Carlo with word types dropped too.
    pub(crate) test_ppl_mc_types_dropped: Option<f64>,
    pub(crate) source_ppl: Option<f64>,
    /// The probability that a window of the test text, shuffled, has a larger mutual information than
    /// one that is not.
    pub(crate) auroc_shuffled: Option<f64>,
    /// The same of words drawn from all types.
    pub(crate) auroc_foreign: Option<f64>,
    /// The two by the predictive entropy.
    pub(crate) auroc_shuffled_entropy: Option<f64>,
    pub(crate) auroc_foreign_entropy: Option<f64>,
    /// The drop probabilities that were learned, by site.
    pub(crate) learned_rates: Option<BTreeMap<String, f64>>,
    pub(crate) tokens_per_second: f64,
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
        let models = run.methods.iter().map(|&method| model_file(method));
        let names = [RESULTS, CURVES, DRAWS].map(String::from).into_iter().chain(models);
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
        Ok(save_model(self.0.path(model_file(method)), config, model)?)
    }

    /// Writes results and pictures of all methods, and then removes the checkpoints.
    pub(crate) fn finish(&self, methods: &[FinishedMethod]) -> Result<()> {
        let results: Vec<_> = methods.iter().map(|method| &method.result).collect();
        self.0.replace(RESULTS, &serde_json::to_vec_pretty(&results)?)?;
        pictures::learning_curves(methods).save(self.0.path(CURVES))?;
        if methods.iter().any(|method| method.evaluation.test_mc.is_some()) {
            pictures::monte_carlo_curves(methods).save(self.0.path(DRAWS))?;
        }
        self.0.remove_checkpoints()
    }
}

fn model_file(method: Method) -> String {
    format!("{method}.bvm")
}

/// Prints the results, one line a method.
pub(crate) fn print_table(results: &[MethodResult]) {
    println!(
        "\n{:<18} {:>8} {:>8} {:>8} {:>8} {:>14} {:>8} {:>9}",
        "method", "train", "valid", "test", "test MC", "MC, types too", "source", "tokens/s"
    );
    let optional = |value: Option<f64>| value.map_or("-".to_string(), |ppl| format!("{ppl:.2}"));
    for result in results {
        println!(
            "{:<18} {:>8} {:>8} {:>8} {:>8} {:>14} {:>8} {:>9.0}",
            result.method,
            optional(result.train_ppl),
            optional(result.valid_ppl),
            optional(result.test_ppl),
            optional(result.test_ppl_mc),
            optional(result.test_ppl_mc_types_dropped),
            optional(result.source_ppl),
            result.tokens_per_second
        );
    }
}
