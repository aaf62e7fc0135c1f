//! Taking and showing a measurement.

use std::fmt::{self, Display, Formatter};
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::layers::{Layer, Shape};

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pass {
    /// The output, on a device without autodiff.
    Forward,
    /// The output, the mean of its squares, and the gradients of all weights.
    Train,
}

impl Pass {
    pub(crate) fn device(self) -> Device {
        match self {
            Self::Forward => Device::flex(),
            Self::Train => Device::flex().autodiff(),
        }
    }

    /// What follows the layer's output.
    pub(crate) fn finish(self, output: Tensor<3>) {
        if self == Self::Train {
            drop(output.square().mean().backward());
        }
    }
}

/// One line of figures, as other frameworks' are written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) system: String,
    pub(crate) variant: String,
    pub(crate) shape: String,
    pub(crate) pass: Pass,
    pub(crate) median_ms: f64,
    pub(crate) min_ms: f64,
    pub(crate) gflops: f64,
}

impl Measurement {
    pub(crate) fn take(layer: Layer, shape: Shape, pass: Pass) -> Self {
        let repeats = if shape.name == "small" { 41 } else { 11 };
        let seconds = time(&layer.prepare(shape, pass), repeats);
        let Shape { batch_size, seq_length, d_input, d_hidden, .. } = shape;
        let products = (d_input + d_hidden) * layer.n_gates() * d_hidden;
        let passes = if pass == Pass::Train { 3 } else { 1 };
        let flop = 2 * batch_size * seq_length * products * passes;
        let median = seconds[seconds.len() / 2];
        Self {
            system: layer.system().into(),
            variant: layer.name(),
            shape: shape.name.into(),
            pass,
            median_ms: median * 1e3,
            min_ms: seconds[0] * 1e3,
            gflops: flop as f64 / median / 1e9,
        }
    }
}

impl Display for Measurement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { system, variant, shape, pass, median_ms, min_ms, gflops } = self;
        let pass = format!("{pass:?}").to_lowercase();
        write!(
            f,
            "{shape:8}{pass:9}{system:18}{variant:30}{median_ms:10.2} ms{min_ms:10.2} ms\
             {gflops:8.1} GFLOP/s"
        )
    }
}

/// The seconds of several runs, in order, after two to warm up.
pub(crate) fn time(run: &dyn Fn(), repeats: usize) -> Vec<f64> {
    run();
    run();
    let mut seconds: Vec<f64> = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}
