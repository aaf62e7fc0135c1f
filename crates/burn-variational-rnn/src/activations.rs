//! Which non-linearities are the usual ones: the engine and other frameworks' files know no other.

use burn::nn::activation::Activation;

/// Whether it is `σ`.
pub(crate) fn is_sigmoid(activation: &Activation) -> bool {
    matches!(activation, Activation::Sigmoid(_))
}

/// Whether it is `tanh`.
pub(crate) fn is_tanh(activation: &Activation) -> bool {
    matches!(activation, Activation::Tanh(_))
}
