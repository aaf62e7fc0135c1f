//! Where the engine runs, and what its operations check alike.

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Device};

/// Whether the engine was compiled for a device's backend, or is trusted to be on a remote device's
/// server: whether the operations of this crate take its kernels there, or plain tensor operations. It
/// is the one question that they all ask; [`Sequence::is_supported`](crate::Sequence::is_supported) and
/// [`Projection::is_supported`](crate::Projection::is_supported) ask more.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_kernels::has_engine;
///
/// assert!(has_engine(&Device::flex().autodiff()));
/// ```
pub fn has_engine(device: &Device) -> bool {
    #[cfg(feature = "testing")]
    if crate::testing::is_ruled_out() {
        return false;
    }
    match device.clone().without_autodiff().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        DispatchDevice::Cube(_) => true,
        #[cfg(feature = "remote")]
        remote @ DispatchDevice::Remote(_) => crate::remote::is_trusted(remote),
        #[allow(unreachable_patterns, reason = "what else there is depends on burn's features")]
        _ => false,
    }
}

pub(crate) fn check_sizes(name: &str, sizes: &[(&str, usize)]) {
    for (size, value) in sizes {
        assert!(*value > 0, "{name}: {size} must be positive, got 0");
    }
}

pub(crate) fn check_dims<const D: usize>(name: &str, dims: [usize; D], expected: [usize; D]) {
    assert!(dims == expected, "{name} must have dims {expected:?}, got {dims:?}");
}

/// Asserts that all tensors that are there have the element type of the first.
pub(crate) fn check_dtypes(
    name: &str,
    (first, expected): (&str, DType),
    others: &[(&str, Option<DType>)],
) {
    for (other, dtype) in others {
        if let Some(dtype) = dtype {
            assert!(
                *dtype == expected,
                "{name}: {other} must be {expected:?} as {first} is, got {dtype:?}"
            );
        }
    }
}
