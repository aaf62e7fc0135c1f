//! The recurrences the engine knows.

/// The recurrences the engine knows. Gates lie side by side in this order, as in `PyTorch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurrence {
    /// Long short-term memory: gates `i f g o`.
    Lstm,
    /// Gated recurrent unit: gates `r z n`.
    Gru {
        /// Whether the reset gate acts after the product with `U_n` or before.
        reset_after: bool,
    },
    /// Simple recurrent network: one gate.
    Rnn,
}

impl Recurrence {
    /// The number of gates, which is that of untied masks.
    pub fn n_gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru { .. } => 3,
            Self::Rnn => 1,
        }
    }

    /// Whether a cell state is carried beside the hidden state.
    pub fn has_cell(self) -> bool {
        self == Self::Lstm
    }
}
