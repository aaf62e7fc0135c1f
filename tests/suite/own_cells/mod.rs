//! Cells and states of a user's own: sites that no cell of the library has, tensors of other
//! names, and engines that do not know all of them.

mod averaging;
mod carrying;
mod leaky;

use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::prelude::*;

use super::gradients::numbers;

pub(crate) use leaky::LeakyConfig;

const BATCH_SIZE: usize = 3;
const SEQ_LENGTH: usize = 5;
const D_INPUT: usize = 2;
const D_HIDDEN: usize = 4;

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

fn tensor<const D: usize>(values: Vec<f64>, dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, dims).convert::<f32>(), device)
}

/// `[BATCH_SIZE, SEQ_LENGTH, D_INPUT]`.
fn input(device: &Device) -> Tensor<3> {
    let dims = [BATCH_SIZE, SEQ_LENGTH, D_INPUT];
    tensor(numbers(dims.iter().product(), 0.7), dims, device)
}

/// The factors of a site at a step, ones where there is no mask.
fn factors(masks: &LayerMasks, site: &Site, step: usize, n: usize) -> Vec<f64> {
    let masks = masks.get(site).at_step(step);
    let [mask] = masks.masks() else { panic!("one mask for all gates") };
    mask.values().map_or_else(|| vec![1.0; n], |values| self::values(&values))
}

/// `Σ_j v_j z_j m[j, unit]`.
fn product(v: &[f64], z: &[f64], m: &[f64], unit: usize) -> f64 {
    let width = m.len() / v.len();
    v.iter().zip(z).enumerate().map(|(j, (v, z))| v * z * m[j * width + unit]).sum()
}
