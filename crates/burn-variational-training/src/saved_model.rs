//! Saved models: configuration and parameters in one file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::difference::{FieldDifference, differences};
use crate::model_file;

/// Why a model could not be saved or loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SavedModelError {
    /// The file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The model, or its configuration, could not be turned into a file that is read back.
    #[error("{}: cannot encode the model: {what}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        what: String,
    },
    /// The file is not what was written: truncated, changed, or of another kind.
    #[error("{}: the saved model is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file is whole, but its configuration is of another type, or of a later version of it.
    #[error("{}: this program cannot read the configuration: {what}", path.display())]
    UnreadableConfig {
        /// The file.
        path: PathBuf,
        /// The fields that are missing, unknown or of another type.
        what: String,
    },
    /// The model was saved under another configuration than was asked.
    #[error("{}: {}", path.display(), joined(fields))]
    OtherConfig {
        /// The file.
        path: PathBuf,
        /// Every field that differs.
        fields: Vec<FieldDifference>,
    },
    /// The parameters are not those of this model.
    #[error("{}: the parameters do not fit the model: {what}", path.display())]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The parameters that are missing, unknown or of another shape.
        what: String,
    },
}

/// Saves a model with the configuration that it was made of, in one file, replaced in one step: a
/// kill at any moment leaves the file that was there.
///
/// Parameters alone, as [`Module::into_record`] has them, say nothing of what is not a tensor: they
/// load into a model that drops at other rates, or nothing, and predicts from another posterior.
///
/// # Errors
///
/// If the file cannot be written, or the configuration would not be read back as it is.
///
/// # Example
///
/// ```
/// use burn::config::Config;
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::Device;
/// use burn_variational_dropout::{LockedDropout, LockedDropoutConfig};
/// use burn_variational_training::{load_model, load_model_as, save_model};
///
/// #[derive(Config, Debug)]
/// struct ModelConfig {
///     dropout: LockedDropoutConfig,
///     linear: LinearConfig,
/// }
///
/// #[derive(Module, Debug)]
/// struct Model {
///     dropout: LockedDropout,
///     linear: Linear,
/// }
///
/// impl ModelConfig {
///     fn init(&self, device: &Device) -> Model {
///         Model { dropout: self.dropout.init(), linear: self.linear.init(device) }
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.bvm");
/// let device = Device::flex();
/// let config = ModelConfig::new(LockedDropoutConfig::new(2, 0.5), LinearConfig::new(2, 3));
/// let trained = config.init(&device);
/// save_model(&path, &config, &trained)?;
///
/// let (config, loaded) = load_model(&path, |config: &ModelConfig| config.init(&device))?;
/// assert_eq!(loaded.linear.weight.val().into_data(), trained.linear.weight.val().into_data());
///
/// let other = ModelConfig { dropout: LockedDropoutConfig::new(2, 0.25), ..config };
/// let error = load_model_as(&path, &other, |config| config.init(&device)).unwrap_err();
/// assert!(error.to_string().ends_with("dropout.dropout.prob is 0.5 in the file, 0.25 was asked"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_model<C: Serialize + DeserializeOwned, M: Module>(
    path: impl AsRef<Path>,
    config: &C,
    model: &M,
) -> Result<(), SavedModelError> {
    let path = path.as_ref();
    let encode = |what: String| SavedModelError::Encode { path: path.to_path_buf(), what };
    let config = to_value(path, config)?;
    from_value::<C>(&config)
        .map_err(|what| encode(format!("its configuration would not be read back: {what}")))?;
    let mut config_bytes = Vec::new();
    ciborium::into_writer(&config, &mut config_bytes).map_err(|error| encode(error.to_string()))?;
    let record = model.clone().into_record().into_bytes();
    let record = record.map_err(|error| encode(error.to_string()))?;
    model_file::write(path, &config_bytes, &record).map_err(io_error(path))
}

/// Loads a model and its configuration; `init` makes the model that the configuration describes.
///
/// # Errors
///
/// If the file cannot be read or is damaged, its configuration has a field that `C` does not know,
/// or lacks one, or its parameters are not those of the model.
pub fn load_model<C: Serialize + DeserializeOwned, M: Module>(
    path: impl AsRef<Path>,
    init: impl FnOnce(&C) -> M,
) -> Result<(C, M), SavedModelError> {
    let path = path.as_ref();
    let (config, parameters) = read(path)?;
    let config = read_config(path, &config)?;
    let model = load_record(path, parameters, init(&config))?;
    Ok((config, model))
}

/// Loads a model that must have been saved under this configuration; `init` makes the model that
/// it describes.
///
/// # Errors
///
/// As [`load_model`], and [`OtherConfig`](SavedModelError::OtherConfig) if the model was saved
/// under another configuration.
pub fn load_model_as<C: Serialize + DeserializeOwned, M: Module>(
    path: impl AsRef<Path>,
    config: &C,
    init: impl FnOnce(&C) -> M,
) -> Result<M, SavedModelError> {
    let path = path.as_ref();
    let (saved, parameters) = read(path)?;
    let saved = to_value(path, &read_config::<C>(path, &saved)?)?;
    let fields = differences(&saved, &to_value(path, config)?);
    if !fields.is_empty() {
        return Err(SavedModelError::OtherConfig { path: path.to_path_buf(), fields });
    }
    load_record(path, parameters, init(config))
}

/// Loads the parameters of a saved model into one that is of another configuration on purpose,
/// one that drops at other rates say. What the file says of its configuration is not read.
///
/// # Errors
///
/// If the file cannot be read or is damaged, or a parameter is missing, unknown or of another
/// shape.
pub fn load_parameters<M: Module>(path: impl AsRef<Path>, model: M) -> Result<M, SavedModelError> {
    let path = path.as_ref();
    let (_, parameters) = read(path)?;
    load_record(path, parameters, model)
}

/// Configuration and parameters.
fn read(path: &Path) -> Result<(Vec<u8>, Vec<u8>), SavedModelError> {
    let content = fs::read(path).map_err(io_error(path))?;
    model_file::parse(content).map_err(damaged(path))
}

fn read_config<C: Serialize + DeserializeOwned>(
    path: &Path,
    config: &[u8],
) -> Result<C, SavedModelError> {
    let config: Value =
        ciborium::from_reader(config).map_err(|error| damaged(path)(error.to_string()))?;
    from_value(&config)
        .map_err(|what| SavedModelError::UnreadableConfig { path: path.to_path_buf(), what })
}

fn load_record<M: Module>(
    path: &Path,
    parameters: Vec<u8>,
    model: M,
) -> Result<M, SavedModelError> {
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(parameters))
        .map_err(|error| damaged(path)(error.to_string()))?;
    model.try_load_record(record).map_err(|error| {
        let (RecordError::Io(what) | RecordError::Validation(what)) = error;
        SavedModelError::OtherModel { path: path.to_path_buf(), what }
    })
}

fn to_value<C: Serialize>(path: &Path, config: &C) -> Result<Value, SavedModelError> {
    Value::serialized(config).map_err(|ciborium::value::Error::Custom(what)| {
        SavedModelError::Encode { path: path.to_path_buf(), what }
    })
}

/// The configuration, if all that the value says of it is understood.
fn from_value<C: Serialize + DeserializeOwned>(value: &Value) -> Result<C, String> {
    let read = || {
        let config: C = value.deserialized()?;
        let again = Value::serialized(&config)?;
        Ok((config, again))
    };
    let (config, again) = read().map_err(|ciborium::value::Error::Custom(what)| what)?;
    // A field that only `again` has is one that was given a default.
    let lost = differences(value, &again).into_iter().filter_map(|difference| {
        let FieldDifference { field, saved, asked: read } = difference;
        Some(match read {
            None => format!("{field} is {}, which it does not know", saved?),
            Some(read) => format!("{field} is {}, which it reads as {read}", saved?),
        })
    });
    let lost: Vec<_> = lost.collect();
    if lost.is_empty() { Ok(config) } else { Err(joined(&lost)) }
}

fn joined(parts: &[impl ToString]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SavedModelError {
    let path = path.to_path_buf();
    |source| SavedModelError::Io { path, source }
}

fn damaged(path: &Path) -> impl FnOnce(String) -> SavedModelError {
    let path = path.to_path_buf();
    |what| SavedModelError::Damaged { path, what }
}
