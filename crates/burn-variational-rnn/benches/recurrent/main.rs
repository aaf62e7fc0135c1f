//! Times recurrent layers on the shapes of other frameworks' benchmarks.
//!
//! ```text
//! cargo bench -p burn-variational-rnn --bench recurrent                       a table
//! cargo bench -p burn-variational-rnn --bench recurrent -- --json             a JSON object a line
//! cargo bench -p burn-variational-rnn --bench recurrent -- --compare peers.jsonl
//! cargo bench -p burn-variational-rnn --bench recurrent -- --peers 'python peers.py'
//! cargo bench -p burn-variational-rnn --bench recurrent -- growth             against T, B and H
//! cargo bench -p burn-variational-rnn --bench recurrent -- away               against the plain path
//! cargo bench -p burn-variational-rnn --bench recurrent -- memory             kept for backward
//! cargo bench -p burn-variational-rnn --bench recurrent -- sequences          lengths, directions
//! cargo bench -p burn-variational-rnn --bench recurrent -- schemes            against tied masks
//! cargo bench -p burn-variational-rnn --bench recurrent --features cuda -- --device cuda
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod away;
mod compare;
mod growth;
mod layers;
mod memory;
mod ratios;
mod schemes;
mod sequences;
mod timing;

use std::path::PathBuf;

use burn::tensor::Device;
use clap::{Parser, ValueEnum};

use crate::layers::{Layer, Shape};
use crate::timing::{Measurement, Pass};

/// Times recurrent layers.
#[derive(Parser)]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value_t = Measure::Layers)]
    measure: Measure,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Compare with the figures of other frameworks, one JSON object a line.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    compare: Option<PathBuf>,
    /// Compare with what this command prints: other frameworks' figures, one JSON object a line. It
    /// is run with `--shapes NAME` before and after ours of each shape, so that a machine whose
    /// speed drifts is as fast for them as for us.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["compare", "json"])]
    peers: Option<String>,
    /// The shapes to time: sent, small, medium, large.
    #[arg(long, value_delimiter = ',', value_parser = Shape::parse)]
    shapes: Vec<Shape>,
    /// Time only layers whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// What the layers run on: flex, or wgpu or cuda if their features are on.
    #[arg(long, default_value = "flex", value_parser = device)]
    device: Device,
    /// Threads of the CPU backend.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// The picture that `growth` draws.
    #[arg(long, value_name = "FILE", default_value = "growth.png")]
    picture: PathBuf,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Measure {
    /// Layers on the shapes of other frameworks' benchmarks.
    Layers,
    /// One layer against sequence length, batch size and width.
    Growth,
    /// The engine against plain tensor operations on other shapes.
    Away,
    /// The memory that layers keep for their backward pass.
    Memory,
    /// What lengths and directions cost.
    Sequences,
    /// What each scheme of dropout costs beside tied masks.
    Schemes,
}

fn device(name: &str) -> Result<Device, String> {
    match name {
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::default())),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        _ => Err("it is not compiled in".into()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    match arguments.measure {
        Measure::Layers => layers(arguments)?,
        Measure::Growth => growth::print(&arguments.picture)?,
        Measure::Away => away::print(),
        Measure::Memory => memory::print(),
        Measure::Sequences => {
            for shape in shapes(&arguments.shapes) {
                sequences::print(shape, &arguments.only, &arguments.device);
            }
        }
        Measure::Schemes => {
            for shape in shapes(&arguments.shapes) {
                schemes::print(shape, &arguments.only, &arguments.device);
            }
        }
    }
    Ok(())
}

fn layers(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let read = arguments.compare.as_deref().map(compare::read).transpose()?;
    let mut beside = Vec::new();
    let shapes = shapes(&arguments.shapes);
    let mut measured = Vec::new();
    for shape in shapes {
        let chosen = |layer: &Layer| layer.name().contains(&arguments.only);
        let layers: Vec<_> = Layer::ALL.into_iter().filter(chosen).collect();
        let mut run_peers = || -> Result<(), String> {
            if let Some(command) = &arguments.peers {
                beside.extend(compare::run(command, shape.name)?);
            }
            Ok(())
        };
        run_peers()?;
        for pass in [Pass::Forward, Pass::Train] {
            for measurement in Measurement::take(&layers, shape, pass, &arguments.device) {
                if arguments.json {
                    println!("{}", serde_json::to_string(&measurement)?);
                } else {
                    println!("{measurement}");
                }
                measured.push(measurement);
            }
        }
        run_peers()?;
    }
    let beside = (!beside.is_empty()).then(|| compare::merge(&beside));
    if let Some(peers) = read.or(beside) {
        compare::print(&measured, &peers);
    }
    Ok(())
}

/// Those that were asked for, all if none was.
fn shapes(asked: &[Shape]) -> Vec<Shape> {
    if asked.is_empty() { Shape::ALL.to_vec() } else { asked.to_vec() }
}
