//! Whether the intervals of a regression cover what they promise, on data whose noise is known.

mod coverage;
mod regression;

pub use coverage::{Coverage, ShareCovered};
pub use regression::{NOISE, Regression, Rows, inputs};
