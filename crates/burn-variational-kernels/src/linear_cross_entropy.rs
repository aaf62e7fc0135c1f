//! The loss of a linear layer over many classes as users of tensors see it.

use burn::backend::Dispatch;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, module};

use crate::dispatch::SequenceBackend;
use crate::operands::LinearParameters;
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
/// takes the place of the logits, and no gradient of the logits is ever made. Where no gradient will
/// be asked for, on any device, logits are made for some rows at a time.
///
/// A row whose target is `ignore_index`, padding say, is ignored: its loss is exactly 0, it gives no
/// gradient to anything, and whatever its input holds, NaN and infinities too, reaches nothing. The
/// index may be that of a class or no class at all.
///
/// The mean of the losses is the usual loss of a language model. With rows that are ignored, divide
/// their sum by the number of the others, as in the example: `mean` would count them as losses of 0.
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
/// If one of the sizes is 0, or a shape is off; on Flex, if a target is neither a class nor
/// `ignore_index`. Other backends need not check that.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use burn_variational_kernels::linear_cross_entropy;
///
/// let device = Device::flex();
/// let input = Tensor::<2>::ones([3, 5], &device);
/// let weights = Tensor::<2>::zeros([5, 4], &device);
/// // The last row is padding.
/// let targets = Tensor::<1, Int>::from_data([2, 0, -1], &device);
/// let counted = targets.clone().not_equal_elem(-1).int().sum().into_scalar::<i64>();
/// let losses = linear_cross_entropy(input, weights, None, targets, Some(-1));
/// let mean = losses.sum().into_scalar::<f32>() / counted as f32;
/// assert!((mean - 4_f32.ln()).abs() < 1e-6);
/// ```
pub fn linear_cross_entropy(
    input: Tensor<2>,
    weights: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    ignore_index: Option<i64>,
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
    let losses = |input, targets| {
        let (weights, bias) = (weights.clone(), bias.clone());
        if has_engine(&weights.device()) {
            dispatch(input, weights, bias, targets, ignore_index)
        } else {
            by_plain_operations(input, weights, bias, targets, ignore_index)
        }
    };
    let is_tracked = [&input, &weights].into_iter().any(Tensor::is_tracked)
        || bias.as_ref().is_some_and(Tensor::is_tracked);
    let at_a_time = rows_at_a_time(n_classes);
    if is_tracked || rows <= at_a_time {
        return losses(input, targets);
    }
    let inputs = input.split(at_a_time, 0).into_iter();
    let losses =
        inputs.zip(targets.split(at_a_time, 0)).map(|(input, targets)| losses(input, targets));
    Tensor::cat(losses.collect(), 0)
}

/// The rows whose logits are made at a time where nobody keeps them: 64 MiB of them in `f32`, and
/// enough rows for a product at full speed.
fn rows_at_a_time(n_classes: usize) -> usize {
    ((1 << 24) / n_classes).max(256)
}

fn by_plain_operations(
    input: Tensor<2>,
    weights: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    ignore_index: Option<i64>,
) -> Tensor<1> {
    let losses = |input, targets: Tensor<1, Int>| {
        let logits = module::linear(input, weights, bias);
        let of_targets = log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1));
        of_targets.squeeze_dim::<1>(1).neg()
    };
    let Some(ignore_index) = ignore_index else { return losses(input, targets) };
    let ignored = targets.clone().equal_elem(ignore_index);
    let of_inputs = ignored.clone().unsqueeze_dim::<2>(1).expand(input.dims());
    let losses = losses(input.mask_fill(of_inputs, 0), targets.mask_fill(ignored.clone(), 0));
    losses.mask_fill(ignored, 0)
}

fn dispatch(
    input: Tensor<2>,
    weights: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    ignore_index: Option<i64>,
) -> Tensor<1> {
    #[cfg(feature = "testing")]
    crate::testing::count(crate::testing::Operation::LinearCrossEntropy);
    let parameters = LinearParameters {
        weights: weights.into_dispatch(),
        bias: bias.map(Tensor::into_dispatch).into(),
    };
    let (input, targets) = (input.into_dispatch(), targets.into_dispatch());
    let losses = <Dispatch as SequenceBackend>::linear_cross_entropy(
        input,
        parameters,
        targets,
        ignore_index,
    );
    Tensor::from_dispatch(losses)
}
