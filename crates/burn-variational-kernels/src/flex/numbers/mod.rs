//! The numbers: the element types, the processor's instructions, and the non-linearities.

mod activation;
mod arch;
mod real;

pub(crate) use activation::{exp, mul_add, sigmoid, tanh};
#[cfg(test)]
pub(crate) use arch::PORTABLE;
pub(crate) use arch::{VECTOR, arch};
pub(crate) use real::Real;
