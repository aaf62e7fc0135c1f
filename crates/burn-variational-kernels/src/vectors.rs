//! What an optimiser does to whole tensors, in one pass each.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::dispatch::SequenceBackend;
use crate::support::{check_dims, has_engine};

/// `Σ x²`, dims `[1]`, in one pass over the tensor where the engine runs, and as plain tensor
/// operations elsewhere and on autodiff devices.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::squared_norm;
///
/// let tensor = Tensor::<2>::from_data([[3.0, 4.0]], &Device::flex());
/// assert_eq!(squared_norm(tensor).into_scalar::<f32>(), 25.0);
/// ```
pub fn squared_norm<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    if !has_engine(&tensor.device()) {
        return tensor.square().sum();
    }
    #[cfg(feature = "testing")]
    crate::testing::count(crate::testing::Operation::SquaredNorm);
    Tensor::from_dispatch(<Dispatch as SequenceBackend>::squared_norm(tensor.into_dispatch()))
}

/// `a - scale · b`, in one pass over both where the engine runs, and as plain tensor operations
/// elsewhere and on autodiff devices: the step of gradient descent.
///
/// # Panics
///
/// If the tensors have different dims.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::subtract_scaled;
///
/// let device = Device::flex();
/// let (a, b) = (Tensor::<1>::from_data([3.0], &device), Tensor::from_data([4.0], &device));
/// assert_eq!(subtract_scaled(a, b, 0.5).into_scalar::<f32>(), 1.0);
/// ```
pub fn subtract_scaled<const D: usize>(a: Tensor<D>, b: Tensor<D>, scale: f64) -> Tensor<D> {
    check_dims("subtract_scaled: b", b.dims(), a.dims());
    if !has_engine(&a.device()) {
        return a - b.mul_scalar(scale);
    }
    #[cfg(feature = "testing")]
    crate::testing::count(crate::testing::Operation::SubtractScaled);
    let (a, b) = (a.into_dispatch(), b.into_dispatch());
    Tensor::from_dispatch(<Dispatch as SequenceBackend>::subtract_scaled(a, b, scale))
}
