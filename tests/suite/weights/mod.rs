//! Weights from files that other frameworks wrote give what those give, and go back to the bit.

mod keras;
mod pytorch;
mod tensorflow;

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use burn_variational::prelude::*;
use burn_variational_weights::{CellWeights, NamedTensors, PortableCell};
use cross_backend_tests::{GoldenTensor, golden_folder};
use serde::Deserialize;

const D_INPUT: usize = 4;
const D_HIDDEN: usize = 6;

#[derive(Deserialize)]
struct Expected {
    cases: BTreeMap<String, Case>,
}

/// What a framework computed with the weights of a file.
#[derive(Deserialize)]
struct Case {
    input: GoldenTensor,
    outputs: GoldenTensor,
}

impl Case {
    fn of(expected: &str, name: &str) -> Self {
        let path = golden_folder().join("weights").join(expected);
        let text = std::fs::read_to_string(&path).expect("the golden file");
        let mut expected: Expected = serde_json::from_str(&text).expect("its cases");
        expected.cases.remove(name).expect("the case")
    }
}

fn read(file: &str) -> NamedTensors {
    NamedTensors::read(golden_folder().join("weights").join(file)).expect("a file of weights")
}

fn config<K: CellConfig>(cell: K, n_layers: usize, directions: Directions) -> StackConfig<K> {
    StackConfig::from_cell(cell).with_n_layers(n_layers).with_directions(directions)
}

const BOTH: Directions = Directions::Both(MergeMode::Concat);

/// All weights of a stack.
fn weights_of<C: PortableCell>(stack: &RecurrentStack<C>) -> Vec<TensorData> {
    let layers = stack.layers.iter().chain(&stack.backward_layers);
    let of_layer = |layer: &RecurrentLayer<C>| {
        let CellWeights { input, recurrent, bias, candidate_bias } = layer.cell.weights();
        let matrices = [input, recurrent].map(Tensor::into_data);
        let vectors = [bias, candidate_bias].into_iter().flatten().map(Tensor::into_data);
        matrices.into_iter().chain(vectors).collect::<Vec<_>>()
    };
    layers.flat_map(of_layer).collect()
}
