#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod cell;
mod error;
mod files;
mod layouts;
mod tensors;
mod wanted;

pub use burn_variational_rnn::Recurrence;
pub use cell::{CellWeights, PortableCell};
pub use error::{Mismatch, WeightsError};
pub use layouts::keras::KerasWeights;
pub use layouts::pytorch::PytorchWeights;
pub use layouts::tensorflow::{load_tensorflow, to_tensorflow};
pub use layouts::{Change, Loaded};
pub use tensors::{LayerSettings, NamedTensors};
