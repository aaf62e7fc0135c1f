//! The operations in backend operations alone: for every backend without a kernel of its own, and
//! for float types a kernel does not know.

mod activations;
#[cfg(all(test, feature = "flex"))]
mod against_loops;
#[cfg(all(test, feature = "flex"))]
mod against_the_kernel;
#[cfg(all(test, feature = "flex"))]
mod cases;
mod gru;
mod linear_cross_entropy;
mod lstm;
mod outputs;
mod projection;
mod rnn;
mod sequence;
mod side_by_side;
mod steps;
mod unit_masks;
mod vectors;
mod weights;

pub(crate) use self::linear_cross_entropy::{linear_cross_entropy, linear_cross_entropy_backward};
pub(crate) use self::outputs::{outputs, outputs_backward};
pub(crate) use self::projection::{projection, projection_backward};
pub(crate) use self::sequence::{sequence, sequence_backward};
pub(crate) use self::side_by_side::{side_by_side, side_by_side_backward};
pub(crate) use self::vectors::{squared_norm, subtract_scaled};
