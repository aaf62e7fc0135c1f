//! The long short-term memory.

mod equations;
pub(super) mod sequence;
pub(super) mod steps;

const GATES: usize = 4;
