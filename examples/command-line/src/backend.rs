//! The devices that are compiled in.

use anyhow::{Context, Result, ensure};
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
    pub fn device(self) -> Result<Device> {
        let name = self.name();
        devices::named(&name).with_context(|| {
            format!("--backend {name}: not compiled in; build with --features {name}")
        })
    }

    /// Whether it runs beside the program, which waits where it reads a number back.
    pub fn is_gpu(self) -> bool {
        matches!(self, Self::Wgpu | Self::Cuda)
    }

    /// So many devices of it. A CPU is as many as are asked for, which share its cores.
    ///
    /// # Errors
    ///
    /// If the backend is not compiled in, or has fewer.
    pub fn devices(self, n_devices: usize) -> Result<Vec<Device>> {
        let default = self.device()?;
        if n_devices == 1 || matches!(self, Self::Flex | Self::Ndarray) {
            return Ok(vec![default; n_devices]);
        }
        let mut found = devices::all_named(&self.name());
        let n_found = found.len();
        ensure!(n_found >= n_devices, "--devices {n_devices}: there are {n_found}");
        found.truncate(n_devices);
        Ok(found)
    }

    fn name(self) -> String {
        self.to_possible_value().expect("no backend is hidden").get_name().to_string()
    }
}
