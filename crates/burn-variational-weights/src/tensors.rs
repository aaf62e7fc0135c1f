//! Tensors by name, as files of weights hold them.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::TensorData;

/// Tensors by name, as a file of weights holds them, and what the file says of its layers besides.
///
/// # Example
///
/// ```
/// use burn::tensor::TensorData;
/// use burn_variational_weights::NamedTensors;
///
/// let data = TensorData::from([1.0_f32, 2.0]);
/// let tensors = NamedTensors::from_iter([("encoder.bias".to_string(), data)]);
/// assert_eq!(tensors.under("encoder").names().collect::<Vec<_>>(), ["bias"]);
/// assert_eq!(tensors.names_outside(&["decoder"]), ["encoder.bias"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct NamedTensors {
    /// What the names were cut off by [`under`](Self::under), for who reads an error.
    path: String,
    tensors: BTreeMap<String, Arc<TensorData>>,
    settings: BTreeMap<String, LayerSettings>,
}

/// What a file says of a layer besides its weights, by the framework's own names: `activation` is
/// `tanh`.
pub type LayerSettings = BTreeMap<String, String>;

impl NamedTensors {
    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&TensorData> {
        self.tensors.get(name).map(AsRef::as_ref)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The names of the tensors that are under none of these paths: what is left when the parts of
    /// a model have taken theirs.
    pub fn names_outside(&self, paths: &[&str]) -> Vec<&str> {
        let within = |name: &str, path: &str| {
            self.resolve(path).is_some_and(|path| cut(name, &path).is_some())
        };
        self.names().filter(|name| !paths.iter().any(|path| within(name, path))).collect()
    }

    /// The names and tensors, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TensorData)> {
        self.tensors.iter().map(|(name, data)| (name.as_str(), data.as_ref()))
    }

    /// What the file says of the layer of a path, `""` for this one. Of most files that is nothing.
    pub fn settings(&self, path: &str) -> Option<&LayerSettings> {
        self.settings.get(path)
    }

    /// Those of a part of a model, by their names in it: `encoder.lstm` has the `weight_ih_l0` that
    /// the model has as `encoder.lstm.weight_ih_l0`. The whole model is "".
    ///
    /// A Keras layer is found by its own name too, where only one has it and nothing has that path.
    pub fn under(&self, path: &str) -> Self {
        if path.is_empty() {
            return self.clone();
        }
        let resolved = self.resolve(path).unwrap_or_else(|| path.to_string());
        let tensors = self
            .tensors
            .iter()
            .filter_map(|(name, data)| Some((cut(name, &resolved)?.to_string(), Arc::clone(data))));
        let settings = self.settings.iter().filter_map(|(layer, settings)| {
            let rest = if *layer == resolved { "" } else { cut(layer, &resolved)? };
            Some((rest.to_string(), settings.clone()))
        });
        Self {
            path: joined(&self.path, &resolved),
            tensors: tensors.collect(),
            settings: settings.collect(),
        }
    }

    /// The same as a part of a model: the way back from [`under`](Self::under).
    pub fn at(self, path: &str) -> Self {
        let tensors = self.tensors.into_iter().map(|(name, data)| (joined(path, &name), data));
        let settings = self.settings.into_iter().map(|(layer, of)| (joined(path, &layer), of));
        Self { path: String::new(), tensors: tensors.collect(), settings: settings.collect() }
    }

    /// These and others. Where both have a name, the others' tensor is taken.
    pub fn and(mut self, others: Self) -> Self {
        self.tensors.extend(others.tensors);
        self.settings.extend(others.settings);
        self
    }

    /// The name of a tensor or a layer in the file.
    pub(crate) fn full_name(&self, name: &str) -> String {
        joined(&self.path, name)
    }

    #[cfg(feature = "keras")]
    pub(crate) fn with_settings(mut self, settings: BTreeMap<String, LayerSettings>) -> Self {
        self.settings = settings;
        self
    }

    /// A path as it is, if anything is under it, or that of the only layer of this name.
    fn resolve(&self, path: &str) -> Option<String> {
        let is_there = |name: &String| name == path || cut(name, path).is_some();
        if self.tensors.keys().any(is_there) {
            return Some(path.into());
        }
        let of_name = |(layer, settings): (&String, &LayerSettings)| {
            (settings.get("name").is_some_and(|name| name == path)).then(|| layer.clone())
        };
        let mut layers = self.settings.iter().filter_map(of_name);
        let layer = layers.next()?;
        layers.next().is_none().then_some(layer)
    }
}

impl FromIterator<(String, TensorData)> for NamedTensors {
    fn from_iter<I: IntoIterator<Item = (String, TensorData)>>(tensors: I) -> Self {
        let tensors = tensors.into_iter().map(|(name, data)| (name, Arc::new(data))).collect();
        Self { tensors, ..Self::default() }
    }
}

/// What follows a path in a name.
fn cut<'a>(name: &'a str, path: &str) -> Option<&'a str> {
    name.strip_prefix(path)?.strip_prefix('.')
}

fn joined(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.into(),
        (path, "") => path.into(),
        (path, name) => format!("{path}.{name}"),
    }
}
