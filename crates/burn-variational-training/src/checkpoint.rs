//! Checkpoints that survive a kill at any moment.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::atomic::{sync_folder, write_synced};

const MODULE: &str = "module.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const PROGRESS: &str = "progress.json";
const MANIFEST: &str = "manifest.json";
const PREFIX: &str = "checkpoint-";
const PARTIAL: &str = "partial-checkpoint";

/// Why a checkpoint could not be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A module or optimiser could not be turned into a file.
    #[error("{}: cannot encode the checkpoint: {what}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        what: String,
    },
    /// A file is not what was written: truncated, changed or missing a part.
    #[error("{}: the checkpoint is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The checkpoint is whole, but of another module.
    #[error("{}: the checkpoint is of another model: {what}", path.display())]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

/// What a file of a checkpoint must hold.
#[derive(Debug, Serialize, Deserialize)]
struct FileEntry {
    name: String,
    bytes: u64,
    crc32: u32,
}

/// A folder of checkpoints, of which the newest counts: module, optimiser, and whatever the
/// training loop needs to go on (schedule, position, seed).
///
/// A checkpoint is written beside the last one and takes its place by a rename when it is whole
/// and on disk, so a kill at any moment leaves the last good one.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::optim::{ModuleOptimizer, SgdConfig};
/// use burn::tensor::Device;
/// use burn_variational_training::CheckpointDir;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("checkpoints");
/// let device = Device::flex().autodiff();
/// let linear = || LinearConfig::new(2, 3).init(&device);
/// let optimizer = || SgdConfig::new().init();
///
/// let checkpoints = CheckpointDir::new(&path);
/// let trained = linear();
/// checkpoints.save(&trained, &optimizer(), &"after epoch 3")?;
///
/// let (module, _, progress): (_, ModuleOptimizer, String) =
///     checkpoints.load(linear(), |_| optimizer())?.expect("a checkpoint");
/// assert_eq!(module.weight.val().into_data(), trained.weight.val().into_data());
/// assert_eq!(progress, "after epoch 3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CheckpointDir {
    path: PathBuf,
}

impl CheckpointDir {
    /// This folder, which is made when the first checkpoint is saved.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Saves a checkpoint and removes the one before it.
    ///
    /// # Errors
    ///
    /// If a file cannot be written; the last checkpoint is then still there.
    ///
    /// # Panics
    ///
    /// If `progress` cannot be written as JSON.
    pub fn save<M: Module, P: Serialize>(
        &self,
        module: &M,
        optimizer: &ModuleOptimizer,
        progress: &P,
    ) -> Result<(), CheckpointError> {
        fs::create_dir_all(&self.path).map_err(io_error(&self.path))?;
        let partial = self.path.join(PARTIAL);
        remove_if_there(&partial)?;
        fs::create_dir(&partial).map_err(io_error(&partial))?;

        let encode = |name: &str, bytes: Result<Bytes, RecordError>| {
            let path = partial.join(name);
            bytes.map_err(|error| CheckpointError::Encode { path, what: error.to_string() })
        };
        let record = encode(MODULE, module.clone().into_record().into_bytes())?;
        let state = encode(OPTIMIZER, optimizer.to_record().into_bytes())?;
        let progress = serde_json::to_vec_pretty(progress).expect("progress is plain data");
        let manifest = [
            write(&partial, MODULE, &record)?,
            write(&partial, OPTIMIZER, &state)?,
            write(&partial, PROGRESS, &progress)?,
        ];
        let manifest = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
        write(&partial, MANIFEST, &manifest)?;
        sync_folder(&partial).map_err(io_error(&partial))?;

        let old = self.serials()?;
        let serial = old.last().map_or(1, |last| last + 1);
        let whole = self.checkpoint(serial);
        fs::rename(&partial, &whole).map_err(io_error(&whole))?;
        sync_folder(&self.path).map_err(io_error(&self.path))?;
        old.into_iter().try_for_each(|serial| remove_if_there(&self.checkpoint(serial)))
    }

    /// The newest checkpoint, loaded into a module of the same kind and an optimiser made for it,
    /// or nothing if there is none.
    ///
    /// The optimiser is made from the loaded module, whose parameters have the ids that they were
    /// saved with: groups of parameters by id, as a KL term has them, would otherwise match none.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, is damaged, or is of another module.
    pub fn load<M: Module, P: DeserializeOwned>(
        &self,
        module: M,
        optimizer: impl FnOnce(&M) -> ModuleOptimizer,
    ) -> Result<Option<(M, ModuleOptimizer, P)>, CheckpointError> {
        let Some(&serial) = self.serials()?.last() else {
            return Ok(None);
        };
        let folder = self.checkpoint(serial);
        let progress = read_progress(&folder)?;
        let path = folder.join(MODULE);
        let record =
            ModuleRecord::from_bytes(Bytes::from_bytes_vec(read(&folder, MODULE)?)).map_err(
                |error| CheckpointError::Damaged { path: path.clone(), what: error.to_string() },
            )?;
        let module = module
            .try_load_record(record)
            .map_err(|error| CheckpointError::OtherModel { path, what: error.to_string() })?;
        let state = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(read(&folder, OPTIMIZER)?));
        let state = state.map_err(|error| {
            let path = folder.join(OPTIMIZER);
            CheckpointError::Damaged { path, what: error.to_string() }
        })?;
        let optimizer = optimizer(&module).load_record(state);
        Ok(Some((module, optimizer, progress)))
    }

    /// What the newest checkpoint says of the training loop, without its module, or nothing if
    /// there is no checkpoint.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or is damaged.
    pub fn progress<P: DeserializeOwned>(&self) -> Result<Option<P>, CheckpointError> {
        let newest = self.serials()?.last().copied();
        newest.map(|serial| read_progress(&self.checkpoint(serial))).transpose()
    }

    /// Removes every checkpoint, and the folder if nothing else is in it.
    ///
    /// # Errors
    ///
    /// If a file cannot be removed.
    pub fn clear(&self) -> Result<(), CheckpointError> {
        remove_if_there(&self.path.join(PARTIAL))?;
        for serial in self.serials()? {
            // Under another name first: a kill in the middle must not leave half a checkpoint.
            let (whole, partial) = (self.checkpoint(serial), self.path.join(PARTIAL));
            fs::rename(&whole, &partial).map_err(io_error(&whole))?;
            remove_if_there(&partial)?;
        }
        match fs::remove_dir(&self.path) {
            Err(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                Err(io_error(&self.path)(error))
            }
            _ => Ok(()),
        }
    }

    fn checkpoint(&self, serial: u64) -> PathBuf {
        self.path.join(format!("{PREFIX}{serial}"))
    }

    /// The numbers of the checkpoints there are, oldest first.
    fn serials(&self) -> Result<Vec<u64>, CheckpointError> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io_error(&self.path))?,
        };
        let mut serials = Vec::new();
        for entry in entries {
            let name = entry.map_err(io_error(&self.path))?.file_name();
            let serial =
                name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u64>().ok());
            serials.extend(serial);
        }
        serials.sort_unstable();
        Ok(serials)
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_path_buf();
    |source| CheckpointError::Io { path, source }
}

fn remove_if_there(folder: &Path) -> Result<(), CheckpointError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(folder)(error)),
        _ => Ok(()),
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<FileEntry, CheckpointError> {
    let path = folder.join(name);
    write_synced(&path, &[bytes]).map_err(io_error(&path))?;
    Ok(FileEntry {
        name: name.to_string(),
        bytes: bytes.len() as u64,
        crc32: crc32fast::hash(bytes),
    })
}

/// A file of a checkpoint, checked against the manifest.
fn read(folder: &Path, name: &str) -> Result<Vec<u8>, CheckpointError> {
    let manifest = folder.join(MANIFEST);
    let entries = fs::read(&manifest).map_err(io_error(&manifest))?;
    let entries: Vec<FileEntry> = from_json(&manifest, &entries)?;
    let damaged = |path: &Path, what: String| CheckpointError::Damaged { path: path.into(), what };
    let entry = entries
        .into_iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| damaged(&manifest, format!("it does not list {name}")))?;

    let path = folder.join(name);
    let bytes = fs::read(&path).map_err(io_error(&path))?;
    if bytes.len() as u64 != entry.bytes {
        let what = format!("it has {} bytes of {}", bytes.len(), entry.bytes);
        return Err(damaged(&path, what));
    }
    if crc32fast::hash(&bytes) != entry.crc32 {
        return Err(damaged(&path, "its checksum is wrong".to_string()));
    }
    Ok(bytes)
}

fn read_progress<P: DeserializeOwned>(folder: &Path) -> Result<P, CheckpointError> {
    from_json(&folder.join(PROGRESS), &read(folder, PROGRESS)?)
}

fn from_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, CheckpointError> {
    serde_json::from_slice(bytes).map_err(|error| CheckpointError::Damaged {
        path: path.to_path_buf(),
        what: error.to_string(),
    })
}
