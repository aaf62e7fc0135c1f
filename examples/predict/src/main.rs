//! Answers JSON lines with forecasts and their uncertainty; see the README.

mod arguments;
mod lines;
mod messages;
mod service;

use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::run(service::serve)
}
