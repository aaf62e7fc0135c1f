//! Values of a tensor in double precision, where a device need not have it.

use burn::tensor::{DType, Tensor, TensorData};

/// The values of a tensor, row-major. Waits for them.
pub(crate) fn on_host<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// Such values as a tensor of the dims, the type and the device of another.
pub(crate) fn to_device<const D: usize>(values: Vec<f64>, like: &Tensor<D>) -> Tensor<D> {
    let dtype: DType = like.dtype();
    Tensor::from_data(TensorData::new(values, like.dims()), (&like.device(), dtype))
}
