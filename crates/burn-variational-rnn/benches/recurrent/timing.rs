//! Taking and showing a measurement.

use std::fmt::{self, Display, Formatter};
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::layers::{Layer, Shape};

/// A pass, ready to run.
pub(crate) type Run = Box<dyn Fn()>;

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
    /// The device with autodiff, if the pass goes back.
    pub(crate) fn on(self, device: &Device) -> Device {
        match self {
            Self::Forward => device.clone(),
            Self::Train => device.clone().autodiff(),
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
    /// Those of some layers, measured in turns.
    pub(crate) fn take(layers: &[Layer], shape: Shape, pass: Pass, device: &Device) -> Vec<Self> {
        let rounds = match shape.name {
            "small" => 41,
            "large" => 7,
            _ => 11,
        };
        let runs: Vec<_> = layers.iter().map(|layer| layer.prepare(shape, pass, device)).collect();
        let seconds = in_turns(&runs, rounds, device);
        let measurements = layers.iter().zip(&seconds);
        measurements.map(|(&layer, seconds)| Self::new(layer, shape, pass, seconds)).collect()
    }

    /// Whether both are of the same pass over the same layer.
    pub(crate) fn is_same_pass(&self, other: &Self) -> bool {
        self.system == other.system
            && self.variant == other.variant
            && self.shape == other.shape
            && self.pass == other.pass
    }

    fn new(layer: Layer, shape: Shape, pass: Pass, seconds: &[f64]) -> Self {
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

/// The seconds of all runs, each in order. They take turns, so that what slows the machine down for
/// a while is shared by all; each is warmed up before it is measured. A run ends when the device has
/// done all of it.
pub(crate) fn in_turns(runs: &[Run], rounds: usize, device: &Device) -> Vec<Vec<f64>> {
    let run_to_its_end = |run: &Run| {
        run();
        device.sync().expect("the device has done what it was asked");
    };
    let mut seconds = vec![Vec::with_capacity(rounds); runs.len()];
    for _ in 0..rounds {
        for (run, seconds) in runs.iter().zip(&mut seconds) {
            run_to_its_end(run);
            let start = Instant::now();
            run_to_its_end(run);
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    for seconds in &mut seconds {
        seconds.sort_by(f64::total_cmp);
    }
    seconds
}
