#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

#[cfg(feature = "backend")]
mod autodiff;
mod cross_entropy;
#[cfg(feature = "backend")]
mod dispatch;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "backend")]
mod generic;
mod linear;
mod masks;
mod norm;
#[cfg(feature = "backend")]
mod operation;
mod projection;
mod recurrence;
mod sequence;
mod support;

pub use cross_entropy::cross_entropy;
pub use linear::linear;
pub use masks::SequenceMasks;
pub use norm::squared_norm;
pub use projection::Projection;
pub use recurrence::Recurrence;
pub use sequence::{Sequence, SequenceOutput};
