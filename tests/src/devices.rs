//! The devices of the suite.

use burn::tensor::{Device, Tensor};
use burn_variational::devices::named;

fn compiled_in(name: &str) -> Device {
    named(name).unwrap_or_else(|| panic!("the suite needs its feature {name}"))
}

/// The CPU, through Burn's own kernels: always there, and what other backends are compared with.
///
/// # Panics
///
/// If it is not compiled in.
pub fn flex() -> Device {
    compiled_in("flex")
}

/// The CPU, through ndarray.
///
/// # Panics
///
/// If it is not compiled in.
pub fn ndarray() -> Device {
    compiled_in("ndarray")
}

/// The first adapter that wgpu finds, a software one if there is no GPU.
///
/// # Panics
///
/// If it is not compiled in, or there is no adapter.
pub fn wgpu() -> Device {
    let device = compiled_in("wgpu");
    assert!(
        works(&device),
        "no wgpu adapter: install a GPU driver, or software Vulkan as CONTRIBUTING.md says \
         (.ci/software-vulkan does it on Debian)"
    );
    device
}

/// The first GPU that CUDA finds.
///
/// # Panics
///
/// If it is not compiled in, or there is none.
pub fn cuda() -> Device {
    let device = compiled_in("cuda");
    assert!(works(&device), "no CUDA device: install NVIDIA's driver and the CUDA toolkit");
    device
}

/// A device is opened when it is first used.
fn works(device: &Device) -> bool {
    let probe = device.clone();
    std::panic::catch_unwind(move || Tensor::<1>::ones([1], &probe).into_scalar::<f32>()).is_ok()
}

/// Whether a device is one of the CPU's.
pub fn is_cpu(device: &Device) -> bool {
    ["flex", "ndarray"].into_iter().filter_map(named).any(|cpu| cpu == *device)
}
