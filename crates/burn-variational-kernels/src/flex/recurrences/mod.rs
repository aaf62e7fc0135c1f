//! The recurrences: what each computes in a step, forward and backward, on slices.

mod entering;
pub(crate) mod gru;
mod kept;
pub(crate) mod lstm;
mod pointwise;
pub(crate) mod rnn;
mod unit_masks;

pub(crate) use unit_masks::UnitMasks;
