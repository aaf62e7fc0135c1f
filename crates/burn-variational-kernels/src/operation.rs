//! The operation as backends see it: its inputs, what it keeps, and the trait they implement.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, ExtensionType, TensorMetadata};

use crate::{Recurrence, generic};

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
pub(crate) struct Constants<B: Backend> {
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
pub(crate) struct Trace<B: Backend> {
    /// `h_1 … h_T`, and `c_T` after them for an LSTM: `[seq_length (+ 1), batch_size, d_hidden]`.
    pub(crate) packed: FloatTensor<B>,
    /// What the non-linearities of the gates gave, `[seq_length, batch_size, n_gates · d_hidden]`.
    /// A simple RNN keeps none: its outputs are its gates.
    pub(crate) gates: Option<FloatTensor<B>>,
    /// `[seq_length, batch_size, d_hidden]`: the cells `c_t` of an LSTM, `(h_{t-1} ∘ z_h) U_n +
    /// b_hn` of a GRU that resets after the product, `r ∘ h_{t-1} ∘ z_h` of one that resets before.
    pub(crate) inner: Option<FloatTensor<B>>,
}

/// The gradients of a backward pass. Those that nobody needs may be absent.
#[derive(Debug)]
pub(crate) struct Gradients<B: Backend> {
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
pub(crate) struct LossTrace<B: Backend> {
    /// `x`, `[rows, d_input]`.
    pub(crate) input: FloatTensor<B>,
    /// What the forward pass kept of the logits, `[rows, n_classes]`.
    pub(crate) kept: FloatTensor<B>,
    /// `[rows]`.
    pub(crate) targets: IntTensor<B>,
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

/// Forward and backward over a whole sequence. The provided methods are the generic body in
/// backend operations; a backend with a kernel of its own overrides them.
///
/// # Shapes
///
/// - projected: `[seq_length, batch_size, n_gates · d_hidden]`, both lengths at least 1
/// - the rest as documented on [`Constants`], [`Trace`] and [`Gradients`]
pub(crate) trait SequenceKernels: Backend {
    /// `(x_t ∘ z_x) W + b` for all steps: `[seq_length, batch_size, n_gates · d_hidden]`.
    fn project(
        input: FloatTensor<Self>,
        constants: &ProjectionConstants<Self>,
    ) -> FloatTensor<Self> {
        generic::project::<Self>(input, constants)
    }

    /// The gradients of [`project`](Self::project).
    fn project_backward(
        gradient: FloatTensor<Self>,
        input: FloatTensor<Self>,
        constants: &ProjectionConstants<Self>,
        needs: LinearNeeds,
    ) -> LinearGradients<Self> {
        generic::project_backward::<Self>(&gradient, input, constants, needs)
    }

    /// `Σ x²`, `[1]`.
    fn sum_of_squares(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        generic::sum_of_squares::<Self>(tensor)
    }

    /// `a - scale · b`.
    fn subtract_scaled(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f64,
    ) -> FloatTensor<Self> {
        generic::subtract_scaled::<Self>(a, b, scale)
    }

    /// Rows of `weights`, `[n_types, width]`, by `tokens`: `[batch_size, seq_length, width]`.
    fn embed(weights: &FloatTensor<Self>, tokens: &IntTensor<Self>) -> FloatTensor<Self> {
        Self::embedding(weights.clone(), tokens.clone())
    }

    /// The gradient of `weights`, given that of the rows.
    fn embed_backward(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        tokens: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::embedding_backward(weights, gradient, tokens)
    }

    /// `-log softmax(x_n W + b)[target_n]` of every row `n` of `[rows, d_input]`, as `[rows]`, and
    /// what the backward pass needs of the logits.
    fn linear_cross_entropy(
        input: FloatTensor<Self>,
        parameters: &LinearParameters<Self>,
        targets: &IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        generic::linear_cross_entropy::<Self>(input, parameters, targets)
    }

    /// The gradients of [`linear_cross_entropy`](Self::linear_cross_entropy), given that of each
    /// row's loss.
    fn linear_cross_entropy_backward(
        gradient: FloatTensor<Self>,
        trace: LossTrace<Self>,
        parameters: &LinearParameters<Self>,
        needs: LinearNeeds,
    ) -> LinearGradients<Self> {
        generic::linear_cross_entropy_backward::<Self>(gradient, trace, parameters, needs)
    }

    /// The gradient of the packed result, given that of the outputs `h_1 … h_T` in it: the same,
    /// and zeros for `c_T`.
    fn pack_gradient(gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        generic::pack_gradient::<Self>(gradient)
    }

    /// The packed result, when no gradient will be asked for.
    fn forward(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: Constants<Self>,
    ) -> FloatTensor<Self> {
        generic::forward::<Self>(recurrence, projected, &constants, Keep::Result).packed
    }

    /// The packed result and what the backward pass needs.
    fn forward_trace(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: &Constants<Self>,
    ) -> Trace<Self> {
        generic::forward::<Self>(recurrence, projected, constants, Keep::Trace)
    }

    /// The gradients, given that of the packed result. That of the recurrent weights, which is a
    /// matrix product, only if it is needed.
    fn backward(
        recurrence: Recurrence,
        gradient: FloatTensor<Self>,
        trace: Trace<Self>,
        constants: Constants<Self>,
        needs_recurrent: bool,
    ) -> Gradients<Self> {
        generic::backward::<Self>(recurrence, gradient, trace, &constants, needs_recurrent)
    }
}

/// The sizes of a sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) seq_length: usize,
    pub(crate) batch_size: usize,
    pub(crate) d_hidden: usize,
    pub(crate) n_gates: usize,
}

impl Sizes {
    /// Those of a sequence with this initial hidden state.
    pub(crate) fn new<B: Backend>(
        recurrence: Recurrence,
        seq_length: usize,
        hidden: &FloatTensor<B>,
    ) -> Self {
        let shape = hidden.shape();
        Self { seq_length, batch_size: shape[0], d_hidden: shape[1], n_gates: recurrence.n_gates() }
    }
}
