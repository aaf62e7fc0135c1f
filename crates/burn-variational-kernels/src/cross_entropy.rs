//! The loss of a softmax over many classes as users of tensors see it.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use crate::support::runs_on;

/// The cross-entropy of every row of logits, as one operation and one node of the autodiff graph
/// where the engine runs, and as plain tensor operations elsewhere:
///
/// ```text
/// loss_n = -log softmax(logits_n)[target_n]
/// ```
///
/// The backward pass needs the probabilities only, which take the place of the logits where nobody
/// else holds these. The mean of the losses is the usual loss of a language model.
///
/// # Shapes
///
/// - logits: `[rows, n_classes]`
/// - targets: `[rows]`
/// - output: `[rows]`
///
/// # Panics
///
/// If there is no row or class, the number of rows differs, or a target is no class.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use burn_variational_kernels::cross_entropy;
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([1, 4], &device);
/// let targets = Tensor::<1, Int>::from_data([2], &device);
/// let loss = cross_entropy(logits, targets).into_scalar::<f32>();
/// assert!((loss - 4_f32.ln()).abs() < 1e-6);
/// ```
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let [rows, n_classes] = logits.dims();
    assert!(
        rows > 0 && n_classes > 0 && targets.dims() == [rows],
        "cross_entropy: logits must be [rows, n_classes] and targets [rows], got {:?} and {:?}",
        logits.dims(),
        targets.dims()
    );
    if !runs_on(&logits.device()) {
        let of_targets = log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1));
        return of_targets.squeeze_dim::<1>(1).neg();
    }
    dispatch(logits, targets)
}

#[cfg(feature = "backend")]
fn dispatch(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    use burn::backend::Dispatch;

    use crate::dispatch::SequenceBackend;
    let (logits, targets) = (logits.into_dispatch(), targets.into_dispatch());
    Tensor::from_dispatch(<Dispatch as SequenceBackend>::cross_entropy_losses(logits, targets))
}

#[cfg(not(feature = "backend"))]
fn dispatch(_logits: Tensor<2>, _targets: Tensor<1, Int>) -> Tensor<1> {
    unreachable!("without a backend no operation is supported")
}
