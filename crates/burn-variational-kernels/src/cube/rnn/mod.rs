//! The simple recurrent network.

mod equations;
pub(super) mod sequence;
pub(super) mod steps;
