//! What a recurrent training loop needs beside Burn's own: clipping by the global norm, weight
//! decay apart from the learning rate, windows of truncated backpropagation, and checkpoints that
//! survive a kill.

#![doc(test(attr(deny(warnings))))]

mod atomic;
mod checkpoint;
mod clip;
mod decay;
mod sgd;
mod windows;

pub use atomic::write_atomically;
pub use checkpoint::{CheckpointDir, CheckpointError};
pub use clip::{clip_global_norm, global_norm};
pub use decay::{Decay, Decayed, with_decays};
pub use sgd::PlainSgd;
pub use windows::{TokenWindow, TokenWindows, WindowError};
