//! Layers of the long short-term memory.

use crate::{GateInitializer, LstmCell, LstmCellConfig, RecurrentStack, StackConfig};

/// Long short-term memory layers with dropout masks repeated at every time step.
///
/// Should be created with [`VariationalLstmConfig`]; see [`LstmCell`] for the equations.
pub type VariationalLstm = RecurrentStack<LstmCell>;

/// Configuration of a [`VariationalLstm`].
pub type VariationalLstmConfig = StackConfig<LstmCellConfig>;

impl VariationalLstmConfig {
    /// One layer, batch first, without dropout.
    pub fn new(d_input: usize, d_hidden: usize, bias: bool) -> Self {
        Self::from_cell(LstmCellConfig::new(d_input, d_hidden, bias))
    }

    /// With weights and biases initialised so: a [`GateInitializer`], or one `Initializer` for all.
    pub fn with_initializer(mut self, initializer: impl Into<GateInitializer>) -> Self {
        self.cell.initializer = initializer.into();
        self
    }
}
