//! An LSTM layer by the engine: sequences, and single steps or rows, as a stream of inputs asks for
//! them, beside the same in plain tensor operations.
//!
//! ```text
//! cargo bench -p burn-variational-kernels --bench engine                    on two threads
//! cargo bench -p burn-variational-kernels --bench engine -- 8               on eight
//! cargo bench -p burn-variational-kernels --bench engine -- streaming       the second only
//! ```
//!
//! One line for each shape, `batch size x steps x input x units`: the medians in milliseconds.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant;

use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor};
use burn_variational_kernels::{Projection, Recurrence, Sequence};

/// Batch size, steps, width of the input and units, and rounds.
const SEQUENCES: [([usize; 4], usize); 4] = [
    ([128, 200, 128, 128], 15),
    ([20, 35, 200, 200], 61),
    ([20, 35, 650, 650], 15),
    ([20, 35, 1500, 1500], 7),
];

const STREAMING: [([usize; 4], usize); 8] = [
    ([1, 1, 128, 128], 401),
    ([1, 1, 200, 200], 401),
    ([1, 1, 650, 650], 101),
    ([1, 1, 1500, 1500], 41),
    ([20, 1, 650, 650], 61),
    ([20, 1, 1500, 1500], 21),
    ([1, 35, 650, 650], 21),
    ([1, 35, 1500, 1500], 11),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let n_threads = arguments.iter().find_map(|argument| argument.parse().ok());
    rayon::ThreadPoolBuilder::new().num_threads(n_threads.unwrap_or(2)).build_global()?;
    let named = |mode: &str| arguments.iter().any(|argument| argument == mode);
    let both = !named("sequences") && !named("streaming");
    if both || named("sequences") {
        for (sizes, rounds) in SEQUENCES {
            print(sizes, rounds, false);
        }
    }
    if both || named("streaming") {
        for (sizes, rounds) in STREAMING {
            print(sizes, rounds, true);
        }
    }
    Ok(())
}

/// Prints the medians of a shape: forward alone, and with the gradients of the weights.
fn print(sizes: [usize; 4], rounds: usize, with_plain: bool) {
    let [batch_size, seq_length, d_input, d_hidden] = sizes;
    print!("{batch_size} x {seq_length} x {d_input} x {d_hidden}:");
    for (pass, device) in [("forward", Device::flex()), ("train", Device::flex().autodiff())] {
        let layer = Layer::new(sizes, &device);
        let (engine, plain) = (|| layer.engine(), || layer.plain());
        if with_plain {
            let [engine, plain] = medians(rounds, [&engine, &plain]);
            print!("  {pass} engine {engine:.3} plain {plain:.3}");
        } else {
            print!("  {pass} engine {:.3}", medians(rounds, [&engine])[0]);
        }
    }
    println!();
}

/// The medians of all, run in turns.
fn medians<const N: usize>(rounds: usize, runs: [&dyn Fn(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..=rounds {
        for (run, times) in runs.iter().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.map(|mut times| {
        // The first warms up.
        times.remove(0);
        times.sort_by(f64::total_cmp);
        times[rounds / 2]
    })
}

/// A layer and its input.
struct Layer {
    input: Tensor<3>,
    weights: Tensor<2>,
    bias: Tensor<1>,
    recurrent: Tensor<2>,
    state: Tensor<2>,
    tracked: bool,
}

impl Layer {
    fn new([batch_size, seq_length, d_input, d_hidden]: [usize; 4], device: &Device) -> Self {
        let tracked = device.is_autodiff();
        // Neither gates nor gradients saturate.
        let small = |rows: usize| {
            let weights = Tensor::<2>::full([rows, 4 * d_hidden], 0.1 / rows as f32, device);
            if tracked { weights.require_grad() } else { weights }
        };
        Self {
            input: Tensor::ones([seq_length, batch_size, d_input], device),
            weights: small(d_input),
            bias: Tensor::zeros([4 * d_hidden], device),
            recurrent: small(d_hidden),
            state: Tensor::zeros([batch_size, d_hidden], device),
            tracked,
        }
    }

    fn engine(&self) {
        let Self { input, weights, bias, recurrent, state, .. } = self;
        let projection = Projection::new(weights.clone()).with_bias(bias.clone());
        let sequence = Sequence::new(Recurrence::Lstm, recurrent.clone(), state.clone());
        let projected = projection.run(input.clone());
        self.back(sequence.with_cell(state.clone()).run(projected).outputs);
    }

    fn plain(&self) {
        let [seq_length, batch_size, d_input] = self.input.dims();
        let [d_hidden, width] = self.recurrent.dims();
        let rows = self.input.clone().reshape([seq_length * batch_size, d_input]);
        let projected = rows.matmul(self.weights.clone()) + self.bias.clone().unsqueeze();
        let (mut h, mut c) = (self.state.clone(), self.state.clone());
        let mut outputs = Vec::new();
        for t in 0..seq_length {
            let x = projected.clone().slice([t * batch_size..(t + 1) * batch_size, 0..width]);
            let gates = x + h.matmul(self.recurrent.clone());
            let gate =
                |k: usize| gates.clone().slice([0..batch_size, k * d_hidden..(k + 1) * d_hidden]);
            c = sigmoid(gate(1)) * c + sigmoid(gate(0)) * tanh(gate(2));
            h = sigmoid(gate(3)) * tanh(c.clone());
            outputs.push(h.clone());
        }
        self.back(Tensor::stack(outputs, 0));
    }

    /// The gradients of the weights, if they are asked for.
    fn back(&self, outputs: Tensor<3>) {
        if self.tracked {
            let gradients = outputs.sum().backward();
            assert!(self.recurrent.grad(&gradients).is_some());
        }
    }
}
