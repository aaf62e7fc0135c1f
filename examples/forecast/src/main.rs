//! Forecasts a time series with error bars; see the README.

use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::run(forecast::run)
}
