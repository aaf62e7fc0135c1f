//! Time of fifty draws of an LSTM for one sequence: folded into a batch, and one by one.
//!
//! Prints a JSON object a line: the `pass`, its `median_ms`, and the `ratio` of its time to that of
//! one draw a pass, the median over rounds in which they take turns.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use burn_variational_dropout::MaskRng;
use burn_variational_mc::MonteCarlo;
use burn_variational_rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};

const WIDTH: usize = 650;
const SEQ_LENGTH: usize = 35;
const N_DRAWS: usize = 50;
const ROUNDS: usize = 9;
const THREADS: usize = 2;

/// The seconds of a run to its end.
fn seconds(mc: &MonteCarlo, lstm: &VariationalLstm, input: &Tensor<3>) -> f64 {
    let start = Instant::now();
    let moments = mc.moments(lstm, input).expect("the layer draws masks");
    let _ = moments.mean().into_data();
    start.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global()?;
    let device = Device::flex();
    let lstm = VariationalLstmConfig::new(WIDTH, WIDTH, true)
        .with_dropout(StackDropout::variational(0.5, 0.5))
        .init(&device);
    let input = Tensor::random([1, SEQ_LENGTH, WIDTH], Distribution::Normal(0.0, 1.0), &device);
    let folded = MonteCarlo::new(N_DRAWS, MaskRng::seeded(1));
    // No pass holds less than one draw of one row.
    let one_by_one = folded.clone().with_max_bytes(1);
    let runs = [("one by one", one_by_one), ("folded", folded)];

    let rounds: Vec<Vec<f64>> = (0..=ROUNDS)
        .map(|_| runs.iter().map(|(_, mc)| seconds(mc, &lstm, &input)).collect())
        .collect();
    // The first one warms up.
    let rounds = &rounds[1..];
    for (k, (pass, _)) in runs.iter().enumerate() {
        let line = serde_json::json!({
            "pass": pass,
            "median_ms": 1e3 * median(rounds.iter().map(|round| round[k])),
            "ratio": median(rounds.iter().map(|round| round[k] / round[0])),
        });
        println!("{line}");
    }
    Ok(())
}
