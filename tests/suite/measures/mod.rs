//! Measures of uncertainty are those of other libraries, and do not depend on how draws and
//! rows are cut into passes; `golden/README.md` says how their values were made.

mod classification;
mod passes;
mod regression;

use burn::tensor::{Device, Tensor};
use cross_backend_tests::GoldenTensor;

/// Of values around 1, and relative of larger ones: a dozen roundings of 2⁻²⁴.
const TOLERANCE: f64 = 1e-6;

/// The draws of `[n_draws, ..]`.
fn draws<const D: usize>(of_file: &GoldenTensor, device: &Device) -> Vec<Tensor<D>> {
    let n_values: usize = of_file.shape[1..].iter().product();
    let draws = of_file.values.chunks(n_values).map(|values| {
        let draw = GoldenTensor { shape: of_file.shape[1..].to_vec(), values: values.to_vec() };
        draw.on(device)
    });
    draws.collect()
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// Asserts that each value is the expected one, within [`TOLERANCE`].
fn assert_measure<const D: usize>(got: &Tensor<D>, expected: &[f64], what: &str) {
    let got = values(got);
    assert_eq!(got.len(), expected.len(), "{what}: as many values on both sides");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got - expected).abs() / expected.abs().max(1.0);
        assert!(error <= TOLERANCE, "{what}: value {at} is {got}, not {expected}: {error:.1e}");
    }
}
