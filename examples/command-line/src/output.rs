//! The output folder: files of one configuration, and of none that is not ours.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn_variational::training::write_atomically;
use serde::Serialize;
use serde::de::DeserializeOwned;

const RUN: &str = "run.json";
const CHECKPOINTS: &str = "checkpoints";
const DONE: &str = "done-checkpoints";

/// The folder that `--out` names. It says in `run.json` what its files are of.
#[derive(Debug)]
pub struct OutputDir {
    path: PathBuf,
}

impl OutputDir {
    /// Opens the folder for a run that writes files of these names, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// If it cannot be written to, holds files of another run, files of these names that no run
    /// wrote, or an interrupted run that is not to be resumed.
    pub fn open<R: Serialize + DeserializeOwned + PartialEq>(
        path: &Path,
        run: &R,
        names: impl IntoIterator<Item = String>,
        resume: bool,
    ) -> Result<Self> {
        let output = Self { path: path.to_path_buf() };
        fs::create_dir_all(path).with_context(|| format!("--out {}", path.display()))?;
        let run_file = output.path(RUN);
        match fs::read(&run_file) {
            Ok(bytes) => {
                let same = serde_json::from_slice::<R>(&bytes).is_ok_and(|there| there == *run);
                ensure!(
                    same,
                    "{}: files of another configuration are here; choose another --out",
                    run_file.display()
                );
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                for name in names.into_iter().chain([CHECKPOINTS.into()]) {
                    let stray = output.path(&name);
                    ensure!(
                        !stray.exists(),
                        "{}: a file that this program did not write is here; choose another --out",
                        stray.display()
                    );
                }
            }
            Err(error) => bail!("{}: {error}", run_file.display()),
        }
        ensure!(
            resume || !output.has_checkpoints(),
            "{}: an interrupted run is here; go on with --resume or choose another --out",
            output.checkpoints().display()
        );
        // Written anew each time: a folder that cannot be written to shows now, and not after the
        // first epoch.
        output.replace(RUN, &serde_json::to_vec_pretty(run)?)?;
        remove_if_there(&output.path(DONE))?;
        Ok(output)
    }

    /// Where a file of this name is.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Where the checkpoints of an unfinished run are.
    pub fn checkpoints(&self) -> PathBuf {
        self.path(CHECKPOINTS)
    }

    /// Whether a run was interrupted here.
    pub fn has_checkpoints(&self) -> bool {
        self.checkpoints().exists()
    }

    /// Removes the checkpoints of a run that is done.
    ///
    /// # Errors
    ///
    /// If there are none, or they cannot be removed.
    pub fn remove_checkpoints(&self) -> Result<()> {
        // Under another name first: a kill in the middle must not leave half of them.
        let (checkpoints, done) = (self.checkpoints(), self.path(DONE));
        fs::rename(&checkpoints, &done).with_context(|| checkpoints.display().to_string())?;
        remove_if_there(&done)
    }

    /// What a JSON file of this name holds, if it is there.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or holds something else.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => {
                let value = serde_json::from_slice(&bytes);
                Ok(Some(value.with_context(|| path.display().to_string())?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => bail!("{}: {error}", path.display()),
        }
    }

    /// Replaces a file in one step.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        write_atomically(&path, bytes).with_context(|| path.display().to_string())
    }
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| folder.display().to_string())
        }
        _ => Ok(()),
    }
}
