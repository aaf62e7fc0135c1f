#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

#[cfg(feature = "backend")]
mod autodiff;
mod cross_entropy;
#[cfg(feature = "backend")]
mod dispatch;
mod embedding;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "backend")]
mod generic;
mod linear;
mod masks;
#[cfg(feature = "backend")]
mod operation;
mod projection;
mod recurrence;
mod sequence;
mod support;
mod vectors;

pub use cross_entropy::cross_entropy;
pub use embedding::embedding;
pub use linear::linear;
pub use masks::SequenceMasks;
pub use projection::Projection;
pub use recurrence::Recurrence;
pub use sequence::{Sequence, SequenceOutput};
pub use vectors::{squared_norm, subtract_scaled};
