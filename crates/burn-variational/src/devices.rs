//! The devices that are compiled in, by name, and those of servers.

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

/// All devices of a backend; none if it is not compiled in, or finds none.
///
/// # Example
///
/// ```
/// assert!(!burn_variational::devices::all_named("flex").is_empty());
/// ```
pub fn all_named(name: &str) -> Vec<Device> {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Device::enumerate(burn::tensor::DeviceType::Flex).into_vec(),
        #[cfg(feature = "ndarray")]
        "ndarray" => Device::enumerate(burn::tensor::DeviceType::NdArray).into_vec(),
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec(),
        #[cfg(feature = "cuda")]
        "cuda" => Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec(),
        _ => Vec::new(),
    }
}

/// Why there is no device at an address.
#[cfg(feature = "remote")]
#[derive(Debug, thiserror::Error)]
#[error("no device at {address}: {reason}")]
#[non_exhaustive]
pub struct RemoteError {
    /// The address.
    pub address: String,
    /// What Burn's client says.
    pub reason: burn::tensor::remote::ConnectError,
}

/// The first device of a Burn remote server at a WebSocket address such as `ws://host:3000`, with the
/// token that it asks for. What runs there is Burn's own protocol: any server of the same version of
/// Burn will do.
///
/// WebSocket is not encrypted; [`RemoteHost::iroh`](burn::tensor::remote::RemoteHost::iroh) is.
///
/// # Errors
///
/// If nothing answers there, or the server refuses the token.
///
/// # Example
///
/// ```no_run
/// use burn::tensor::Device;
/// use burn_variational::devices;
///
/// let gpu = devices::remote("ws://gpu:3000", Some("token"))?;
/// let both = [Device::flex(), gpu];
/// # let _ = both;
/// # Ok::<(), devices::RemoteError>(())
/// ```
#[cfg(feature = "remote")]
pub fn remote(address: &str, token: Option<&str>) -> Result<Device, RemoteError> {
    let host = burn::tensor::remote::RemoteHost::websocket(address);
    let host = match token {
        Some(token) => host.with_credential(token),
        None => host,
    };
    let device = Device::remote_options(&host).init();
    device.map_err(|reason| RemoteError { address: address.to_string(), reason })
}

/// The same device of a server that `devices::server` made, of this version of the crate: recurrent layers run
/// there by its engine, one operation a sequence, where plain ones send dozens for every step. That the
/// server is one is taken at your word.
///
/// # Errors
///
/// As [`remote`].
///
/// # Example
///
/// ```no_run
/// use burn_variational::devices;
///
/// let gpu = devices::remote_with_engine("ws://gpu:3000", Some("token"))?;
/// # let _ = gpu;
/// # Ok::<(), devices::RemoteError>(())
/// ```
#[cfg(feature = "remote")]
pub fn remote_with_engine(address: &str, token: Option<&str>) -> Result<Device, RemoteError> {
    let device = remote(address, token)?;
    burn_variational_kernels::trust_engine(&device);
    Ok(device)
}

#[cfg(feature = "remote-server")]
pub use burn_variational_kernels::server;
