//! Taking tensors by name and shape: all of them, or none.

use burn::tensor::TensorData;

use crate::{Mismatch, NamedTensors, WeightsError};

/// What is taken of some tensors, and what is wrong with them.
pub(crate) struct Wanted<'a> {
    tensors: &'a NamedTensors,
    asked: Vec<String>,
    wrong: Vec<Mismatch>,
    not_floats: Vec<String>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn of(tensors: &'a NamedTensors) -> Self {
        Self { tensors, asked: Vec::new(), wrong: Vec::new(), not_floats: Vec::new() }
    }

    /// The tensor of a name, if it is there and has the shape.
    pub(crate) fn take(&mut self, name: &str, wanted: &[usize]) -> Option<&'a TensorData> {
        self.asked.push(name.into());
        let found = self.tensors.get(name);
        if let Some(data) = found.filter(|data| !data.dtype().is_float()) {
            let name = self.tensors.full_name(name);
            self.not_floats.push(format!("{name}: weights are floats, found {:?}", data.dtype()));
            return None;
        }
        let shape = found.map(|data| data.shape().to_vec());
        if shape.as_deref() == Some(wanted) {
            return found;
        }
        let name = self.tensors.full_name(name);
        self.wrong.push(Mismatch { name, wanted: Some(wanted.into()), found: shape });
        None
    }

    /// Whether all was there, and nothing besides.
    ///
    /// # Errors
    ///
    /// If it was not, naming every tensor.
    pub(crate) fn finish(self) -> Result<(), WeightsError> {
        let wrong = self.mismatches()?;
        if wrong.is_empty() { Ok(()) } else { Err(WeightsError::Mismatched(wrong)) }
    }

    /// What is not as it was wanted, and what nobody wanted.
    ///
    /// # Errors
    ///
    /// If a tensor is not one of floats.
    pub(crate) fn mismatches(mut self) -> Result<Vec<Mismatch>, WeightsError> {
        if !self.not_floats.is_empty() {
            return Err(WeightsError::Unsupported(self.not_floats.join("\n")));
        }
        for (name, data) in self.tensors.iter() {
            if !self.asked.iter().any(|asked| asked == name) {
                let (name, found) = (self.tensors.full_name(name), Some(data.shape().to_vec()));
                self.wrong.push(Mismatch { name, wanted: None, found });
            }
        }
        Ok(self.wrong)
    }
}
