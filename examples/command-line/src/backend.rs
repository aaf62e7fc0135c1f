//! The devices that are compiled in.

use anyhow::{Context, Result};
use burn::tensor::Device;
use burn_variational::devices;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendName {
    /// The CPU, through Burn's own kernels.
    Flex,
    /// The CPU, through ndarray.
    Ndarray,
    /// Any GPU.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
}

impl BackendName {
    /// Its device.
    ///
    /// # Errors
    ///
    /// If the backend is not compiled in.
    #[allow(clippy::missing_panics_doc, reason = "every backend has a name")]
    pub fn device(self) -> Result<Device> {
        let value = self.to_possible_value().expect("no backend is hidden");
        let name = value.get_name();
        devices::named(name).with_context(|| {
            format!("--backend {name}: not compiled in; build with --features {name}")
        })
    }
}
