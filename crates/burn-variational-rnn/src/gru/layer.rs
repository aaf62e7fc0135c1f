//! Layers of the gated recurrent unit.

use crate::{GateInitializer, GruCell, GruCellConfig, RecurrentStack, StackConfig};

/// Gated recurrent unit layers with dropout masks repeated at every time step.
///
/// Should be created with [`VariationalGruConfig`]; see [`GruCell`] for the equations.
pub type VariationalGru = RecurrentStack<GruCell>;

/// Configuration of a [`VariationalGru`].
pub type VariationalGruConfig = StackConfig<GruCellConfig>;

impl VariationalGruConfig {
    /// One layer, batch first, without dropout, the reset gate acting after the product.
    pub fn new(d_input: usize, d_hidden: usize, bias: bool) -> Self {
        Self::from_cell(GruCellConfig::new(d_input, d_hidden, bias))
    }

    /// With the reset gate acting after the matrix product (`true`, the default) or before.
    pub fn with_reset_after(mut self, reset_after: bool) -> Self {
        self.cell.reset_after = reset_after;
        self
    }

    /// With weights and biases initialised so: a [`GateInitializer`], or one `Initializer` for all.
    pub fn with_initializer(mut self, initializer: impl Into<GateInitializer>) -> Self {
        self.cell.initializer = initializer.into();
        self
    }
}
