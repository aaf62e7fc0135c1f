//! The loss of a linear layer over many classes as users of tensors see it.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, module};

use crate::support::{check_dims, check_sizes, has_engine};

/// The cross-entropy of a linear layer and a softmax, as one operation and one node of the autodiff
/// graph where the engine runs, and as plain tensor operations elsewhere:
///
/// ```text
/// loss_n = -log softmax(x_n W + b)[target_n]
/// ```
///
/// It is for the wide output layer of a model, whose tensors are the largest it has. On Flex, in
/// `f32` and `f64`, what the backward pass needs of it, `softmax(x_n W + b) - onehot(target_n)`,
/// takes the place of the logits, and no gradient of the logits is ever made. The mean of the
/// losses is the usual loss of a language model.
///
/// # Shapes
///
/// - input: `[rows, d_input]`
/// - weights: `[d_input, n_classes]`
/// - bias: `[n_classes]`
/// - targets: `[rows]`
/// - output: `[rows]`
///
/// # Panics
///
/// If one of the sizes is 0, or a shape is off; on Flex, if a target is no class. Other backends
/// need not check that.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use burn_variational_kernels::linear_cross_entropy;
///
/// let device = Device::flex();
/// let input = Tensor::<2>::ones([1, 3], &device);
/// let weights = Tensor::<2>::zeros([3, 4], &device);
/// let targets = Tensor::<1, Int>::from_data([2], &device);
/// let loss = linear_cross_entropy(input, weights, None, targets).into_scalar::<f32>();
/// assert!((loss - 4_f32.ln()).abs() < 1e-6);
/// ```
pub fn linear_cross_entropy(
    input: Tensor<2>,
    weights: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
) -> Tensor<1> {
    let ([rows, d_input], [_, n_classes]) = (input.dims(), weights.dims());
    check_sizes(
        "linear_cross_entropy",
        &[("rows", rows), ("d_input", d_input), ("n_classes", n_classes)],
    );
    check_dims("linear_cross_entropy: weights", weights.dims(), [d_input, n_classes]);
    check_dims("linear_cross_entropy: targets", targets.dims(), [rows]);
    if let Some(bias) = &bias {
        check_dims("linear_cross_entropy: bias", bias.dims(), [n_classes]);
    }
    if !has_engine(&input.device()) {
        let logits = module::linear(input, weights, bias);
        let of_targets = log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1));
        return of_targets.squeeze_dim::<1>(1).neg();
    }
    dispatch(input, weights, bias, targets)
}

#[cfg(feature = "backend")]
fn dispatch(
    input: Tensor<2>,
    weights: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
) -> Tensor<1> {
    use burn::backend::Dispatch;

    use crate::dispatch::SequenceBackend;
    use crate::operands::LinearParameters;

    #[cfg(feature = "testing")]
    crate::testing::count(crate::testing::Operation::LinearCrossEntropy);
    let parameters = LinearParameters {
        weights: weights.into_dispatch(),
        bias: bias.map(Tensor::into_dispatch).into(),
    };
    let (input, targets) = (input.into_dispatch(), targets.into_dispatch());
    let losses = <Dispatch as SequenceBackend>::linear_cross_entropy(input, parameters, targets);
    Tensor::from_dispatch(losses)
}

#[cfg(not(feature = "backend"))]
fn dispatch(
    _input: Tensor<2>,
    _weights: Tensor<2>,
    _bias: Option<Tensor<1>>,
    _targets: Tensor<1, Int>,
) -> Tensor<1> {
    unreachable!("without a backend no operation is supported")
}
