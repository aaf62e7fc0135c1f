//! What a cell carries from step to step, by name.

use burn::nn::LstmState;
use burn::tensor::{Device, Tensor};

use crate::per_layer::PerLayer;

/// The state a cell carries: tensors `[batch_size, width]`, each with a name.
///
/// A state of your own needs [`map`](Self::map) and the names; the rest follows.
pub trait RecurrentState: Clone + std::fmt::Debug + Send {
    /// Every tensor of the state, by name, replaced by what `f` makes of it.
    fn map(self, f: &mut dyn FnMut(&'static str, Tensor<2>) -> Tensor<2>) -> Self;

    /// Every tensor of the state, and its name.
    fn tensors(&self) -> Vec<(&'static str, Tensor<2>)> {
        let mut tensors = Vec::new();
        let _ = self.clone().map(&mut |name, tensor| {
            tensors.push((name, tensor.clone()));
            tensor
        });
        tensors
    }

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

/// The state of a stack: one entry for each layer and direction.
#[derive(Debug, Clone)]
pub struct StackState<S>(PerLayer<S>);

impl<S: RecurrentState> StackState<S> {
    /// The state of these layers, from the input up.
    pub fn new(layers: Vec<S>) -> Self {
        Self(PerLayer::forward(layers))
    }

    /// The state of layers that read both ways, from the input up: forward, backward.
    pub fn both(layers: Vec<(S, S)>) -> Self {
        Self(PerLayer::both(layers))
    }

    /// The number of layers.
    pub fn n_layers(&self) -> usize {
        self.0.n_layers()
    }

    /// The state of a layer, in its only direction or its forward one.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    pub fn layer(&self, layer: usize) -> &S {
        self.0.layer(layer)
    }

    /// The state of a layer in its backward direction, if it reads both ways.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    pub fn backward_layer(&self, layer: usize) -> Option<&S> {
        self.0.backward_layer(layer)
    }

    pub(crate) fn per_layer(&self) -> &PerLayer<S> {
        &self.0
    }

    /// The states of the layers, from the input up.
    pub(crate) fn into_layers(self) -> impl Iterator<Item = (S, Option<S>)> {
        self.0.into_layers()
    }

    /// The same values cut off from the graph that made them.
    pub fn detach(self) -> Self {
        Self(self.0.map(S::detach))
    }

    /// Every row as often as there are draws folded into a batch, draw after draw.
    pub fn repeat_draws(self, n_draws: usize) -> Self {
        Self(self.0.map(|state| state.repeat_draws(n_draws)))
    }

    /// The same state on another device.
    pub fn to_device(self, device: &Device) -> Self {
        Self(self.0.map(|state| state.to_device(device)))
    }
}
