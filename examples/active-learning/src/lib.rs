//! Which rows to label next, on a machine that seldom fails.

mod experiment;
mod model;
mod readings;
mod summary;

pub use experiment::{Experiment, LearningCurve, Strategy};
pub use readings::Readings;
pub use summary::{Comparison, MeanInterval};
