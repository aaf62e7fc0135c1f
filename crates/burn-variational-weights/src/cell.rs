//! The weights of a cell, whatever framework they came from.

use burn::module::Param;
use burn::nn::activation::Activation;
use burn::tensor::Tensor;
use burn_variational_rnn::{GateWeights, GruCell, LstmCell, Recurrence, RecurrentCell, RnnCell};

use crate::layouts::parts::with;

/// The weights of all gates of a cell side by side, in the order of [`Recurrence`].
#[derive(Debug, Clone)]
pub struct CellWeights {
    /// `W`, `[d_input, n_gates · d_hidden]`.
    pub input: Tensor<2>,
    /// `U`, `[d_hidden, n_gates · d_hidden]`.
    pub recurrent: Tensor<2>,
    /// `b`, `[n_gates · d_hidden]`, if there are biases.
    pub bias: Option<Tensor<1>>,
    /// `b_hn`, `[d_hidden]`, of a GRU that resets after, if there are biases.
    pub candidate_bias: Option<Tensor<1>>,
}

/// A cell whose weights go from framework to framework.
pub trait PortableCell: RecurrentCell {
    /// Its recurrence.
    fn kind(&self) -> Recurrence;

    /// Whether its non-linearities are `σ` and `tanh`, which other frameworks' files take for
    /// granted.
    fn is_usual(&self) -> bool;

    /// Its weights.
    fn weights(&self) -> CellWeights;

    /// The same cell with these weights.
    ///
    /// # Panics
    ///
    /// If it has a bias that they have not, or they have one that it has not.
    fn with_weights(self, weights: CellWeights) -> Self;
}

fn is_sigmoid(activation: &Activation) -> bool {
    matches!(activation, Activation::Sigmoid(_))
}

fn is_tanh(activation: &Activation) -> bool {
    matches!(activation, Activation::Tanh(_))
}

fn weights_of(gates: &GateWeights) -> CellWeights {
    CellWeights {
        input: gates.input.val(),
        recurrent: gates.recurrent.val(),
        bias: gates.bias.as_ref().map(Param::val),
        candidate_bias: None,
    }
}

fn gates_with(gates: GateWeights, weights: &CellWeights) -> GateWeights {
    GateWeights {
        input: with(gates.input, weights.input.clone()),
        recurrent: with(gates.recurrent, weights.recurrent.clone()),
        bias: bias_with("bias", gates.bias, weights.bias.clone()),
    }
}

fn bias_with(
    field: &str,
    param: Option<Param<Tensor<1>>>,
    value: Option<Tensor<1>>,
) -> Option<Param<Tensor<1>>> {
    assert!(
        param.is_some() == value.is_some(),
        "CellWeights: {field} must be there if that of the cell is, and only then"
    );
    param.zip(value).map(|(param, value)| with(param, value))
}

impl PortableCell for LstmCell {
    fn kind(&self) -> Recurrence {
        Recurrence::Lstm
    }

    fn is_usual(&self) -> bool {
        is_sigmoid(&self.gate_activation)
            && is_tanh(&self.cell_activation)
            && is_tanh(&self.hidden_activation)
    }

    fn weights(&self) -> CellWeights {
        weights_of(&self.gates)
    }

    fn with_weights(self, weights: CellWeights) -> Self {
        Self { gates: gates_with(self.gates, &weights), ..self }
    }
}

impl PortableCell for GruCell {
    fn kind(&self) -> Recurrence {
        Recurrence::Gru { reset_after: self.reset_after }
    }

    fn is_usual(&self) -> bool {
        is_sigmoid(&self.gate_activation) && is_tanh(&self.hidden_activation)
    }

    fn weights(&self) -> CellWeights {
        let candidate_bias = self.candidate_bias.as_ref().map(Param::val);
        CellWeights { candidate_bias, ..weights_of(&self.gates) }
    }

    fn with_weights(self, weights: CellWeights) -> Self {
        let (param, value) = (self.candidate_bias, weights.candidate_bias.clone());
        Self {
            gates: gates_with(self.gates, &weights),
            candidate_bias: bias_with("candidate_bias", param, value),
            ..self
        }
    }
}

impl PortableCell for RnnCell {
    fn kind(&self) -> Recurrence {
        Recurrence::Rnn
    }

    fn is_usual(&self) -> bool {
        is_tanh(&self.hidden_activation)
    }

    fn weights(&self) -> CellWeights {
        weights_of(&self.gates)
    }

    fn with_weights(self, weights: CellWeights) -> Self {
        Self { gates: gates_with(self.gates, &weights), ..self }
    }
}
