#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]
// As in Burn: without a backend the dispatch has no arm, and what it would call no caller.
#![cfg_attr(
    not(any(
        feature = "flex",
        feature = "ndarray",
        feature = "wgpu",
        feature = "cuda",
        feature = "remote"
    )),
    allow(dead_code, unreachable_code, unused_imports, unused_macros, unused_variables)
)]

mod autodiff;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod cube;
mod dispatch;
mod embedding;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod factors;
#[cfg(feature = "flex")]
mod flex;
mod generic;
mod kernels;
mod linear_cross_entropy;
mod masks;
#[cfg(feature = "flex")]
pub mod memory;
mod operands;
mod projection;
mod recurrence;
#[cfg(feature = "remote")]
mod remote;
mod sequence;
mod side_by_side;
mod steps;
mod support;
mod tanh;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod vectors;

pub use embedding::embedding;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub use factors::{Bernoulli, FactorDims, RandomRow};
pub use linear_cross_entropy::linear_cross_entropy;
pub use masks::{SequenceMasks, UnitMask};
pub use projection::Projection;
pub use recurrence::Recurrence;
#[cfg(feature = "remote-server")]
pub use remote::server;
#[cfg(feature = "remote")]
pub use remote::trust_engine;
pub use sequence::{Sequence, SequenceOutput};
pub use side_by_side::side_by_side;
pub use steps::SequenceSteps;
pub use support::has_engine;
pub use tanh::tanh;
pub use vectors::{squared_norm, subtract_scaled};
