//! Measures of uncertainty are those of other libraries, and do not depend on how draws and
//! rows are cut into passes; `golden/README.md` says how their values were made.

mod classification;
mod passes;
mod regression;

use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
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

/// A model that gives what it was told to, draw after draw of all rows, under masks that do nothing.
struct Told {
    outputs: Vec<Tensor<3>>,
    next: AtomicUsize,
}

impl Told {
    fn new(outputs: Vec<Tensor<3>>) -> Self {
        Self { outputs, next: AtomicUsize::new(0) }
    }
}

impl VariationalModel for Told {
    type Input = Tensor<3>;
    type Masks = usize;
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> usize {
        drop(SiteDropout::new(0.5).sample([extent.batch_size(), 1], &draw, extent.device()));
        draw.n_draws()
    }

    fn run(&self, input: Tensor<3>, n_draws: &usize) -> Tensor<3> {
        let first = self.next.fetch_add(*n_draws, Ordering::Relaxed);
        let output = Tensor::cat(self.outputs[first..][..*n_draws].to_vec(), 0);
        assert_eq!(output.dims()[0], input.dims()[0], "all rows in every pass");
        output
    }
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
