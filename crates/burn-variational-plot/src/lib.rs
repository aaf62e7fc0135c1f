#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod axis;
mod line_chart;
mod picture;
mod predictive_band;
mod series;

pub use line_chart::{Curve, LineChart};
pub use predictive_band::PredictiveBand;

use std::error::Error;
use std::path::PathBuf;

/// Why a chart was not saved; an earlier file of its name is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is no point to draw.
    #[error("plot: there is no point to draw")]
    Empty,
    /// A coordinate is not finite, or not positive on a logarithmic axis, or a standard deviation
    /// is negative.
    #[error("plot: `{name}` cannot be drawn at ({x}, {y})")]
    Point {
        /// The curve, or the part of the chart, that holds the point.
        name: String,
        /// Where it is.
        x: f64,
        /// Its value there.
        y: f64,
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
