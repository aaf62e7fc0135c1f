//! The engine against plain tensor operations away from the shapes of other benchmarks.

use burn::tensor::Device;
use burn_variational_kernels::testing::{Operation, engine_runs};

use crate::layers::{Layer, Masks, Shape};
use crate::timing::{Pass, in_turns};

/// Prints one JSON object a line: the shape, both medians and their ratio.
pub(crate) fn print() {
    for d_hidden in [96, 300, 1024] {
        for batch_size in [1, 7, 64] {
            let shape = Shape::new("away", [batch_size, 50, d_hidden, d_hidden]);
            for pass in [Pass::Forward, Pass::Train] {
                let before = engine_runs(Operation::Sequence);
                let engine = median_ms(Layer::Lstm(Masks::Tied), shape, pass);
                assert!(engine_runs(Operation::Sequence) > before, "the engine ran");
                let before = engine_runs(Operation::Sequence);
                let plain = median_ms(Layer::LstmPlainPath, shape, pass);
                assert_eq!(engine_runs(Operation::Sequence), before, "plain operations ran");
                println!(
                    "{{\"H\": {d_hidden}, \"B\": {batch_size}, \"pass\": \"{pass:?}\", \
                     \"engine_ms\": {engine:.3}, \"plain_ms\": {plain:.3}, \"ratio\": {:.3}}}",
                    engine / plain
                );
            }
        }
    }
}

fn median_ms(layer: Layer, shape: Shape, pass: Pass) -> f64 {
    const ROUNDS: usize = 9;
    let device = Device::flex();
    let [seconds] = &in_turns(&[layer.prepare(shape, pass, &device)], ROUNDS, &device)[..] else {
        unreachable!("one run, its times")
    };
    seconds[ROUNDS / 2] * 1e3
}
