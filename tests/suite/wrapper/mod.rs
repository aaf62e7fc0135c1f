//! Dropout around any cell, in TensorFlow's order.

mod growth;
mod order;
mod refused;
mod tensorflow;

use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;

use super::gradients::{BATCH_SIZE, D_INPUT, SEQ_LENGTH, numbers};

const SITES: [&str; 3] = ["wrapper-input", "wrapper-state", "wrapper-output"];

/// A wrapper that drops half of everything, or whose masks are given anyway.
fn halved<K: CellConfig>(cell: K) -> DropoutWrapperConfig<K> {
    DropoutWrapperConfig::new(cell)
        .with_input_keep_prob(0.5)
        .with_state_keep_prob(0.5)
        .with_output_keep_prob(0.5)
}

fn input(device: &Device) -> Tensor<3> {
    let values = numbers(BATCH_SIZE * SEQ_LENGTH * D_INPUT, 0.7);
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let dims = [BATCH_SIZE, SEQ_LENGTH, D_INPUT];
    Tensor::from_data(burn::tensor::TensorData::new(values, dims), device)
}
