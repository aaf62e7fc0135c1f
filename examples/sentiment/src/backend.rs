//! The devices that are compiled in.

use anyhow::{Context, Result};
use burn::tensor::Device;
use burn_variational::devices;
use clap::ValueEnum;

use crate::BackendName;

/// The device of a backend.
///
/// # Errors
///
/// If the backend is not compiled in.
pub(crate) fn device(backend: BackendName) -> Result<Device> {
    let value = backend.to_possible_value().expect("no backend is hidden");
    let name = value.get_name();
    devices::named(name)
        .with_context(|| format!("--backend {name}: not compiled in; build with --features {name}"))
}
