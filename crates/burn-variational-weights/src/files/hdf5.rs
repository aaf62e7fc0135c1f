//! The datasets of an HDF5 file, and the names that Keras gives to its groups.

use std::collections::BTreeMap;

use burn::tensor::{DType, TensorData};
use hdf5_reader::error::Error;
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};

use super::Budget;
use crate::{LayerSettings, NamedTensors};

/// Groups in groups that no model has.
const MAX_DEPTH: usize = 64;

/// What a group or a dataset takes in memory, besides its path and its numbers, about.
const MEMBER: usize = 64;

/// What a file has.
pub(super) struct Contents {
    /// Every dataset by its path, with dots.
    pub(super) tensors: Vec<(String, TensorData)>,
    /// The name of every layer by the path of its group.
    pub(super) settings: BTreeMap<String, LayerSettings>,
}

impl From<Contents> for NamedTensors {
    fn from(Contents { tensors, settings }: Contents) -> Self {
        tensors.into_iter().collect::<Self>().with_settings(settings)
    }
}

pub(super) fn read(bytes: Vec<u8>, budget: Budget) -> Result<Contents, String> {
    let limit = budget.bytes();
    let options = OpenOptions::default()
        .with_max_read_bytes(limit)
        .with_max_chunk_bytes(limit)
        .with_max_object_header_bytes(limit)
        .with_chunk_cache_bytes(0);
    let file = Hdf5File::from_vec_with_options(bytes, options).map_err(|e| e.to_string())?;
    let root = file.root_group().map_err(|error| error.to_string())?;
    let contents = Contents { tensors: Vec::new(), settings: BTreeMap::new() };
    let mut walk = Walk { budget, contents };
    walk.group(&root, "", 0)?;
    Ok(walk.contents)
}

struct Walk {
    budget: Budget,
    contents: Contents,
}

impl Walk {
    fn group(&mut self, group: &Group, path: &str, depth: usize) -> Result<(), String> {
        let here = |error: Error| format!("{path}: {error}");
        // A group that links to itself has no end.
        self.budget.spend(Some(MEMBER + path.len()))?;
        if depth > MAX_DEPTH {
            return Err(format!("{path}: groups lie deeper than {MAX_DEPTH}"));
        }
        // Keras writes a layer's name onto the group of its variables.
        if let Some(layer) = path.strip_suffix("vars")
            && let Ok(name) = group.attribute("name")
            && let Ok(name) = name.read_string()
        {
            let layer = layer.trim_end_matches('.').to_string();
            self.contents.settings.insert(layer, BTreeMap::from([("name".to_string(), name)]));
        }
        let (groups, datasets) = group.members().map_err(here)?;
        for dataset in &datasets {
            let path = below(path, dataset.name());
            self.budget.spend(Some(MEMBER + path.len()))?;
            let tensor = self.tensor(dataset).map_err(|error| format!("{path}: {error}"))?;
            self.contents.tensors.extend(tensor.map(|tensor| (path, tensor)));
        }
        for group in &groups {
            self.group(group, &below(path, group.name()), depth + 1)?;
        }
        Ok(())
    }

    /// None of a type that no tensor has.
    fn tensor(&mut self, dataset: &Dataset) -> Result<Option<TensorData>, String> {
        let dtype = match dataset.dtype() {
            Datatype::FloatingPoint { size: 2, .. } => DType::F16,
            Datatype::FloatingPoint { size: 4, .. } => DType::F32,
            Datatype::FloatingPoint { size: 8, .. } => DType::F64,
            Datatype::FixedPoint { size: 4, signed: true, .. } => DType::I32,
            Datatype::FixedPoint { size: 8, signed: true, .. } => DType::I64,
            Datatype::FixedPoint { size: 4, signed: false, .. } => DType::U32,
            Datatype::FixedPoint { size: 8, signed: false, .. } => DType::U64,
            _ => return Ok(None),
        };
        let length = dataset.raw_byte_len().map_err(|error| error.to_string())?;
        self.budget.spend(Some(length))?;
        let shape: Vec<usize> = dataset.shape().iter().map(|&size| size as usize).collect();
        let bytes = dataset.read_native_bytes().map_err(|error| error.to_string())?;
        if bytes.len() != shape.iter().product::<usize>() * dtype.size() {
            return Err(format!("{} bytes of {dtype:?} are not {shape:?}", bytes.len()));
        }
        Ok(Some(TensorData::from_bytes_vec(bytes, shape, dtype)))
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}
