//! Intervals by the errors that were made on data of their own.

mod adaptive;
mod quantile;
mod split;

pub use adaptive::{AdaptiveConformal, AdaptiveInterval};
pub use split::{NormalisedConformal, SplitConformal};
