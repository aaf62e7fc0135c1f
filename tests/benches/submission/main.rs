//! Measures what it costs to ask a GPU for training: the kernels that are launched, and the time that
//! the threads of the CPU run which ask for them. Linux only.
//!
//! ```text
//! cargo bench -p cross-backend-tests --features wgpu --bench submission             two tables
//! cargo bench -p cross-backend-tests --features wgpu --bench submission -- --json   an object a line
//! ```
//!
//! Software Vulkan computes on threads of this process; they are told by their names and left out.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod language_model;
mod layer;
mod threads;

use std::collections::BTreeMap;

use burn::tensor::Device;
use burn_variational::devices;
use clap::Parser;
use cross_backend_tests::{launches, without_kernels, without_whole_sequences};
use serde_json::json;

use language_model::{Sizes, Training};
use threads::time_of;

/// Measures what it costs to ask a GPU for training.
#[derive(Parser)]
struct Arguments {
    /// The backend.
    #[arg(long, default_value = "wgpu")]
    device: String,
    /// Rows, steps and units of the layer.
    #[arg(long, num_args = 3, default_values_t = [128, 200, 128])]
    layer: Vec<usize>,
    /// Words, units, rows and steps of the language model.
    #[arg(long, num_args = 4, default_values_t = [2000, 200, 20, 35])]
    model: Vec<usize>,
    /// Passes of each path, one after the other path's.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is run on a path.
type Path = (&'static str, fn(&mut dyn FnMut()));

const GENERIC: Path = ("generic body", |f| without_kernels(f));
const STEPS: Path = ("step kernels", |f| without_whole_sequences(f));
const KERNELS: Path = ("kernels", |f| f());

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Software takes minutes for a pass.
fn say(round: u16, of: u16, path: &str) {
    eprintln!("round {round} of {of}: {path}");
}

fn print_layer(arguments: &Arguments, device: &Device) {
    let paths = [GENERIC, STEPS, KERNELS];
    let [batch_size, seq_length, units] = arguments.layer[..] else { unreachable!("clap checks") };
    let pass = layer::pass(device, [batch_size, seq_length, units]);
    let mut seconds = [const { Vec::new() }; 3];
    // The first round compiles.
    for round in 0..=arguments.rounds {
        for ((path, run), seconds) in paths.iter().zip(&mut seconds) {
            say(round, arguments.rounds, path);
            let ((), time) = time_of(|| run(&mut || pass()));
            if round > 0 {
                seconds.push(time.as_secs_f64());
            }
        }
    }
    let generic = seconds[0].clone();
    for ((path, run), seconds) in paths.iter().zip(seconds) {
        let ((), n_launches) = launches(|| run(&mut || pass()));
        let ratios = seconds.iter().zip(&generic).map(|(time, generic)| time / generic).collect();
        let (seconds, ratio) = (median(seconds), median(ratios));
        if arguments.json {
            let line = json!({
                "what": "layer", "path": path, "launches": n_launches, "seconds": seconds,
                "of_generic": ratio,
            });
            println!("{line}");
        } else {
            let ms = seconds * 1e3;
            println!("layer  {path:13} {n_launches:6} launches {ms:9.2} ms {ratio:7.3}");
        }
    }
}

fn print_language_model(arguments: &Arguments, device: &Device) {
    let [n_words, units, batch_size, seq_length] = arguments.model[..] else {
        unreachable!("clap checks")
    };
    let sizes = Sizes { n_words, units, batch_size, seq_length };
    for (path, run) in [GENERIC, KERNELS] {
        let mut training = Training::new(device, sizes);
        let mut found = BTreeMap::<&str, (usize, Vec<f64>)>::new();
        let mut parts = Vec::new();
        for round in 0..=arguments.rounds {
            say(round, arguments.rounds, path);
            run(&mut || {
                training.step(|part, body| {
                    let (((), n_launches), time) = time_of(|| launches(body));
                    if round == 0 {
                        parts.push(part);
                        return;
                    }
                    let (launches, seconds) = found.entry(part).or_default();
                    *launches = n_launches;
                    seconds.push(time.as_secs_f64());
                });
            });
        }
        for part in parts {
            let (n_launches, seconds) = found.remove(part).expect("every round runs it");
            let seconds = median(seconds);
            if arguments.json {
                let line = json!({
                    "what": part, "path": path, "launches": n_launches, "seconds": seconds,
                });
                println!("{line}");
            } else {
                let ms = seconds * 1e3;
                println!("{part:9} {path:13} {n_launches:6} launches {ms:9.2} ms");
            }
        }
    }
}

fn main() {
    let arguments = Arguments::parse();
    let name = &arguments.device;
    let device = devices::named(name).unwrap_or_else(|| panic!("{name}: it is not compiled in"));
    print_layer(&arguments, &device);
    print_language_model(&arguments, &device);
}
