#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

#[cfg(feature = "backend")]
mod autodiff;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "backend")]
mod generic;
mod masks;
#[cfg(feature = "backend")]
mod operation;
mod projection;
mod recurrence;
mod sequence;
mod support;

pub use masks::SequenceMasks;
pub use projection::Projection;
pub use recurrence::Recurrence;
pub use sequence::{Sequence, SequenceOutput};
