//! Rates film reviews as Gal & Ghahramani (2016) do; see the README.

use std::process::ExitCode;

use clap::Parser;
use sentiment::{Arguments, Stopped};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            // One line: what is wrong and what would be right, without the usage below it.
            let message = error.to_string();
            let paragraph: Vec<_> = message.lines().take_while(|line| !line.is_empty()).collect();
            eprintln!("{}", paragraph.join(" ").replace("  ", " "));
            return ExitCode::from(2);
        }
    };
    match sentiment::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            // What a shell reports of a program that Ctrl-C ended.
            ExitCode::from(if error.is::<Stopped>() { 130 } else { 1 })
        }
    }
}
