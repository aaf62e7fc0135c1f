//! Golden values made by other frameworks; `golden/README.md` says how.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A file of golden values of a stack.
#[derive(Debug, Deserialize)]
pub struct Golden {
    /// One case for each kind of mask that the framework has.
    pub cases: Vec<GoldenCase>,
}

/// Inputs of a stack of two layers, and what the other framework made of them.
#[derive(Debug, Deserialize)]
pub struct GoldenCase {
    /// The kind of masks.
    pub name: String,
    /// The length of each row, of a stack that reads both ways: its layers are forward and
    /// backward in turns.
    pub lengths: Option<Vec<usize>>,
    /// `[seq_length, batch_size, d_input]`.
    pub input: GoldenTensor,
    /// What belongs to each layer.
    pub layers: Vec<GoldenLayer>,
    /// The factors of the outputs in the loss.
    pub output_weights: GoldenTensor,
    /// What came out.
    pub expected: GoldenExpected,
}

/// Weights, initial state and masks of a layer, in PyTorch's layout.
#[derive(Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are PyTorch's")]
pub struct GoldenLayer {
    pub weight_ih: GoldenTensor,
    pub weight_hh: GoldenTensor,
    pub bias_ih: GoldenTensor,
    /// Not there where the framework has one bias.
    pub bias_hh: Option<GoldenTensor>,
    pub h0: GoldenTensor,
    pub c0: Option<GoldenTensor>,
    #[serde(default)]
    pub input_masks: Vec<GoldenTensor>,
    #[serde(default)]
    pub recurrent_masks: Vec<GoldenTensor>,
    pub h_final_weights: GoldenTensor,
    pub c_final_weights: Option<GoldenTensor>,
}

/// What came out of a case.
#[derive(Debug, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct GoldenExpected {
    pub outputs: GoldenTensor,
    pub layers: Vec<GoldenExpectedLayer>,
    pub grad_input: GoldenTensor,
    pub loss: f64,
}

/// What came out for a layer.
#[derive(Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are PyTorch's")]
pub struct GoldenExpectedLayer {
    pub h_final: GoldenTensor,
    pub c_final: Option<GoldenTensor>,
    pub grad_weight_ih: GoldenTensor,
    pub grad_weight_hh: GoldenTensor,
    pub grad_bias_ih: GoldenTensor,
    pub grad_bias_hh: Option<GoldenTensor>,
    pub grad_h0: GoldenTensor,
    pub grad_c0: Option<GoldenTensor>,
}

/// A tensor, row-major.
#[derive(Debug, Clone, Deserialize)]
pub struct GoldenTensor {
    /// Its dims.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f64>,
}

/// The folder of golden values: beside the manifest, as cargo names it to what it runs, and as it was
/// when this was built otherwise.
pub fn golden_folder() -> PathBuf {
    let tests = std::env::var_os("CARGO_MANIFEST_DIR");
    let tests = tests.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).into(), PathBuf::from);
    tests.join("golden")
}

/// What a file of the folder holds.
///
/// # Panics
///
/// If the file is not there or not as it should be.
pub fn read_golden<T: DeserializeOwned>(file: &str) -> T {
    let path = golden_folder().join(format!("{file}.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Golden {
    /// The golden values of a cell, `framework/cell`.
    ///
    /// # Panics
    ///
    /// If the file is not there or not as it should be.
    pub fn load(file: &str) -> Self {
        read_golden(file)
    }
}

/// The cases of a file of golden values, `folder/file`.
///
/// # Panics
///
/// If the file is not there or its cases are others.
pub fn golden_cases<T: DeserializeOwned>(file: &str) -> Vec<T> {
    /// What stands beside the cases is for the reader.
    #[derive(Deserialize)]
    struct File<T> {
        cases: Vec<T>,
    }

    read_golden::<File<T>>(file).cases
}

impl GoldenTensor {
    /// These values as a tensor.
    ///
    /// # Panics
    ///
    /// If it has another rank.
    pub fn on<const D: usize>(&self, device: &Device) -> Tensor<D> {
        let dims: [usize; D] = self.shape.as_slice().try_into().expect("the rank asked for");
        let values: Vec<f32> = self.values.iter().map(|&value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, dims), device)
    }

    /// The transpose of a matrix, row-major.
    ///
    /// # Panics
    ///
    /// If it is not a matrix.
    pub fn transposed(&self) -> Vec<f64> {
        let &[rows, columns] = self.shape.as_slice() else { panic!("a matrix") };
        let column = |c: usize| (0..rows).map(move |r| self.values[r * columns + c]);
        (0..columns).flat_map(column).collect()
    }
}
