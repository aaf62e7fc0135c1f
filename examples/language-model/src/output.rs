//! The output folder: results, pictures, models and checkpoints of one configuration.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn_variational::training::{CheckpointDir, save_model, write_atomically};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::arguments::Run;
use crate::checkpoint::FinishedMethod;
use crate::method::Method;
use crate::{BackendName, CellName, PresetName, pictures};

const RUN: &str = "run.json";
const RESULTS: &str = "results.json";
const CURVES: &str = "learning-curves.png";
const DRAWS: &str = "monte-carlo.png";
const CHECKPOINTS: &str = "checkpoints";
const DONE: &str = "done-checkpoints";

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
pub(crate) struct OutputDir {
    path: PathBuf,
}

impl OutputDir {
    /// Opens the folder for a run, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// If it cannot be written to, holds files of another configuration, or holds an interrupted
    /// run that is not to be resumed.
    pub(crate) fn open(path: &Path, run: &Run, resume: bool) -> Result<Self> {
        let output = Self { path: path.to_path_buf() };
        fs::create_dir_all(path).with_context(|| format!("--out {}", path.display()))?;
        let run_file = output.path.join(RUN);
        match fs::read(&run_file) {
            Ok(bytes) => {
                let same = serde_json::from_slice::<Run>(&bytes).is_ok_and(|there| there == *run);
                ensure!(
                    same,
                    "{}: files of another configuration are here; choose another --out",
                    run_file.display()
                );
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let models = run.methods.iter().map(|&method| model_file(method));
                let ours = [RESULTS, CURVES, DRAWS, CHECKPOINTS].map(String::from);
                for name in ours.into_iter().chain(models) {
                    let stray = output.path.join(name);
                    ensure!(
                        !stray.exists(),
                        "{}: a file that this program did not write is here; choose another --out",
                        stray.display()
                    );
                }
            }
            Err(error) => bail!("{}: {error}", run_file.display()),
        }
        if !resume {
            let checkpoints = output.path.join(CHECKPOINTS);
            ensure!(
                !output.has_checkpoints(),
                "{}: an interrupted run is here; go on with --resume or choose another --out",
                checkpoints.display()
            );
        }
        // Written anew each time: a folder that cannot be written to shows now, and not after the
        // first epoch.
        output.replace(RUN, &serde_json::to_vec_pretty(run)?)?;
        remove_if_there(&output.path.join(DONE))?;
        Ok(output)
    }

    /// Whether a run was interrupted here.
    pub(crate) fn has_checkpoints(&self) -> bool {
        self.path.join(CHECKPOINTS).exists()
    }

    /// The checkpoints of a method.
    pub(crate) fn checkpoints(&self, method: Method) -> CheckpointDir {
        CheckpointDir::new(self.path.join(CHECKPOINTS).join(method.to_string()))
    }

    /// The results of a run that has ended here.
    pub(crate) fn results(&self) -> Result<Option<Vec<MethodResult>>> {
        let path = self.path.join(RESULTS);
        match fs::read(&path) {
            Ok(bytes) => {
                let results = serde_json::from_slice(&bytes);
                Ok(Some(results.with_context(|| path.display().to_string())?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => bail!("{}: {error}", path.display()),
        }
    }

    /// Saves a trained model and its configuration beside the results.
    pub(crate) fn save_model<C: Serialize + DeserializeOwned, M: Module>(
        &self,
        method: Method,
        config: &C,
        model: &M,
    ) -> Result<()> {
        Ok(save_model(self.path.join(model_file(method)), config, model)?)
    }

    /// Writes results and pictures of all methods, and then removes the checkpoints.
    pub(crate) fn finish(&self, methods: &[FinishedMethod]) -> Result<()> {
        let results: Vec<_> = methods.iter().map(|method| &method.result).collect();
        self.replace(RESULTS, &serde_json::to_vec_pretty(&results)?)?;
        pictures::learning_curves(methods).save(self.path.join(CURVES))?;
        if methods.iter().any(|method| method.evaluation.test_mc.is_some()) {
            pictures::monte_carlo_curves(methods).save(self.path.join(DRAWS))?;
        }
        // Under another name first: a kill in the middle must not leave half of the checkpoints.
        let (checkpoints, done) = (self.path.join(CHECKPOINTS), self.path.join(DONE));
        fs::rename(&checkpoints, &done).with_context(|| checkpoints.display().to_string())?;
        remove_if_there(&done)
    }

    /// Replaces a file in one step.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        write_atomically(&path, bytes).with_context(|| path.display().to_string())
    }
}

fn model_file(method: Method) -> String {
    format!("{method}.bvm")
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| folder.display().to_string())
        }
        _ => Ok(()),
    }
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
