#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod activations;
mod cell;
mod direction;
mod engine;
mod gates;
mod gru;
mod initializer;
mod layer;
mod layer_masks;
mod layout;
mod lengths;
mod lstm;
mod masks;
mod orthogonal;
mod packed_masks;
mod packing;
mod per_layer;
mod place;
mod presets;
mod scan;
mod scheme;
mod sequence_batch;
mod simple;
mod sites;
mod stack;
mod state;
mod weights;
mod wrapper;

pub use cell::{CellConfig, RecurrentCell};
pub use direction::{Direction, Directions, MergeMode};
pub use engine::{EngineCell, EngineState};
pub use gates::GateWeights;
pub use gru::{GruCell, GruCellConfig, VariationalGru, VariationalGruConfig};
pub use initializer::GateInitializer;
pub use layer::RecurrentLayer;
pub use layer_masks::{LayerMasks, StackMasks, StepMasks};
pub use lengths::{Lengths, LengthsError};
pub use lstm::{LstmCell, LstmCellConfig, VariationalLstm, VariationalLstmConfig};
pub use masks::{GateMasks, SiteMasks};
pub use packed_masks::PackedMasks;
pub use scheme::{LayerDropout, StackDropout};
pub use sequence_batch::SequenceBatch;
pub use simple::{RnnCell, RnnCellConfig, VariationalRnn, VariationalRnnConfig};
pub use sites::{CellSite, ExpectedMask, WeightSite};
pub use stack::{RecurrentStack, StackConfig};
pub use state::{HiddenState, RecurrentState, StackState};
pub use weights::UnsupportedOption;
pub use wrapper::{DropoutWrapper, DropoutWrapperConfig, WrapperState};

pub use burn::nn::LstmState;
pub use burn_variational_kernels::Recurrence;
