//! The operations on tensors: buffers made, kernels called.

mod embedding;
mod linear_cross_entropy;
mod outputs;
mod projection;
mod sequence;
mod sequence_backward;
mod side_by_side;
mod vectors;

pub(crate) use embedding::embedding_backward;
pub(crate) use linear_cross_entropy::{linear_cross_entropy, linear_cross_entropy_backward};
pub(crate) use outputs::outputs_backward;
pub(crate) use projection::{projection, projection_backward};
pub(crate) use sequence::sequence;
pub(crate) use sequence_backward::sequence_backward;
pub(crate) use side_by_side::{side_by_side, side_by_side_backward};
pub(crate) use vectors::{squared_norm, subtract_scaled};
