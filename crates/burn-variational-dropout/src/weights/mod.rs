//! Dropout of weights: what is asked, the masks that were drawn, and how a module carries them.

mod bind;
mod dropout;
mod masks;

pub use dropout::{DroppedWeights, WeightDropout};
pub use masks::{WeightMask, WeightMasks};
