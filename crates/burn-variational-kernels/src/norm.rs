//! The squared norm as users of tensors see it.

use burn::tensor::Tensor;

use crate::support::runs_on;

/// `Σ x²`, dims `[1]`, in one pass over the tensor where the engine runs and as plain tensor
/// operations elsewhere.
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
    if !runs_on(&tensor.device()) {
        return tensor.square().sum();
    }
    dispatch(tensor)
}

#[cfg(feature = "backend")]
fn dispatch<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    use burn::backend::Dispatch;

    use crate::dispatch::SequenceBackend;
    Tensor::from_dispatch(<Dispatch as SequenceBackend>::squared_norm(tensor.into_dispatch()))
}

#[cfg(not(feature = "backend"))]
fn dispatch<const D: usize>(_tensor: Tensor<D>) -> Tensor<1> {
    unreachable!("without a backend no operation is supported")
}
