//! The devices that are compiled in.

use anyhow::{Result, bail};
use burn::tensor::Device;
use clap::ValueEnum;

use crate::BackendName;

/// The device of a backend.
///
/// # Errors
///
/// If the backend is not compiled in.
pub(crate) fn device(backend: BackendName) -> Result<Device> {
    match backend {
        #[cfg(feature = "flex")]
        BackendName::Flex => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[expect(deprecated, reason = "it is there until Burn drops it")]
        BackendName::Ndarray => Ok(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        BackendName::Wgpu => Ok(Device::wgpu(burn::tensor::DeviceKind::default())),
        #[cfg(feature = "cuda")]
        BackendName::Cuda => Ok(Device::cuda(0)),
        #[allow(unreachable_patterns, reason = "when every backend is compiled in")]
        missing => {
            let value = missing.to_possible_value().expect("no backend is hidden");
            let name = value.get_name();
            bail!("--backend {name}: not compiled in; build with --features {name}")
        }
    }
}
