#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

#[cfg(feature = "backend")]
mod autodiff;
#[cfg(feature = "backend")]
mod dispatch;
mod embedding;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "backend")]
mod generic;
#[cfg(feature = "backend")]
mod kernels;
mod linear_cross_entropy;
mod masks;
#[cfg(feature = "flex")]
pub mod memory;
#[cfg(feature = "backend")]
mod operands;
mod projection;
mod recurrence;
mod sequence;
mod support;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod vectors;

pub use embedding::embedding;
pub use linear_cross_entropy::linear_cross_entropy;
pub use masks::SequenceMasks;
pub use projection::Projection;
pub use recurrence::Recurrence;
pub use sequence::{Sequence, SequenceOutput};
pub use support::has_engine;
pub use vectors::{squared_norm, subtract_scaled};
