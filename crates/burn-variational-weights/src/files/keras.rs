//! Files of Keras 3: `.weights.h5`, and `.keras`, a zip of one and of a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use serde_json::Value;
use zip::ZipArchive;

use super::{Budget, hdf5};
use crate::{LayerSettings, NamedTensors};

/// What a `.keras` file has.
pub(super) fn archive(bytes: &[u8], budget: Budget) -> Result<NamedTensors, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut entry = |name: &str, limit: u64| -> Result<Vec<u8>, String> {
        let file = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
        let mut content = Vec::new();
        // What an entry says of its size is not to be believed.
        let n_read = file.take(limit + 1).read_to_end(&mut content);
        match n_read.map_err(|error| format!("{name}: {error}"))? as u64 {
            n_read if n_read > limit => Err(format!("{name}: {}", Budget::exceeded())),
            _ => Ok(content),
        }
    };
    // In memory a configuration takes many times its text, which Keras does not compress.
    let config = entry("config.json", bytes.len() as u64)?;
    let weights = entry("model.weights.h5", budget.bytes() as u64)?;
    let config =
        serde_json::from_slice(&config).map_err(|error| format!("config.json: {error}"))?;
    let mut contents = hdf5::read(weights, budget)?;
    let mut layers = BTreeMap::new();
    collect(&config, &mut layers);
    describe(&mut contents.settings, &layers);
    Ok(contents.into())
}

/// What a `.weights.h5` file has.
pub(super) fn weights(bytes: Vec<u8>, budget: Budget) -> Result<NamedTensors, String> {
    hdf5::read(bytes, budget).map(NamedTensors::from)
}

/// The configurations of layers by their names, which layers of different models may share.
type Layers<'a> = BTreeMap<&'a str, Vec<&'a Value>>;

/// All objects of a class with a name, wherever they are.
fn collect<'a>(value: &'a Value, layers: &mut Layers<'a>) {
    match value {
        Value::Object(fields) => {
            let name = value.pointer("/config/name").and_then(Value::as_str);
            if let (Some(name), Some(_)) = (name, fields.get("class_name")) {
                layers.entry(name).or_default().push(value);
            }
            fields.values().for_each(|value| collect(value, layers));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, layers)),
        _ => (),
    }
}

/// Adds to the layers of a file, which have their names, what the configuration says of them.
/// Where it says different things of layers of one name, all of them: none is what is wanted then.
fn describe(settings: &mut BTreeMap<String, LayerSettings>, layers: &Layers<'_>) {
    for of_layer in settings.values_mut() {
        let name = of_layer.get("name").map(String::as_str);
        let layers = name.and_then(|name| layers.get(name)).into_iter().flatten();
        let mut said: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for layer in layers {
            let fields = layer["config"].as_object().into_iter().flatten();
            let class = ("class_name", &layer["class_name"]);
            for (setting, value) in
                fields.map(|(name, value)| (name.as_str(), value)).chain([class])
            {
                said.entry(setting).or_default().extend(said_of(value));
            }
        }
        of_layer.extend(said.into_iter().filter(|(_, values)| !values.is_empty()).map(
            |(setting, values)| {
                (setting.to_string(), values.into_iter().collect::<Vec<_>>().join(" or "))
            },
        ));
    }
}

/// A value in words, if it is one that can be compared.
fn said_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        // A function of the user's own has a name too.
        Value::Object(_) => value["class_name"].as_str().map(ToString::to_string),
        Value::Array(_) => None,
    }
}
