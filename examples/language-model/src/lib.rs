//! A word-level language model with every kind of dropout: that of Zaremba et al. (2014), of Gal &
//! Ghahramani (2016), of AWD-LSTM with its training (Merity et al. 2017), and others.

#![allow(clippy::print_stdout, reason = "a program prints its results")]

mod arguments;
mod checkpoint;
mod corpus;
mod evaluation;
pub mod grammar;
mod learner;
mod method;
mod model;
mod output;
mod pass;
mod pictures;
mod preset;
mod rates;
mod recipe;
mod strange;
mod texts;
mod training;

use anyhow::Result;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};

pub use arguments::{Arguments, CellName, DropoutName, PresetName};
pub use method::Method;

use arguments::Run;
use corpus::Corpus;
use output::OutputDir;
use texts::Texts;
use training::Trainer;

/// Trains and evaluates what the command line asks for.
///
/// # Errors
///
/// If the data cannot be read, the backend is not there, the cell has nothing for the dropout to
/// drop, the output folder is not ours or not writable, a checkpoint does not fit, or Ctrl-C was
/// pressed.
pub fn run(arguments: &Arguments) -> Result<()> {
    let device = arguments.learner.devices(arguments.backend)?.swap_remove(0);
    let corpus = Corpus::load(arguments)?;
    let (run, left_out) = Run::new(arguments, &corpus)?;
    let texts = Texts::new(&corpus, &run)?;
    let output = OutputDir::open(&arguments.out, &run, arguments.resume)?;
    command_line::interrupt::watch()?;
    if arguments.resume
        && !output.has_checkpoints()
        && let Some(results) = output.results()?
    {
        output::print_table(&results);
        return Ok(());
    }
    for (method, reason) in left_out {
        eprintln!("{method} is left out: {reason}");
    }
    let learner = arguments.learner;
    let trainer = Trainer { run: &run, texts: &texts, output: &output, device, learner };
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
