//! Forecasts a time series with error bars; see the README.

use std::process::ExitCode;

use clap::Parser;
use forecast::Arguments;

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
    match forecast::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}
