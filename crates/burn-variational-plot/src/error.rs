//! What cannot be drawn.

use std::error::Error;
use std::path::PathBuf;

use crate::axis::is_drawable;
use crate::series::N_COLOURS;

/// Why a chart was not saved; an earlier file of its name is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is no point to draw.
    #[error("plot: there is no point to draw")]
    Empty,
    /// A coordinate is not finite, or not positive on a logarithmic axis, a standard deviation is
    /// negative, or a factor of a mask is not finite.
    #[error("plot: `{name}` cannot be drawn at ({x}, {y})")]
    Point {
        /// The curve, or the part of the chart, that holds the point.
        name: String,
        /// Where it is.
        x: f64,
        /// Its value there.
        y: f64,
    },
    /// An end of an interval, or of the range of a scale, is not finite, or the low one is above the
    /// high one.
    #[error("plot: `{name}` must be finite and from low to high, got {low} to {high}")]
    Interval {
        /// The interval.
        name: String,
        /// Its low end.
        low: f64,
        /// Its high end.
        high: f64,
    },
    /// A probability, or another share of a whole, is not one.
    #[error("plot: {share} of `{name}` must be in [0, 1], got {got}")]
    Share {
        /// The part of the chart.
        name: String,
        /// What it is the share of.
        share: &'static str,
        /// The value.
        got: f64,
    },
    /// A step of a mask has another number of units than the first.
    #[error("plot: `{name}` must have {units} units at every step, got {got} at step {step}")]
    Units {
        /// The mask.
        name: String,
        /// The units of its first step.
        units: usize,
        /// The step.
        step: usize,
        /// The units of this step.
        got: usize,
    },
    /// Masks have more factors than there are colours.
    #[error("plot: factors of masks must be at most {N_COLOURS}, got {n_factors}")]
    Factors {
        /// The factors other than 0, to two decimals.
        n_factors: usize,
    },
    /// The file could not be written, or the chart not be drawn.
    #[error("plot: cannot save {}: {source}", path.display())]
    Save {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system or the drawing library reported.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Refuses an interval that cannot be drawn, or of which the low end is above the high one.
pub(crate) fn check_interval(name: &str, low: f64, high: f64) -> Result<(), PlotError> {
    let refused = || PlotError::Interval { name: name.to_owned(), low, high };
    if is_drawable(low) && is_drawable(high) && low <= high { Ok(()) } else { Err(refused()) }
}

/// Refuses what is not a share of a whole, such as a probability.
pub(crate) fn check_share(name: &str, share: &'static str, got: f64) -> Result<(), PlotError> {
    let refused = || PlotError::Share { name: name.to_owned(), share, got };
    if (0.0..=1.0).contains(&got) { Ok(()) } else { Err(refused()) }
}
