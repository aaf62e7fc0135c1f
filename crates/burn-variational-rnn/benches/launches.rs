//! Counts the kernels that a GPU is asked to launch for a training pass: for a step, for the operation
//! of a sequence besides its steps, and for a layer besides them, whose inputs are projected too. The
//! loss is not counted.
//!
//! ```text
//! cargo bench -p burn-variational-rnn --bench launches --features wgpu             a table
//! cargo bench -p burn-variational-rnn --bench launches --features wgpu -- --json   an object a line
//! cargo bench -p burn-variational-rnn --bench launches --features wgpu -- --names  which kernels
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use burn::tensor::{Device, DeviceKind, Tensor};
use burn_variational_dropout::{MaskRng, SequenceExtent, SiteDropout, VariationalModel};
use burn_variational_kernels::testing::{
    launched, without_engine, without_kernels, without_whole_sequences,
};
use burn_variational_kernels::{Recurrence, Sequence, SequenceMasks, UnitMask};
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
    /// The backend.
    #[arg(long, value_parser = device, default_value = "wgpu")]
    device: Device,
    /// Steps of the longer of two sequences; the other has four.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(5..))]
    seq_length: u16,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Print the kernels of the layer in order, for each cell and path with tied masks.
    #[arg(long)]
    names: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn device(name: &str) -> Result<Device, String> {
    match name {
        "wgpu" => Ok(Device::wgpu(DeviceKind::default())),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        _ => Err("it is no GPU that is compiled in".into()),
    }
}

/// What runs the layer.
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// Which masks there are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Masking {
    None,
    Tied,
    Untied,
    PerStep,
    Zoneout,
}

impl Masking {
    const ALL: [(&'static str, Self); 5] = [
        ("none", Self::None),
        ("tied", Self::Tied),
        ("untied", Self::Untied),
        ("per step", Self::PerStep),
        ("zoneout", Self::Zoneout),
    ];

    fn of_layer(self) -> LayerDropout {
        let both = |site: SiteDropout| LayerDropout::none().with_input(site).with_recurrent(site);
        let half = SiteDropout::new(0.5);
        match self {
            Self::None => LayerDropout::none(),
            Self::Tied => both(half),
            Self::Untied => both(half.untied()),
            Self::PerStep => both(half.per_step()),
            Self::Zoneout => LayerDropout::none().with_zoneout_hidden(0.5),
        }
    }

    fn of_sequence(self, sequence: Sequence, n_gates: usize, ones: &Ones<'_>) -> Sequence {
        let (of_batch, of_all) = ([BATCH_SIZE, UNITS], [ones.seq_length * BATCH_SIZE, UNITS]);
        match self {
            Self::None => sequence,
            Self::Tied => sequence.with_masks(SequenceMasks::Tied(ones.of(of_batch))),
            Self::Untied => {
                let masks = ones.of([n_gates, BATCH_SIZE, UNITS]);
                sequence.with_masks(SequenceMasks::Untied(masks))
            }
            Self::PerStep => sequence.with_masks(SequenceMasks::TiedPerStep(ones.of(of_all))),
            Self::Zoneout => sequence.with_hidden_zoneout(UnitMask::PerStep(ones.of(of_all))),
        }
    }
}

/// Tensors of ones for sequences of so many steps.
struct Ones<'a> {
    device: &'a Device,
    seq_length: usize,
}

impl Ones<'_> {
    fn of<const D: usize>(&self, dims: [usize; D]) -> Tensor<D> {
        Tensor::ones(dims, self.device)
    }

    /// Of all steps.
    fn steps(&self, width: usize) -> Tensor<3> {
        self.of([self.seq_length, BATCH_SIZE, width]).require_grad()
    }

    /// The kernels of `f` and its way back, run once to compile and once to be noted. Fusion puts
    /// kernels off until the device is waited for.
    fn kernels(&self, f: impl Fn() -> Tensor<3>) -> Vec<&'static str> {
        let pass = || {
            // One number: a sum over all takes more kernels of more of them.
            drop(f().slice([0..1, 0..1, 0..1]).backward());
            self.device.sync().expect("the device works");
        };
        pass();
        launched(pass).1
    }

    /// Those of a layer.
    fn of_layer(&self, config: &impl CellConfig, masking: Masking, path: Path) -> Vec<&str> {
        let layer = RecurrentLayer::new(config.init(self.device), masking.of_layer());
        let layer = layer.with_batch_first(false);
        let extent = SequenceExtent::new(BATCH_SIZE, self.seq_length, self.device);
        let masks = layer.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("layer"));
        let input = self.steps(UNITS);
        path.run(|| self.kernels(|| layer.forward(input.clone(), None, &masks).0))
    }

    /// Those of the operation alone.
    fn of_sequence(&self, recurrence: Recurrence, masking: Masking, path: Path) -> Vec<&str> {
        let (n_gates, state) = (recurrence.n_gates(), || self.of([BATCH_SIZE, UNITS]));
        let recurrent = self.of([UNITS, n_gates * UNITS]).require_grad();
        let sequence = Sequence::new(recurrence, recurrent, state());
        let sequence = match recurrence {
            Recurrence::Lstm => sequence.with_cell(state()),
            Recurrence::Gru { reset_after: true } => {
                sequence.with_candidate_bias(self.of([UNITS]).require_grad())
            }
            _ => sequence,
        };
        let sequence = masking.of_sequence(sequence, n_gates, self);
        let projected = self.steps(n_gates * UNITS);
        path.run(|| self.kernels(|| sequence.clone().run(projected.clone()).outputs))
    }
}

fn print(arguments: &Arguments, cell: &str, config: &impl CellConfig, recurrence: Recurrence) {
    let device = arguments.device.clone().autodiff();
    let lengths = [4, usize::from(arguments.seq_length)];
    let ones = lengths.map(|seq_length| Ones { device: &device, seq_length });
    let outputs = ones[0].steps(UNITS);
    let of_loss = ones[0].kernels(|| outputs.clone()).len();
    // A step's own, and what is left besides the steps and the loss.
    let apart = |counts: [usize; 2]| {
        let [few, many] = counts.map(|n| n as f64);
        let per_step = (many - few) / (lengths[1] - lengths[0]) as f64;
        (per_step, few - per_step * lengths[0] as f64 - of_loss as f64)
    };
    for (masks, masking) in Masking::ALL {
        for (name, path) in Path::ALL {
            let layers = ones.each_ref().map(|ones| ones.of_layer(config, masking, path));
            if arguments.names {
                if masking == Masking::Tied {
                    println!("{cell}, {name}:\n    {}", layers[1].join("\n    "));
                }
                continue;
            }
            let (per_step, per_layer) = apart(layers.map(|kernels| kernels.len()));
            let per_sequence = (path != Path::Plain).then(|| {
                let sequences = ones.each_ref();
                apart(sequences.map(|ones| ones.of_sequence(recurrence, masking, path).len())).1
            });
            if arguments.json {
                let line = json!({
                    "cell": cell, "masks": masks, "path": name, "per_step": per_step,
                    "per_sequence": per_sequence, "per_layer": per_layer,
                });
                println!("{line}");
            } else {
                let per_sequence = per_sequence.map_or_else(String::new, |n| n.to_string());
                println!(
                    "{cell:18} {masks:9} {name:13} {per_step:6} {per_sequence:>10} {per_layer:7}"
                );
            }
        }
    }
}

fn main() {
    let arguments = Arguments::parse();
    let gru = || GruCellConfig::new(UNITS, UNITS, true);
    if !arguments.json && !arguments.names {
        println!("{:18} {:9} {:13} a step a sequence a layer", "cell", "masks", "path");
    }
    let lstm = LstmCellConfig::new(UNITS, UNITS, true);
    print(&arguments, "LSTM", &lstm, Recurrence::Lstm);
    print(&arguments, "GRU, reset after", &gru(), Recurrence::Gru { reset_after: true });
    let before = gru().with_reset_after(false);
    print(&arguments, "GRU, reset before", &before, Recurrence::Gru { reset_after: false });
    print(&arguments, "RNN", &RnnCellConfig::new(UNITS, UNITS, true), Recurrence::Rnn);
}
