//! Rates film reviews as Gal & Ghahramani (2016) do; see the README.

use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::run(sentiment::run)
}
