//! Layers of the simple recurrent network.

use burn::module::Initializer;

use crate::{RecurrentStack, RnnCell, RnnCellConfig, StackConfig};

/// Simple recurrent layers with dropout masks repeated at every time step.
///
/// Should be created with [`VariationalRnnConfig`]; see [`RnnCell`] for the equation.
pub type VariationalRnn = RecurrentStack<RnnCell>;

/// Configuration of a [`VariationalRnn`].
pub type VariationalRnnConfig = StackConfig<RnnCellConfig>;

impl VariationalRnnConfig {
    /// One layer, batch first, without dropout.
    pub fn new(d_input: usize, d_hidden: usize, bias: bool) -> Self {
        Self::from_cell(RnnCellConfig::new(d_input, d_hidden, bias))
    }

    /// With weights and biases initialised so, each gate by itself.
    pub fn with_initializer(mut self, initializer: Initializer) -> Self {
        self.cell.initializer = initializer;
        self
    }
}
