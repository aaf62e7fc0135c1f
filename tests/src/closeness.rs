//! How close is close.

use burn::tensor::{Device, Tensor};

use crate::devices::is_cpu;

/// Relative error allowed on CPUs: a few dozen roundings of 2⁻²⁴ in a recurrence.
pub const CPU_TOLERANCE: f64 = 1e-5;

/// Relative error allowed on GPUs, whose exp and tanh may be off by several units in the last
/// place and whose sums run in another order.
pub const GPU_TOLERANCE: f64 = 1e-4;

/// Error allowed on CPUs of an element near zero, beside the relative one: a gradient of the golden
/// cases is a sum over 5 steps of 3 rows whose terms, each near 1 and a few roundings of 2⁻²⁴ off,
/// may cancel.
pub const CPU_ELEMENT_TOLERANCE: f64 = 4e-6;

/// The same on GPUs, in the proportion of the relative errors.
pub const GPU_ELEMENT_TOLERANCE: f64 = 4e-5;

/// The tolerance of a device.
pub fn tolerance(device: &Device) -> f64 {
    if is_cpu(device) { CPU_TOLERANCE } else { GPU_TOLERANCE }
}

/// `max |a - b| / max |b|`.
///
/// # Panics
///
/// If there is another number of values on one side.
pub fn relative_error(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len(), "as many values on both sides");
    let difference = got.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let (error, scale) = (largest(difference), largest(expected.iter().map(|b| b.abs())));
    if scale == 0.0 { error } else { error / scale }
}

/// The maximum, NaN if there is one: `f64::max` would let it vanish.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(
        0.0,
        |largest, value| {
            if value > largest || value.is_nan() { value } else { largest }
        },
    )
}

/// Asserts that a tensor has these values within a relative error, as [`relative_error`] has it.
///
/// # Panics
///
/// If it has not.
pub fn assert_close<const D: usize>(
    got: &Tensor<D>,
    expected: &[f64],
    tolerance: f64,
    what: impl std::fmt::Display,
) {
    let got: Vec<f64> = got.to_data().iter::<f64>().collect();
    let error = relative_error(&got, expected);
    assert!(error <= tolerance, "{what}: relative error {error:.1e} is over {tolerance:.0e}");
}

/// Asserts that each element of a tensor is within `atol + rtol · |v|` of its value `v`, where
/// `rtol` is the [`tolerance`] of the device and `atol` its [`CPU_ELEMENT_TOLERANCE`] or
/// [`GPU_ELEMENT_TOLERANCE`].
///
/// The bound on the tensor's maximum, as [`assert_close`] has it, says little of small elements.
///
/// # Panics
///
/// If one is not.
pub fn assert_elements_close<const D: usize>(
    got: &Tensor<D>,
    expected: &[f64],
    what: impl std::fmt::Display,
) {
    let device = got.device();
    let rtol = tolerance(&device);
    let atol = if is_cpu(&device) { CPU_ELEMENT_TOLERANCE } else { GPU_ELEMENT_TOLERANCE };
    let got: Vec<f64> = got.to_data().iter::<f64>().collect();
    assert_eq!(got.len(), expected.len(), "{what}: as many values on both sides");
    for (at, (got, want)) in got.iter().zip(expected).enumerate() {
        let (error, bound) = ((got - want).abs(), atol + rtol * want.abs());
        assert!(error <= bound, "{what}: element {at} is {got}, not {want} within {bound:.1e}");
    }
}
