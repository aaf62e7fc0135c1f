//! What Gal's own programs compute, by a derivation that shares no code with ours;
//! `golden/README.md` says how.

mod keras_fork;
mod language_model;

use burn::tensor::Device;
use burn_variational::prelude::*;
use cross_backend_tests::GoldenTensor;

/// A mask for each gate.
fn untied(masks: &[GoldenTensor], device: &Device) -> Vec<DropoutMask<2>> {
    masks.iter().map(|mask| DropoutMask::from_values(mask.on(device))).collect()
}
