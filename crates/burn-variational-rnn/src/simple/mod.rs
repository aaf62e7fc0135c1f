//! The simple recurrent network.

mod cell;
mod layer;

pub use cell::{RnnCell, RnnCellConfig};
pub use layer::{VariationalRnn, VariationalRnnConfig};
