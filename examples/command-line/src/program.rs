//! How a program begins and ends.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::interrupt::Stopped;

/// Reads the command line and does what it asks for. What is wrong with it is told in one line, and
/// ends with 2; what goes wrong later ends with 1, and Ctrl-C with 130.
pub fn run<A: Parser>(run: impl FnOnce(&A) -> Result<()>) -> ExitCode {
    let arguments = match A::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            // What is wrong and what would be right, without the usage below it.
            let message = error.to_string();
            let paragraph: Vec<_> = message.lines().take_while(|line| !line.is_empty()).collect();
            eprintln!("{}", paragraph.join(" ").replace("  ", " "));
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            // What a shell reports of a program that Ctrl-C ended.
            ExitCode::from(if error.is::<Stopped>() { 130 } else { 1 })
        }
    }
}
