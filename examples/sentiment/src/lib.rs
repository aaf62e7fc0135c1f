//! Film reviews rated by a recurrent network with dropout of several kinds, as Gal & Ghahramani
//! (2016, section 5.2) do it, and how far its uncertainty can be trusted.

#![allow(clippy::print_stdout, reason = "a program prints its results")]

mod arguments;
mod checkpoint;
mod data;
mod evaluation;
mod foreign;
mod learner;
mod method;
mod model;
mod output;
mod pictures;
mod pieces;
mod prediction;
mod preset;
mod reviews;
mod texts;
mod training;
mod vocabulary;
pub mod writer;

use anyhow::Result;
use burn_variational::rnn::{GateInitializer, GruCellConfig, LstmCellConfig};

pub use arguments::{Arguments, CellName, DropoutName};
pub use method::Method;
pub use reviews::Review;

use arguments::Run;
use data::Data;
use output::OutputDir;
use training::Trainer;

/// Trains and evaluates what the command line asks for.
///
/// # Errors
///
/// If the reviews cannot be read, the backend is not there, the output folder is not ours or not
/// writable, a checkpoint does not fit, training diverges, or Ctrl-C was pressed.
pub fn run(arguments: &Arguments) -> Result<()> {
    let device = arguments.learner.devices(arguments.backend)?.swap_remove(0);
    let data = Data::load(arguments)?;
    let run = Run::new(arguments, &data);
    let output = OutputDir::open(&arguments.out, &run, arguments.resume)?;
    command_line::interrupt::watch()?;
    if arguments.resume
        && !output.has_checkpoints()
        && let Some(results) = output.results()?
    {
        output::print_table(&results);
        return Ok(());
    }
    eprintln!("{}", data.summary());
    let trainer =
        Trainer { run: &run, data: &data, output: &output, device, learner: arguments.learner };
    let mut methods = Vec::new();
    for &method in &run.methods {
        let method = match run.cell {
            CellName::Lstm => trainer.method(method, |d_input, d_hidden| {
                LstmCellConfig::new(d_input, d_hidden, true)
                    .with_initializer(GateInitializer::keras_lstm())
            }),
            CellName::Gru => trainer.method(method, |d_input, d_hidden| {
                GruCellConfig::new(d_input, d_hidden, true)
                    .with_initializer(GateInitializer::keras())
            }),
        };
        methods.push(method?);
    }
    output.finish(&methods, data.scale)?;
    let results: Vec<_> = methods.into_iter().map(|method| method.result).collect();
    output::print_table(&results);
    println!("\nresults.json and the pictures are in {}", arguments.out.display());
    Ok(())
}
