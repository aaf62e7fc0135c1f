//! A linear layer as users of tensors see it.

use burn::tensor::{Tensor, module};

use crate::Projection;

/// `x W + b` by [`Projection`] where the engine runs, and as a plain tensor operation elsewhere:
/// for the wide output layer of a model, whose tensors are the largest it has.
///
/// # Shapes
///
/// - input: `[rows, d_input]`
/// - weights: `[d_input, d_output]`
/// - bias: `[d_output]`
/// - output: `[rows, d_output]`
///
/// # Panics
///
/// If there is no row, or a shape is off.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::linear;
///
/// let device = Device::flex();
/// let input = Tensor::<2>::ones([2, 3], &device);
/// let weights = Tensor::<2>::ones([3, 4], &device);
/// assert_eq!(linear(input, weights, None).sum().into_scalar::<f32>(), 24.0);
/// ```
pub fn linear(input: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [rows, _] = input.dims();
    let [_, d_output] = weights.dims();
    let sequence = input.clone().unsqueeze::<3>();
    let projection = Projection::new(weights.clone());
    if !projection.is_supported(&sequence) {
        return module::linear(input, weights, bias);
    }
    let projection = match bias {
        Some(bias) => projection.with_bias(bias),
        None => projection,
    };
    projection.run(sequence).reshape([rows, d_output])
}
