//! A word-level language model with four kinds of dropout: none, naive (Zaremba et al. 2014),
//! variational with tied and with untied masks (Gal & Ghahramani 2016).

#![allow(clippy::print_stdout, reason = "a program prints its results")]

mod arguments;
mod backend;
mod checkpoint;
mod corpus;
mod evaluation;
pub mod grammar;
mod interrupt;
mod method;
mod model;
mod output;
mod preset;
mod progress;
mod training;

use anyhow::Result;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};

pub use arguments::{Arguments, BackendName, CellName, DropoutName, PresetName};
pub use interrupt::Stopped;

use arguments::Run;
use corpus::Corpus;
use output::OutputDir;
use training::{Texts, Trainer};

/// Trains and evaluates what the command line asks for.
///
/// # Errors
///
/// If the data cannot be read, the backend is not there, the output folder is not ours or not
/// writable, a checkpoint does not fit, or Ctrl-C was pressed.
pub fn run(arguments: &Arguments) -> Result<()> {
    let device = backend::device(arguments.backend)?;
    let corpus = Corpus::load(arguments)?;
    let run = Run::new(arguments, &corpus);
    let texts = Texts::new(&corpus, &run)?;
    let output = OutputDir::open(&arguments.out, &run, arguments.resume)?;
    interrupt::watch()?;
    if arguments.resume
        && !output.has_checkpoints()
        && let Some(results) = output.results()?
    {
        output::print_table(&results);
        return Ok(());
    }
    let trainer = Trainer { run: &run, texts: &texts, output: &output, device };
    let mut methods = Vec::new();
    for &method in &run.methods {
        let method = match run.cell {
            CellName::Lstm => trainer
                .method(method, |d_input, d_hidden| LstmCellConfig::new(d_input, d_hidden, true)),
            CellName::Gru => trainer
                .method(method, |d_input, d_hidden| GruCellConfig::new(d_input, d_hidden, true)),
            CellName::Rnn => trainer
                .method(method, |d_input, d_hidden| RnnCellConfig::new(d_input, d_hidden, true)),
        };
        methods.push(method?);
    }
    output.finish(&methods)?;
    let results: Vec<_> = methods.into_iter().map(|method| method.result).collect();
    output::print_table(&results);
    println!("\nresults.json and learning-curves.png are in {}", arguments.out.display());
    Ok(())
}
