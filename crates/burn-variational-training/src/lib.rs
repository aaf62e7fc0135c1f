#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod atomic;
mod averaging;
mod buckets;
mod checkpoint;
mod clip;
mod decay;
mod difference;
mod model_file;
mod padded;
mod penalties;
mod random_lengths;
mod saved_model;
mod sgd;
#[cfg(feature = "dataset")]
mod stamps;
mod trigger;
mod windows;

pub use atomic::write_atomically;
pub use averaging::{NtAsgd, ParameterAverage};
pub use buckets::LengthBuckets;
pub use checkpoint::{CheckpointDir, CheckpointError};
pub use clip::{clip_global_norm, global_norm};
pub use decay::{Decay, Decayed, with_decays};
pub use difference::FieldDifference;
#[cfg(feature = "dataset")]
pub use padded::TokenBatcher;
pub use padded::{pad_features, pad_tokens};
pub use penalties::{activation_penalty, temporal_penalty};
pub use random_lengths::RandomLengths;
pub use saved_model::{SavedModelError, load_model, load_model_as, load_parameters, save_model};
pub use sgd::PlainSgd;
#[cfg(feature = "dataset")]
pub use stamps::{NumberedDataset, Stamped, StampedBatcher, StampedLoader};
pub use trigger::NonMonotone;
pub use windows::{TokenWindow, TokenWindows, WindowError};
