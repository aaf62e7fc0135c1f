//! The reset gate before the product of the candidate, which is one of its own.

mod equations;
pub(in crate::cube) mod sequence;
pub(in crate::cube) mod steps;

/// The gates that read the state as it is: the reset and the update.
pub(in crate::cube) const RESETS: usize = 2;
