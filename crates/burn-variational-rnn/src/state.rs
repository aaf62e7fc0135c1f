//! What a cell carries from step to step, by name.

use burn::nn::LstmState;
use burn::tensor::{Device, Tensor};

/// The state a cell carries: tensors `[batch_size, width]`, each with a name.
///
/// A state of your own needs [`map`](Self::map) and the names; the rest follows.
pub trait RecurrentState: Clone + std::fmt::Debug + Send {
    /// Every tensor of the state, by name, replaced by what `f` makes of it.
    fn map(self, f: &mut dyn FnMut(&'static str, Tensor<2>) -> Tensor<2>) -> Self;

    /// The same values cut off from the graph that made them: what a window of truncated
    /// backpropagation hands to the next.
    fn detach(self) -> Self {
        self.map(&mut |_, tensor| tensor.detach())
    }

    /// Every row as often as there are draws folded into a batch, draw after draw.
    fn repeat_draws(self, n_draws: usize) -> Self {
        self.map(&mut |_, tensor| tensor.repeat_dim(0, n_draws))
    }

    /// The same state on another device.
    fn to_device(self, device: &Device) -> Self {
        self.map(&mut |_, tensor| tensor.to_device(device))
    }
}

impl RecurrentState for LstmState<2> {
    fn map(self, f: &mut dyn FnMut(&'static str, Tensor<2>) -> Tensor<2>) -> Self {
        Self { cell: f("cell", self.cell), hidden: f("hidden", self.hidden) }
    }
}

/// The state of a cell that carries its output alone: the GRU and the simple RNN.
#[derive(Debug, Clone)]
pub struct HiddenState {
    /// `h_t`, `[batch_size, d_hidden]`.
    pub hidden: Tensor<2>,
}

impl HiddenState {
    /// This hidden state.
    pub fn new(hidden: Tensor<2>) -> Self {
        Self { hidden }
    }
}

impl RecurrentState for HiddenState {
    fn map(self, f: &mut dyn FnMut(&'static str, Tensor<2>) -> Tensor<2>) -> Self {
        Self { hidden: f("hidden", self.hidden) }
    }
}

/// The state of a stack: one entry for each layer, from the input up.
#[derive(Debug, Clone)]
pub struct StackState<S> {
    /// The state of each layer.
    pub layers: Vec<S>,
}

impl<S: RecurrentState> StackState<S> {
    fn map(self, f: impl FnMut(S) -> S) -> Self {
        Self { layers: self.layers.into_iter().map(f).collect() }
    }

    /// The same values cut off from the graph that made them.
    pub fn detach(self) -> Self {
        self.map(S::detach)
    }

    /// Every row as often as there are draws folded into a batch, draw after draw.
    pub fn repeat_draws(self, n_draws: usize) -> Self {
        self.map(|state| state.repeat_draws(n_draws))
    }

    /// The same state on another device.
    pub fn to_device(self, device: &Device) -> Self {
        self.map(|state| state.to_device(device))
    }
}
