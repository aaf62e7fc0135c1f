#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod axis;
mod canvas;
mod line_chart;
mod mask_grid;
mod picture;
mod predictive_band;
mod series;

pub use line_chart::{Curve, LineChart};
pub use mask_grid::{MaskGrid, MaskScheme};
pub use predictive_band::PredictiveBand;

use std::error::Error;
use std::path::PathBuf;

use series::N_COLOURS;

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
