//! With what values the weights and biases of a cell begin.

use burn::config::Config;
use burn::module::Initializer;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::orthogonal::orthogonal;

/// With what values the weights of a cell's gates begin: input weights `W`, recurrent weights `U`
/// and bias `b` apart, and the forget gate's bias `b_f` of an LSTM.
///
/// Of `n` gates, `d_in` rows and `H = d_hidden` units a gate, the named schemes draw
///
/// | | `W` | `U` | `b` | `b_f` |
/// |---|---|---|---|---|
/// | [`burn`](Self::burn), the default | `N(0, 2 / (d_in + H))` | `N(0, 1 / H)` | `N(0, 2 / (d_in + H))` | as `b` |
/// | [`pytorch`](Self::pytorch) | `±1 / √H` | `±1 / √H` | `±1 / √H` | as `b` |
/// | [`keras`](Self::keras) | `±√(6 / (d_in + n H))` | `U Uᵀ = I` | 0 | as `b` |
/// | [`keras_lstm`](Self::keras_lstm) | `±√(6 / (d_in + 4 H))` | `U Uᵀ = I` | 0 | 1 |
///
/// where `N(0, v)` is the normal distribution of variance `v` and `±a` the uniform one on `[-a, a]`.
/// A plain [`Initializer`] converts into one that takes it for weights and bias alike, gate by
/// gate.
///
/// `U Uᵀ = I` is over all gates side by side in Keras: rows of length one, orthogonal to each
/// other, so that a gate's own `U_k` shrinks what it multiplies. Gate by gate, which is the
/// default, [`Initializer::Orthogonal`] makes each `U_k` orthogonal.
///
/// Every layer of a stack begins so. Where those frameworks have one bias for the input and one for
/// the recurrence and add the two, there is one here, drawn once: PyTorch's sum lies in `±2 / √H`
/// with twice the variance of this one. Only the candidate of a GRU whose reset gate acts after the
/// product has both, each drawn by itself.
///
/// # Example
///
/// Orthogonal recurrent weights for every gate, and a forget gate that begins open:
///
/// ```
/// use burn::module::Initializer;
/// use burn::tensor::Device;
/// use burn_variational_rnn::{GateInitializer, VariationalLstmConfig};
///
/// let initializer = GateInitializer::pytorch()
///     .with_recurrent_weights(Initializer::Orthogonal { gain: 1.0 })
///     .with_bias(Initializer::Zeros)
///     .with_forget_bias(1.0);
/// let lstm =
///     VariationalLstmConfig::new(3, 2, true).with_initializer(initializer).init(&Device::flex());
///
/// let bias = lstm.layers[0].cell.gates.bias.as_ref().unwrap().val();
/// assert_eq!(bias.into_data().try_to_vec::<f32>().unwrap(), [0., 0., 1., 1., 0., 0., 0., 0.]);
/// ```
///
/// # References
///
/// - Xavier Glorot and Yoshua Bengio, *Understanding the Difficulty of Training Deep Feedforward
///   Neural Networks*, 2010: the limits of [`burn`](Self::burn) and [`keras`](Self::keras).
/// - Andrew Saxe et al., *Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear
///   Neural Networks*, 2014, arXiv 1312.6120: orthogonal weights.
/// - Rafal Jozefowicz, Wojciech Zaremba and Ilya Sutskever, *An Empirical Exploration of Recurrent
///   Network Architectures*, 2015: a forget gate's bias of 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateInitializer {
    /// That of `W`.
    pub input_weights: Initializer,
    /// That of `U`.
    pub recurrent_weights: Initializer,
    /// That of `b`, gate by gate.
    pub bias: Initializer,
    /// The bias of an LSTM's forget gate, where it is not drawn as the others.
    pub forget_bias: Option<f64>,
    /// Whether the weights of all gates are drawn as one matrix `[d_in, n_gates · d_hidden]`, or
    /// each gate's `[d_in, d_hidden]` by itself. It sets the fan-out, and which matrix is
    /// orthogonal.
    pub fused: bool,
}

impl Config for GateInitializer {}

impl Default for GateInitializer {
    fn default() -> Self {
        Self::burn()
    }
}

impl From<Initializer> for GateInitializer {
    fn from(initializer: Initializer) -> Self {
        Self {
            input_weights: initializer.clone(),
            recurrent_weights: initializer.clone(),
            bias: initializer,
            forget_bias: None,
            fused: false,
        }
    }
}

impl GateInitializer {
    /// Burn's default for `burn::nn::Lstm`, `Gru` and `Rnn`: Glorot's normal one, gate by gate.
    pub fn burn() -> Self {
        Initializer::XavierNormal { gain: 1.0 }.into()
    }

    /// The default of PyTorch's `nn.LSTM`, `nn.GRU` and `nn.RNN`: all uniform in `±1 / √d_hidden`
    /// (<https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html>).
    pub fn pytorch() -> Self {
        // Kaiming's limit is gain · √(3 / fan), and the fan-out of one gate is d_hidden.
        Initializer::KaimingUniform { gain: 1.0 / 3.0_f64.sqrt(), fan_out_only: true }.into()
    }

    /// The default of Keras' `GRU` and `SimpleRNN`, and of its `LSTM` without `unit_forget_bias`:
    /// Glorot's uniform one and orthogonal rows, over the matrix of all gates, and no bias
    /// (<https://keras.io/api/layers/recurrent_layers/gru/>).
    pub fn keras() -> Self {
        Self {
            input_weights: Initializer::XavierUniform { gain: 1.0 },
            recurrent_weights: Initializer::Orthogonal { gain: 1.0 },
            bias: Initializer::Zeros,
            forget_bias: None,
            fused: true,
        }
    }

    /// The default of Keras' `LSTM`: [`keras`](Self::keras) with a forget gate's bias of 1
    /// (<https://keras.io/api/layers/recurrent_layers/lstm/>).
    pub fn keras_lstm() -> Self {
        Self::keras().with_forget_bias(1.0)
    }

    /// With this initialiser of `W`.
    pub fn with_input_weights(mut self, initializer: Initializer) -> Self {
        self.input_weights = initializer;
        self
    }

    /// With this initialiser of `U`.
    pub fn with_recurrent_weights(mut self, initializer: Initializer) -> Self {
        self.recurrent_weights = initializer;
        self
    }

    /// With this initialiser of `b`, the forget gate's among them if it has no value of its own.
    pub fn with_bias(mut self, initializer: Initializer) -> Self {
        self.bias = initializer;
        self
    }

    /// With this bias of an LSTM's forget gate, whatever the initialiser of the others. Cells
    /// without a forget gate or without a bias refuse it.
    pub fn with_forget_bias(mut self, value: f64) -> Self {
        self.forget_bias = Some(value);
        self
    }

    /// With the weights of all gates drawn as one matrix (`true`) or each gate's by itself
    /// (`false`).
    pub fn with_fused(mut self, fused: bool) -> Self {
        self.fused = fused;
        self
    }

    /// Weights of all gates side by side, `[d_in, n_gates · d_hidden]`.
    pub(crate) fn weights(
        &self,
        initializer: &Initializer,
        [d_in, d_hidden, n_gates]: [usize; 3],
        device: &Device,
    ) -> Tensor<2> {
        let (n_draws, width) =
            if self.fused { (1, n_gates * d_hidden) } else { (n_gates, d_hidden) };
        let draw = |_| match initializer {
            Initializer::Orthogonal { gain } => orthogonal([d_in, width], device).mul_scalar(*gain),
            other => other.init_with([d_in, width], Some(d_in), Some(width), device).into_value(),
        };
        Tensor::cat((0..n_draws).map(draw).collect(), 1)
    }

    /// Biases of `n_gates` gates, `[n_gates · d_hidden]`.
    ///
    /// # Panics
    ///
    /// If the initialiser is one of matrices, naming the owner.
    pub(crate) fn biases(
        &self,
        owner: &str,
        [d_in, d_hidden, n_gates]: [usize; 3],
        device: &Device,
    ) -> Tensor<1> {
        let initializer = &self.bias;
        assert!(
            !matches!(initializer, Initializer::Orthogonal { .. }),
            "{owner}: the initializer of the bias must be one of vectors, got {initializer:?}"
        );
        let (fan_in, fan_out) = (Some(d_in), Some(d_hidden));
        let draw =
            |_| initializer.init_with::<1, _>([d_hidden], fan_in, fan_out, device).into_value();
        Tensor::cat((0..n_gates).map(draw).collect(), 0)
    }
}

#[cfg(test)]
mod tests;
