//! Where the engine runs, and what its operations check alike.

use burn::tensor::Device;

/// Whether the engine was compiled for a device's backend.
pub(crate) fn runs_on(device: &Device) -> bool {
    #[cfg(feature = "backend")]
    {
        use burn::backend::DispatchDevice;
        match device.clone().without_autodiff().as_dispatch() {
            #[cfg(feature = "flex")]
            DispatchDevice::Flex(_) => true,
            #[cfg(feature = "ndarray")]
            DispatchDevice::NdArray(_) => true,
            #[cfg(feature = "gpu")]
            DispatchDevice::Cube(_) => true,
            #[allow(unreachable_patterns, reason = "what else there is depends on burn's features")]
            _ => false,
        }
    }
    #[cfg(not(feature = "backend"))]
    {
        let _ = device;
        false
    }
}

pub(crate) fn check_dims<const D: usize>(name: &str, dims: [usize; D], expected: [usize; D]) {
    assert!(dims == expected, "{name} must have dims {expected:?}, got {dims:?}");
}
