//! What the programs among the examples share: how they begin and end, their backends, Ctrl-C,
//! progress and output folders.

mod backend;
pub mod interrupt;
#[cfg(feature = "train")]
pub mod learner;
mod output;
mod program;
mod progress;

pub use backend::BackendName;
pub use output::OutputDir;
pub use program::run;
pub use progress::TokenBar;
