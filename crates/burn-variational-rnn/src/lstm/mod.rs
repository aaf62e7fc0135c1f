//! The long short-term memory.

mod cell;
mod layer;

pub use cell::{LstmCell, LstmCellConfig};
pub use layer::{VariationalLstm, VariationalLstmConfig};
