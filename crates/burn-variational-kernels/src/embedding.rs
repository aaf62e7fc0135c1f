//! The rows of an embedding as users of tensors see them.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor, module};

use crate::dispatch::SequenceBackend;
use crate::support::{check_sizes, has_engine};

/// The rows of an embedding by token, as `burn::tensor::module::embedding` gives them, with a
/// backward pass that clears and adds up the gradient of all types in one go where the engine runs.
///
/// # Shapes
///
/// - weights: `[n_types, width]`
/// - tokens: `[batch_size, seq_length]`
/// - output: `[batch_size, seq_length, width]`
///
/// # Panics
///
/// If one of the sizes is 0; on Flex, if a token is no type. Other backends need not check that.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::embedding;
///
/// let device = Device::flex();
/// let weights = Tensor::<2>::from_data([[1.0], [2.0]], &device);
/// let rows = embedding(weights, Tensor::from_data([[1, 0, 1]], &device));
/// assert_eq!(rows.into_data().try_to_vec::<f32>().unwrap(), [2.0, 1.0, 2.0]);
/// ```
pub fn embedding(weights: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
    let ([n_types, width], [batch_size, seq_length]) = (weights.dims(), tokens.dims());
    check_sizes(
        "embedding",
        &[
            ("n_types", n_types),
            ("width", width),
            ("batch_size", batch_size),
            ("seq_length", seq_length),
        ],
    );
    if !has_engine(&weights.device()) {
        return module::embedding(weights, tokens);
    }
    #[cfg(feature = "testing")]
    crate::testing::count(crate::testing::Operation::Embedding);
    let (weights, tokens) = (weights.into_dispatch(), tokens.into_dispatch());
    Tensor::from_dispatch(<Dispatch as SequenceBackend>::embedding(weights, tokens))
}
