//! Counts the kernels that a GPU is asked to launch for a training pass of a layer, a step and a
//! sequence.
//!
//! ```text
//! cargo bench -p burn-variational-rnn --bench launches --features wgpu             a table
//! cargo bench -p burn-variational-rnn --bench launches --features wgpu -- --json   an object a line
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use burn::tensor::{Device, DeviceKind, Tensor};
use burn_variational_dropout::{MaskRng, SequenceExtent, SiteDropout, VariationalModel};
use burn_variational_kernels::testing::{
    launches, without_engine, without_kernels, without_whole_sequences,
};
use burn_variational_rnn::{
    CellConfig, GruCellConfig, LayerDropout, LstmCellConfig, RecurrentLayer, RnnCellConfig,
};
use clap::Parser;
use serde_json::json;

const BATCH_SIZE: usize = 20;
const UNITS: usize = 128;

/// Counts launches.
#[derive(Parser)]
struct Arguments {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What runs the layer.
#[derive(Debug, Clone, Copy)]
enum Path {
    /// Whichever kernels take the layer.
    Kernels,
    /// Those of single steps.
    Steps,
    Generic,
    Plain,
}

impl Path {
    const ALL: [(&'static str, Self); 4] = [
        ("kernels", Self::Kernels),
        ("step kernels", Self::Steps),
        ("generic body", Self::Generic),
        ("plain", Self::Plain),
    ];

    fn run<R>(self, f: impl FnOnce() -> R) -> R {
        match self {
            Self::Kernels => f(),
            Self::Steps => without_whole_sequences(f),
            Self::Generic => without_kernels(f),
            Self::Plain => without_engine(f),
        }
    }
}

/// The launches of a training pass over so many steps, once to compile and once to count.
fn count<K: CellConfig>(
    config: &K,
    dropout: &LayerDropout,
    path: Path,
    seq_length: usize,
) -> usize {
    let device = Device::wgpu(DeviceKind::default()).autodiff();
    let layer = RecurrentLayer::new(config.init(&device), dropout.clone()).with_batch_first(false);
    let extent = SequenceExtent::new(BATCH_SIZE, seq_length, &device);
    let masks = layer.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("layer"));
    let input = Tensor::<3>::ones([seq_length, BATCH_SIZE, UNITS], &device).require_grad();
    let pass = || {
        let output = path.run(|| layer.forward(input.clone(), None, &masks).0);
        let gradients = path.run(|| output.square().mean().backward());
        // Fusion runs what was asked for.
        device.sync().expect("the device works");
        drop(gradients);
    };
    pass();
    launches(pass).1
}

fn print(arguments: &Arguments, cell: &str, config: &impl CellConfig) {
    const LENGTHS: [usize; 2] = [4, 8];
    let both = |site: SiteDropout| LayerDropout::none().with_input(site).with_recurrent(site);
    let half = SiteDropout::new(0.5);
    let dropouts = [
        ("none", LayerDropout::none()),
        ("tied", both(half)),
        ("untied", both(half.untied())),
        ("per step", both(half.per_step())),
        ("zoneout", LayerDropout::none().with_zoneout_hidden(0.5)),
    ];
    for (masks, dropout) in &dropouts {
        for (name, path) in Path::ALL {
            let [few, many] = LENGTHS.map(|steps| count(config, dropout, path, steps));
            let per_step = (many - few) as f64 / (LENGTHS[1] - LENGTHS[0]) as f64;
            let per_sequence = few as f64 - per_step * LENGTHS[0] as f64;
            if arguments.json {
                let line = json!({
                    "cell": cell, "masks": masks, "path": name,
                    "per_step": per_step, "per_sequence": per_sequence,
                });
                println!("{line}");
            } else {
                println!("{cell:18} {masks:9} {name:13} {per_step:6} {per_sequence:6}");
            }
        }
    }
}

fn main() {
    let arguments = Arguments::parse();
    let gru = || GruCellConfig::new(UNITS, UNITS, true);
    if !arguments.json {
        println!("{:18} {:9} {:13} {:>6} {:>6}", "cell", "masks", "path", "a step", "besides");
    }
    print(&arguments, "LSTM", &LstmCellConfig::new(UNITS, UNITS, true));
    print(&arguments, "GRU, reset after", &gru());
    print(&arguments, "GRU, reset before", &gru().with_reset_after(false));
    print(&arguments, "RNN", &RnnCellConfig::new(UNITS, UNITS, true));
}
