//! What the operations of a backend take, keep and give.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, ExtensionType};

/// A tensor that may not be there.
#[derive(Debug, Clone, ExtensionType)]
pub(crate) enum Optional<B: Backend> {
    /// No tensor.
    Absent,
    /// A tensor.
    Present(FloatTensor<B>),
}

impl<B: Backend> Optional<B> {
    /// As an option.
    pub(crate) fn into_option(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Absent => None,
            Self::Present(tensor) => Some(tensor),
        }
    }
}

impl<B: Backend> From<Option<FloatTensor<B>>> for Optional<B> {
    fn from(tensor: Option<FloatTensor<B>>) -> Self {
        tensor.map_or(Self::Absent, Self::Present)
    }
}

/// The recurrent masks: constants, repeated at every step.
#[derive(Debug, Clone, ExtensionType)]
pub(crate) enum Masks<B: Backend> {
    /// No mask.
    Identity,
    /// One for all gates, `[batch_size, d_hidden]`.
    Tied(FloatTensor<B>),
    /// One for each gate, `[n_gates, batch_size, d_hidden]`.
    Untied(FloatTensor<B>),
}

/// What is constant over a sequence: all inputs but the projected steps.
#[derive(Debug, Clone, ExtensionType)]
pub(crate) struct SequenceConstants<B: Backend> {
    /// `U`, `[d_hidden, n_gates · d_hidden]`.
    pub(crate) recurrent: FloatTensor<B>,
    /// `h_0`, `[batch_size, d_hidden]`.
    pub(crate) hidden: FloatTensor<B>,
    /// `c_0`, `[batch_size, d_hidden]`, of an LSTM.
    #[extension_type]
    pub(crate) cell: Optional<B>,
    /// `b_hn`, `[d_hidden]`, of a GRU that resets after the product.
    #[extension_type]
    pub(crate) candidate_bias: Optional<B>,
    /// `z_h`.
    #[extension_type]
    pub(crate) masks: Masks<B>,
    /// `z_c`, `[batch_size, d_hidden]`, of an LSTM.
    #[extension_type]
    pub(crate) cell_mask: Optional<B>,
}

/// The result of a forward pass and what the backward pass needs of it.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "flex"), allow(dead_code, reason = "no kernel keeps or reads its own"))]
pub(crate) struct SequenceTrace<B: Backend> {
    /// `h_t` of all steps, and the last cell of every row after them for an LSTM: `[n_rows (+
    /// batch_size), d_hidden]`.
    pub(crate) packed: FloatTensor<B>,
    /// Of a kernel: what the non-linearities of the gates gave, `[n_rows, n_gates · d_hidden]`. A simple RNN keeps none: its outputs are its gates.
    pub(crate) gates: Option<FloatTensor<B>>,
    /// Of a kernel, `[n_rows, d_hidden]`: the cells `c_t` of an LSTM, `(h_{t-1} ∘
    /// z_h) U_n + b_hn` of a GRU that resets after the product, `r ∘ h_{t-1} ∘ z_h` of one that
    /// resets before.
    pub(crate) inner: Option<FloatTensor<B>>,
    /// Of the generic body: the same of each step by itself. To join them would be a launch for
    /// each, and twice the memory.
    pub(crate) steps: Vec<StepTrace<B>>,
}

/// What the generic body keeps of a step.
#[derive(Debug, Clone)]
pub(crate) struct StepTrace<B: Backend> {
    /// The gates of a GRU, `[batch_size, d_hidden]` each, and those of an LSTM side by side.
    pub(crate) gates: Vec<FloatTensor<B>>,
    /// `[batch_size, d_hidden]`.
    pub(crate) inner: FloatTensor<B>,
}

/// The gradients of a backward pass. Those that nobody needs may be absent.
#[derive(Debug)]
pub(crate) struct SequenceGradients<B: Backend> {
    /// Of the projected inputs.
    pub(crate) projected: FloatTensor<B>,
    /// Of the recurrent weights.
    pub(crate) recurrent: Option<FloatTensor<B>>,
    /// Of the initial hidden state.
    pub(crate) hidden: Option<FloatTensor<B>>,
    /// Of the initial cell.
    pub(crate) cell: Option<FloatTensor<B>>,
    /// Of the candidate's bias.
    pub(crate) candidate_bias: Option<FloatTensor<B>>,
}

/// What a forward pass has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The packed result: no gradient will be asked for.
    Result,
    /// What the backward pass needs too.
    Trace,
}

/// What the projection of the inputs reads besides them.
#[derive(Debug, Clone, ExtensionType)]
pub(crate) struct ProjectionConstants<B: Backend> {
    /// `W`, `[d_input, n_gates · d_hidden]`.
    pub(crate) weights: FloatTensor<B>,
    /// `b`, `[n_gates · d_hidden]`.
    #[extension_type]
    pub(crate) bias: Optional<B>,
    /// `z_x`: `[batch_size, d_input]` if tied, `[n_gates, batch_size, d_input]` if not.
    #[extension_type]
    pub(crate) masks: Masks<B>,
}

/// The parameters of a linear layer over classes.
#[derive(Debug, Clone, ExtensionType)]
pub(crate) struct LinearParameters<B: Backend> {
    /// `W`, `[d_input, n_classes]`.
    pub(crate) weights: FloatTensor<B>,
    /// `b`, `[n_classes]`.
    #[extension_type]
    pub(crate) bias: Optional<B>,
}

/// What the backward pass of the cross-entropy of a linear layer needs besides its parameters.
#[derive(Debug, Clone)]
pub(crate) struct LinearCrossEntropyTrace<B: Backend> {
    /// `x`, `[rows, d_input]`.
    pub(crate) input: FloatTensor<B>,
    /// What the forward pass kept of the logits, `[rows, n_classes]`.
    pub(crate) kept: FloatTensor<B>,
    /// `[rows]`.
    pub(crate) targets: IntTensor<B>,
    /// The target of rows that are ignored.
    pub(crate) ignore_index: Option<i64>,
}

/// The gradients of a projection or a linear layer that were asked for.
#[derive(Debug)]
pub(crate) struct LinearGradients<B: Backend> {
    /// Of the inputs.
    pub(crate) input: Option<FloatTensor<B>>,
    /// Of the weights.
    pub(crate) weights: Option<FloatTensor<B>>,
    /// Of the bias.
    pub(crate) bias: Option<FloatTensor<B>>,
}

/// Which gradients of a projection or a linear layer are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinearNeeds {
    pub(crate) input: bool,
    pub(crate) weights: bool,
    pub(crate) bias: bool,
}
