//! Layers of the simple recurrent network.

use crate::{GateInitializer, RecurrentStack, RnnCell, RnnCellConfig, StackConfig};

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

    /// With weights and biases initialised so: a [`GateInitializer`], or one `Initializer` for all.
    pub fn with_initializer(mut self, initializer: impl Into<GateInitializer>) -> Self {
        self.cell.initializer = initializer.into();
        self
    }
}
