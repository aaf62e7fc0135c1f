//! Recurrent layers whose dropout masks are drawn once a sequence and repeated at every time step.
//!
//! [`VariationalLstm`], [`VariationalGru`] and [`VariationalRnn`] are stacks of any depth over one
//! recurrence; a cell of your own that implements [`RecurrentCell`] gets the same. Masks are
//! values: `sample_masks` samples them from a draw, `forward` is a pure function of parameters,
//! input, state and masks.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_variational_dropout::{MaskRng, VariationalModel};
//! use burn_variational_rnn::{StackDropout, VariationalLstmConfig};
//!
//! let device = Device::flex();
//! let lstm = VariationalLstmConfig::new(4, 8, true)
//!     .with_n_layers(2)
//!     .with_dropout(StackDropout::variational(0.25, 0.5))
//!     .init(&device);
//! let input = Tensor::ones([3, 5, 4], &device);
//! let masks = lstm.masks_for(&input, MaskRng::seeded(1).draw(0).part("lstm"));
//!
//! let (output, state) = lstm.forward(input, None, &masks);
//! assert_eq!(output.dims(), [3, 5, 8]);
//! assert_eq!(state.layer(1).cell.dims(), [3, 8]);
//! ```
//!
//! Weights begin as those of `burn::nn`; [`GateInitializer`] has the defaults of PyTorch and Keras,
//! orthogonal recurrent weights and the bias of an LSTM's forget gate.
//!
//! # References
//!
//! Yarin Gal and Zoubin Ghahramani, *A Theoretically Grounded Application of Dropout in Recurrent
//! Neural Networks*, 2016, arXiv 1512.05287.

#![doc(test(attr(deny(warnings))))]

mod cell;
mod engine;
mod gates;
mod gru;
mod initializer;
mod layer;
mod layer_masks;
mod lstm;
mod masks;
mod orthogonal;
mod per_layer;
mod place;
mod scan;
mod scheme;
mod simple;
mod sites;
mod stack;
mod state;
mod weights;

pub use cell::{CellConfig, RecurrentCell};
pub use engine::{EngineCell, EngineState};
pub use gates::GateWeights;
pub use gru::{GruCell, GruCellConfig, VariationalGru, VariationalGruConfig};
pub use initializer::GateInitializer;
pub use layer::RecurrentLayer;
pub use layer_masks::{LayerMasks, StackMasks, StepMasks};
pub use lstm::{LstmCell, LstmCellConfig, VariationalLstm, VariationalLstmConfig};
pub use masks::{GateMasks, SiteMasks};
pub use scheme::{LayerDropout, StackDropout};
pub use simple::{RnnCell, RnnCellConfig, VariationalRnn, VariationalRnnConfig};
pub use sites::{CellSite, ExpectedMask};
pub use stack::{RecurrentStack, StackConfig};
pub use state::{HiddenState, RecurrentState, StackState};
pub use weights::UnsupportedOption;

pub use burn::nn::LstmState;
pub use burn_variational_kernels::Recurrence;
