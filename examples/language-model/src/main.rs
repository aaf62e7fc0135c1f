//! Trains the language model of Zaremba et al. and of Gal & Ghahramani; see the README.

use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::run(language_model::run)
}
