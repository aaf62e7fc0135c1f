//! The gated recurrent unit.

mod cell;
mod layer;

pub use cell::{GruCell, GruCellConfig};
pub use layer::{VariationalGru, VariationalGruConfig};
