//! The devices of the suite.

use burn::tensor::Device;

/// The CPU, through Burn's own kernels: always there, and what other backends are compared with.
///
/// # Panics
///
/// If it is not compiled in.
pub fn flex() -> Device {
    #[cfg(feature = "flex")]
    return Device::flex();
    #[cfg(not(feature = "flex"))]
    panic!("the suite needs its feature flex");
}

/// The CPU, through ndarray.
///
/// # Panics
///
/// If it is not compiled in.
pub fn ndarray() -> Device {
    #[cfg(feature = "ndarray")]
    {
        #[expect(deprecated, reason = "it is there until Burn drops it")]
        return Device::ndarray();
    }
    #[cfg(not(feature = "ndarray"))]
    panic!("the suite needs its feature ndarray");
}

/// The first adapter that wgpu finds, a software one if there is no GPU.
///
/// # Panics
///
/// If it is not compiled in, or there is no adapter.
pub fn wgpu() -> Device {
    #[cfg(feature = "wgpu")]
    {
        use burn::tensor::{DeviceKind, Tensor};

        let device = Device::wgpu(DeviceKind::default());
        let probe = device.clone();
        let works =
            std::panic::catch_unwind(move || Tensor::<1>::ones([1], &probe).into_scalar::<f32>());
        assert!(
            works.is_ok(),
            "no wgpu adapter: install a GPU driver, or software Vulkan as CONTRIBUTING.md says \
             (.ci/software-vulkan does it on Debian)"
        );
        return device;
    }
    #[cfg(not(feature = "wgpu"))]
    panic!("the suite needs its feature wgpu");
}

/// Whether a device is one of the CPU's.
pub(crate) fn is_cpu(device: &Device) -> bool {
    let cpus: &[fn() -> Device] = &[
        #[cfg(feature = "flex")]
        flex,
        #[cfg(feature = "ndarray")]
        ndarray,
    ];
    cpus.iter().any(|cpu| cpu() == *device)
}
