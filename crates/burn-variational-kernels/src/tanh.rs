//! `tanh` that is a number wherever its argument is one.

use burn::tensor::{DType, Tensor};

/// `tanh`, element by element, on every device.
///
/// Burn's own is that of the shader language, and WGSL lets a driver make it of `exp(2a)`: from
/// `a = 44` on that is infinite in `f32`, and the quotient of two of them is no number. The cell of
/// an LSTM that remembers gets there in as many steps. Here the argument ends where `tanh` is 1 in
/// the float type, so that its values and gradients are those of `tanh`.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::tanh;
///
/// let a = Tensor::<1>::from_data([-1000.0, 0.0, 1000.0], &Device::flex());
/// assert_eq!(tanh(a).into_data().try_to_vec::<f32>().unwrap(), [-1.0, 0.0, 1.0]);
/// ```
pub fn tanh<const D: usize>(a: Tensor<D>) -> Tensor<D> {
    let end = saturation(a.dtype());
    a.clamp(-end, end).tanh()
}

/// A number whose `tanh` is 1 in a float type, and that is small enough for any formula of it.
pub(crate) fn saturation(dtype: DType) -> f64 {
    match dtype {
        DType::F16 | DType::BF16 => 5.0,
        _ => 20.0,
    }
}
