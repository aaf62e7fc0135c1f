//! Weights from and to other recurrent layers.

mod burn_nn;

pub use burn_nn::UnsupportedOption;
