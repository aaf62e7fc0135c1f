//! The non-linearities of a cell.

use burn::nn::activation::Activation;
use burn::tensor::Tensor;
use burn_variational_kernels::tanh;

/// What an activation makes of a gate.
pub(crate) fn activate(activation: &Activation, gate: Tensor<2>) -> Tensor<2> {
    if is_tanh(activation) { tanh(gate) } else { activation.forward(gate) }
}

/// Whether it is `σ`: the engine and other frameworks' files know no other for gates.
pub(crate) fn is_sigmoid(activation: &Activation) -> bool {
    matches!(activation, Activation::Sigmoid(_))
}

/// Whether it is `tanh`: the engine and other frameworks' files know no other for what a gate is of.
pub(crate) fn is_tanh(activation: &Activation) -> bool {
    matches!(activation, Activation::Tanh(_))
}
