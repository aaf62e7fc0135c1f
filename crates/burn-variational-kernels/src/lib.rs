#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

#[cfg(feature = "backend")]
mod autodiff;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "backend")]
mod generic;
#[cfg(feature = "backend")]
mod operation;
mod recurrence;
mod sequence;

pub use recurrence::Recurrence;
pub use sequence::{Sequence, SequenceMasks, SequenceOutput};
