//! The devices that are compiled in, by name.

use burn::tensor::Device;

/// The names of the backends that are compiled in.
///
/// # Example
///
/// ```
/// assert!(burn_variational::devices::names().contains(&"flex"));
/// ```
pub fn names() -> Vec<&'static str> {
    ["flex", "ndarray", "wgpu", "cuda"].into_iter().filter(|name| named(name).is_some()).collect()
}

/// The default device of a backend, or nothing if it is not compiled in.
///
/// Nothing is opened before the device is first used: a GPU that is not there shows then.
pub fn named(name: &str) -> Option<Device> {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Some(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[expect(deprecated, reason = "it is there until Burn drops it")]
        "ndarray" => Some(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(Device::wgpu(burn::tensor::DeviceKind::default())),
        #[cfg(feature = "cuda")]
        "cuda" => Some(Device::cuda(0)),
        _ => None,
    }
}
