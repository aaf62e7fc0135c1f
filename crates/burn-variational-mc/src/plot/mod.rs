//! Pictures of results: plain numbers in, a PNG file out.
//!
//! | Picture | Shows |
//! |---|---|
//! | [`LineChart`] | learning curves and other lines, with an optional horizontal reference |
//! | [`PredictiveBand`] | a one-dimensional regression with its predictive uncertainty |
//!
//! A picture is 960 by 600 pixels. Its font is part of the program, so no system font is needed,
//! and its colours can be told apart by colour-blind readers. A file is replaced in one step, so
//! that a picture can be saved anew after every epoch while it is open in a viewer.
//!
//! # Example
//!
//! ```
//! use burn_variational_mc::plot::{Curve, LineChart};
//!
//! let train = vec![(1.0, 420.0), (2.0, 190.0), (3.0, 120.0)];
//! let valid = vec![(1.0, 310.0), (2.0, 170.0), (3.0, 130.0)];
//! let path = std::env::temp_dir().join("learning-curves-example.png");
//! LineChart::new("Learning curves", "epoch", "perplexity")
//!     .with_curve(Curve::new("LSTM, train", 0, train).dashed())
//!     .with_curve(Curve::new("LSTM, valid", 0, valid))
//!     .with_log_y()
//!     .save(&path)?;
//! assert!(path.exists());
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), burn_variational_mc::plot::PlotError>(())
//! ```

mod axis;
mod canvas;
mod frame;
mod line_chart;
mod png_file;
mod predictive_band;

pub use line_chart::{Curve, LineChart};
pub use predictive_band::PredictiveBand;

use std::path::PathBuf;

/// Why a picture was not saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is no point to draw.
    #[error("plot: there is no point to draw")]
    Empty,
    /// A coordinate or a standard deviation is NaN or infinite.
    #[error("plot: `{name}` has a value that is not finite at index {index}")]
    NotFinite {
        /// The curve, or the part of the picture, that holds the value.
        name: String,
        /// Position of the value in it.
        index: usize,
    },
    /// A value that must be positive is not: any `y` on a logarithmic axis.
    #[error("plot: `{name}` has a value that is not positive at index {index}, on a log axis")]
    NotPositive {
        /// The curve, or the part of the picture, that holds the value.
        name: String,
        /// Position of the value in it.
        index: usize,
    },
    /// A standard deviation is negative.
    #[error("plot: `{name}` has a negative standard deviation at index {index}")]
    NegativeDeviation {
        /// The part of the picture that holds the value.
        name: String,
        /// Position of the value in it.
        index: usize,
    },
    /// Two lists that go together differ in length.
    #[error("plot: `{name}` must have {expected} values, got {actual}")]
    LengthMismatch {
        /// The list of the wrong length.
        name: String,
        /// Length of the list that it goes with.
        expected: usize,
        /// Its own length.
        actual: usize,
    },
    /// The picture could not be drawn in memory.
    #[error("plot: cannot draw: {message}")]
    Draw {
        /// What the drawing library reported.
        message: String,
    },
    /// The file could not be written.
    #[error("plot: cannot write {}: {message}", path.display())]
    Write {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system reported.
        message: String,
    },
}

/// Rejects the first coordinate that is not finite.
fn check_finite(name: &str, points: &[(f64, f64)]) -> Result<(), PlotError> {
    let finite = |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
    match points.iter().position(|point| !finite(point)) {
        Some(index) => Err(PlotError::NotFinite { name: name.to_owned(), index }),
        None => Ok(()),
    }
}
