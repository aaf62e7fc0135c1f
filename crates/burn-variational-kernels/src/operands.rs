//! What the operations of a backend take, keep and give.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, ExtensionType};

/// A tensor that may not be there.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(any(feature = "wgpu", feature = "cuda")))]
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

/// Masks on what enters the gates: constants.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(any(feature = "wgpu", feature = "cuda")))]
pub(crate) enum Masks<B: Backend> {
    /// No mask.
    Identity,
    /// One for all gates, `[batch_size, units]`.
    Tied(FloatTensor<B>),
    /// One for each gate, `[n_gates, batch_size, units]`.
    Untied(FloatTensor<B>),
    /// One for all gates, another at every step, `[n_rows, units]`.
    TiedPerStep(FloatTensor<B>),
    /// One for each gate, another at every step, `[n_gates, n_rows, units]`.
    UntiedPerStep(FloatTensor<B>),
}

impl<B: Backend> Masks<B> {
    /// The same with other tensors.
    pub(crate) fn map<C: Backend>(
        self,
        f: impl FnOnce(FloatTensor<B>) -> FloatTensor<C>,
    ) -> Masks<C> {
        match self {
            Self::Identity => Masks::Identity,
            Self::Tied(mask) => Masks::Tied(f(mask)),
            Self::Untied(masks) => Masks::Untied(f(masks)),
            Self::TiedPerStep(mask) => Masks::TiedPerStep(f(mask)),
            Self::UntiedPerStep(masks) => Masks::UntiedPerStep(f(masks)),
        }
    }
}

/// A mask on what a step computes, unit by unit: a constant.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(any(feature = "wgpu", feature = "cuda")))]
pub(crate) enum OptionalMask<B: Backend> {
    /// No mask.
    Absent,
    /// The same at every step, `[batch_size, d_hidden]`.
    Repeated(FloatTensor<B>),
    /// Another at every step, `[n_rows, d_hidden]`.
    PerStep(FloatTensor<B>),
}

impl<B: Backend> OptionalMask<B> {
    /// The same with another tensor.
    pub(crate) fn map<C: Backend>(
        self,
        f: impl FnOnce(FloatTensor<B>) -> FloatTensor<C>,
    ) -> OptionalMask<C> {
        match self {
            Self::Absent => OptionalMask::Absent,
            Self::Repeated(mask) => OptionalMask::Repeated(f(mask)),
            Self::PerStep(mask) => OptionalMask::PerStep(f(mask)),
        }
    }
}

/// The masks on what a step computes, unit by unit.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(any(feature = "wgpu", feature = "cuda")))]
pub(crate) struct UnitMasks<B: Backend> {
    /// `z_c`, on the cell of an LSTM.
    #[extension_type]
    pub(crate) cell: OptionalMask<B>,
    /// `z_g`, on the candidate of an LSTM or a GRU.
    #[extension_type]
    pub(crate) candidate: OptionalMask<B>,
    /// `z_m`, on the hidden state of an LSTM where it is made.
    #[extension_type]
    pub(crate) hidden: OptionalMask<B>,
    /// `u_h`, the share of the hidden state that is new.
    #[extension_type]
    pub(crate) hidden_zoneout: OptionalMask<B>,
    /// `u_c`, the share of the cell of an LSTM that is new.
    #[extension_type]
    pub(crate) cell_zoneout: OptionalMask<B>,
}

impl<B: Backend> UnitMasks<B> {
    /// The same with other tensors.
    pub(crate) fn map<C: Backend>(
        self,
        f: impl Fn(FloatTensor<B>) -> FloatTensor<C>,
    ) -> UnitMasks<C> {
        UnitMasks {
            cell: self.cell.map(&f),
            candidate: self.candidate.map(&f),
            hidden: self.hidden.map(&f),
            hidden_zoneout: self.hidden_zoneout.map(&f),
            cell_zoneout: self.cell_zoneout.map(&f),
        }
    }
}

/// What is constant over a sequence: all inputs but the projected steps.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(any(feature = "wgpu", feature = "cuda")))]
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
    /// Those on what a step computes.
    #[extension_type]
    pub(crate) unit_masks: UnitMasks<B>,
}

/// The result of a forward pass and what the backward pass needs of it.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(any(feature = "flex", feature = "wgpu", feature = "cuda")),
    allow(dead_code, reason = "no kernel keeps or reads its own")
)]
pub(crate) struct SequenceTrace<B: Backend> {
    /// `h_t` of all steps, and the last cell of every row after them for an LSTM: `[n_rows (+
    /// batch_size), d_hidden]`.
    pub(crate) packed: FloatTensor<B>,
    /// Of a kernel: what the non-linearities of the gates gave, `[n_rows, n_gates · d_hidden]`. A
    /// simple RNN keeps none: its outputs are its gates. Of a remote device: the projected inputs.
    pub(crate) gates: Option<FloatTensor<B>>,
    /// Of a kernel, `[n_rows, d_hidden]`: the cells `c_t` of an LSTM, `(h_{t-1} ∘
    /// z_h) U_n + b_hn` of a GRU that resets after the product, `r ∘ h_{t-1} ∘ z_h` of one that
    /// resets before, and of a simple RNN with zoneout what the step computed, `ĥ_t`.
    pub(crate) inner: Option<FloatTensor<B>>,
    /// Of the generic body: the same of each step by itself. To join them would be a launch for
    /// each, and twice the memory.
    pub(crate) steps: Vec<StepTrace<B>>,
}

/// What the generic body keeps of a step.
#[derive(Debug, Clone)]
pub(crate) struct StepTrace<B: Backend> {
    /// The gates of a GRU, `[batch_size, d_hidden]` each, those of an LSTM side by side, and none of
    /// a simple RNN.
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

/// Which gradients of a sequence are asked for, beside that of the projected inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "any of the gradients goes without the others")]
pub(crate) struct SequenceNeeds {
    /// A matrix product.
    pub(crate) recurrent: bool,
    pub(crate) hidden: bool,
    pub(crate) cell: bool,
    pub(crate) candidate_bias: bool,
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
    /// `z_x`.
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
