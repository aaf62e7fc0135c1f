//! Files of weights: `PyTorch`'s and safetensors' through burn-store, Keras' through an HDF5 reader.

mod budget;
#[cfg(feature = "keras")]
mod hdf5;
#[cfg(feature = "keras")]
mod keras;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use burn::tensor::{DType, TensorData};
use burn_store::{ModuleStore, PytorchStore, SafetensorsStore};
use burn_variational_training::write_atomically;
use safetensors::{Dtype, View, serialize};
use zip::ZipArchive;

use self::budget::Budget;
use crate::{NamedTensors, WeightsError};

/// The names of files that are read.
#[cfg(feature = "keras")]
const KNOWN: &str = "files named .pt, .pth, .safetensors, .h5 or .keras";
/// The names of files that are read.
#[cfg(not(feature = "keras"))]
const KNOWN: &str =
    "files named .pt, .pth or .safetensors, and with the feature `keras` .h5 or .keras";

impl NamedTensors {
    /// All tensors of a file:
    ///
    /// - `.pt` or `.pth`, as `torch.save` writes a `state_dict`
    /// - `.safetensors`
    /// - with the feature `keras`, `.h5`, as Keras 3 writes `.weights.h5`, and `.keras`: names are
    ///   those of its groups, with dots, and what has no numbers is left out
    ///
    /// All tensors together take no more than sixteen times the file's size: a file that says
    /// otherwise, as damaged ones do, is refused before memory is asked for.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is damaged, or has another name.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let io = |source| WeightsError::Io { path: path.into(), source };
        // Whether it is there at all is the system's to say.
        let n_bytes = std::fs::metadata(path).map_err(io)?.len();
        let budget = Budget::of_file(n_bytes);
        // What a reader did not expect of a damaged file is an error like any other.
        let found = match path.extension().and_then(|extension| extension.to_str()) {
            Some("pt" | "pth") => catch_unwind(AssertUnwindSafe(|| {
                check_archive(path, budget)?;
                // Names stay as they are.
                all(PytorchStore::from_file(path).map_indices_contiguous(false), budget)
            })),
            // Read, not mapped: a map of a file that is cut off meanwhile ends the process.
            Some("safetensors") => {
                let bytes = std::fs::read(path).map_err(io)?;
                catch_unwind(AssertUnwindSafe(|| {
                    let store = SafetensorsStore::from_bytes(Some(bytes));
                    all(store.map_indices_contiguous(false), budget)
                }))
            }
            #[cfg(feature = "keras")]
            Some("h5") => {
                let bytes = std::fs::read(path).map_err(io)?;
                catch_unwind(AssertUnwindSafe(|| keras::weights(bytes, budget)))
            }
            #[cfg(feature = "keras")]
            Some("keras") => {
                let bytes = std::fs::read(path).map_err(io)?;
                catch_unwind(AssertUnwindSafe(|| keras::archive(&bytes, budget)))
            }
            _ => return Err(WeightsError::UnknownFormat { path: path.into(), known: KNOWN }),
        };
        let found = found.unwrap_or_else(|_| Err("its reader panicked".into()));
        found.map_err(|reason| WeightsError::Malformed { path: path.into(), reason })
    }

    /// Writes all tensors to a `.safetensors` file, which replaces one that was there when it is
    /// complete.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or a tensor has a type that the format does not know.
    pub fn write_safetensors(&self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        let path = path.as_ref();
        let views: Result<BTreeMap<&str, Stored<'_>>, WeightsError> =
            self.iter().map(|(name, data)| Ok((name, Stored::of(name, data)?))).collect();
        let bytes = serialize(views?, None)
            .map_err(|error| WeightsError::Unsupported(format!("{}: {error}", path.display())))?;
        write_atomically(path, &bytes)
            .map_err(|source| WeightsError::Io { path: path.into(), source })
    }
}

/// Refuses a zip that is larger inside than a file of weights can be: a tensor of few elements may
/// be cut out of much of it. Other files have no inside.
fn check_archive(path: &Path, mut budget: Budget) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else { return Ok(()) };
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| error.to_string())?;
        budget.spend(usize::try_from(entry.size()).ok())?;
    }
    Ok(())
}

/// All tensors of a store.
fn all<S: ModuleStore>(mut store: S, mut budget: Budget) -> Result<NamedTensors, String> {
    let tensors = store.get_all_tensors().map_err(|error| error.to_string())?;
    for tensor in tensors.values() {
        let elements = tensor.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
        budget.spend(elements.and_then(|n| n.checked_mul(tensor.dtype.size())))?;
    }
    tensors
        .iter()
        .map(|(name, tensor)| {
            let parts = tensor.clone().into_parts().map_err(|error| error.to_string())?;
            let (_, dtype, shape, _, bytes) = parts;
            Ok((name.clone(), TensorData::from_bytes(bytes, shape, dtype)))
        })
        .collect()
}

/// A tensor as safetensors writes it.
struct Stored<'a> {
    data: &'a TensorData,
    shape: Vec<usize>,
    dtype: Dtype,
}

impl<'a> Stored<'a> {
    fn of(name: &str, data: &'a TensorData) -> Result<Self, WeightsError> {
        let dtype = match data.dtype() {
            DType::F64 => Dtype::F64,
            DType::F32 => Dtype::F32,
            DType::F16 => Dtype::F16,
            DType::BF16 => Dtype::BF16,
            DType::I64 => Dtype::I64,
            DType::I32 => Dtype::I32,
            DType::I16 => Dtype::I16,
            DType::I8 => Dtype::I8,
            DType::U64 => Dtype::U64,
            DType::U32 => Dtype::U32,
            DType::U16 => Dtype::U16,
            DType::U8 => Dtype::U8,
            DType::Bool(_) => Dtype::BOOL,
            other => {
                return Err(WeightsError::Unsupported(format!("{name}: no file for {other:?}")));
            }
        };
        Ok(Self { data, shape: data.shape().to_vec(), dtype })
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.data.as_bytes())
    }

    fn data_len(&self) -> usize {
        self.data.as_bytes().len()
    }
}
