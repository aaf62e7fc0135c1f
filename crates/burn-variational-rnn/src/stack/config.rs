//! How a stack is made.

use burn::config::Config;
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{CellConfig, Directions, MergeMode, RecurrentLayer, RecurrentStack, StackDropout};

/// Configuration of a [`RecurrentStack`] of cells of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackConfig<C> {
    /// The cell of the first layer; later layers differ in their input width.
    pub cell: C,
    /// The number of layers.
    pub n_layers: usize,
    /// What is dropped.
    pub dropout: StackDropout,
    /// Which ways every layer reads.
    #[serde(default)]
    pub directions: Directions,
    /// Whether sequences are `[batch_size, seq_length, units]` or
    /// `[seq_length, batch_size, units]`.
    pub batch_first: bool,
}

impl<C: std::fmt::Debug + Clone + Serialize + DeserializeOwned> Config for StackConfig<C> {}

impl<C: CellConfig> StackConfig<C> {
    /// One layer of this cell that reads forward, batch first, without dropout.
    pub fn from_cell(cell: C) -> Self {
        let (dropout, directions) = (StackDropout::none(), Directions::Forward);
        Self { cell, n_layers: 1, dropout, directions, batch_first: true }
    }

    /// With so many layers.
    pub fn with_n_layers(mut self, n_layers: usize) -> Self {
        self.n_layers = n_layers;
        self
    }

    /// With this dropout.
    pub fn with_dropout(mut self, dropout: StackDropout) -> Self {
        self.dropout = dropout;
        self
    }

    /// With layers that read these ways.
    pub fn with_directions(mut self, directions: Directions) -> Self {
        self.directions = directions;
        self
    }

    /// With layers that read both ways, side by side.
    pub fn bidirectional(self) -> Self {
        self.with_directions(Directions::Both(MergeMode::Concat))
    }

    /// With sequences `[batch_size, seq_length, units]` (`true`, the default) or
    /// `[seq_length, batch_size, units]` (`false`).
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// The stack.
    ///
    /// # Panics
    ///
    /// If there is no layer, a size is zero, a rate is not in `[0, 1)`, or a site is dropped that
    /// the cell does not read or in a way that it refuses, with the reason.
    pub fn init(&self, device: &Device) -> RecurrentStack<C::Cell> {
        assert!(self.n_layers > 0, "StackConfig: n_layers must be positive, got 0");
        let d_hidden = self.cell.d_hidden();
        let d_below = match self.directions {
            Directions::Both(merge) => merge.width(d_hidden),
            _ => d_hidden,
        };
        let dropout = self.dropout.clone().or(self.cell.dropout());
        let layers = || {
            let layers = (0..self.n_layers).map(|layer| {
                let cell = match layer {
                    0 => self.cell.clone(),
                    _ => self.cell.clone().with_d_input(d_below),
                };
                RecurrentLayer::new(cell.init(device), dropout.layer(layer, self.n_layers))
            });
            layers.collect()
        };
        let stack = match self.directions {
            Directions::Forward => RecurrentStack::new(layers()),
            Directions::Backward => RecurrentStack::backward(layers()),
            Directions::Both(merge) => RecurrentStack::both(layers(), layers(), merge),
        };
        stack.with_batch_first(self.batch_first)
    }
}
