//! A regression and its predictive uncertainty.

use std::path::Path;

use plotters::style::{BLACK, Color};

use crate::PlotError;
use crate::picture::Picture;
use crate::series::{Look, OBSERVED, Series, group_colour};

/// Radius in pixels.
const OBSERVATION_RADIUS: u32 = 3;

/// A predictive mean with bands of one and two standard deviations, over the observations.
///
/// # Example
///
/// ```
/// use burn_variational_plot::PredictiveBand;
///
/// let path = std::env::temp_dir().join("predictive-band-example.png");
/// PredictiveBand::new("Regression")
///     .with_labels("day", "temperature, °C")
///     .with_prediction([(0.0, 0.0, 0.3), (1.0, 1.1, 0.1), (2.0, 1.9, 0.5)])
///     .with_training_range(0.5, 1.5)
///     .save(&path)?;
/// assert!(path.exists());
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PredictiveBand(Picture);

impl PredictiveBand {
    /// A chart without a prediction, of `y` against `x`.
    pub fn new(title: impl Into<String>) -> Self {
        Self(Picture::new(title.into(), ["x", "y"].map(String::from)))
    }

    /// Names the axes.
    #[must_use]
    pub fn with_labels(mut self, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        self.0.labels = [x_label.into(), y_label.into()];
        self
    }

    /// Adds the points `(x, mean, standard deviation)`, in any order of `x`.
    #[must_use]
    pub fn with_prediction(self, points: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        let mut points: Vec<_> = points.into_iter().collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        // What is not a deviation has no place on the chart, and `save` says so.
        let shifted = |times: f64| {
            let deviation = move |std: f64| if std < 0.0 { f64::NAN } else { times * std };
            points.iter().map(move |&(x, mean, std)| (x, mean + deviation(std)))
        };
        let colour = |alpha| group_colour(0).mix(alpha);
        let band = |alpha, times| Series::between(colour(alpha), shifted(times), shifted(-times));
        let mean = Series::new(Look::Line, group_colour(0), shifted(0.0).collect());
        self.with(band(0.2, 2.0).named("± 2 standard deviations"))
            .with(band(0.25, 1.0))
            // What the narrow band looks like over the wide one, 1 - (1 - 0.2) (1 - 0.25).
            .with(Series::new(Look::Area, colour(0.4), Vec::new()).named("± 1 standard deviation"))
            .with(mean.named("predictive mean"))
    }

    /// Adds observations `(x, y)`, drawn as discs.
    #[must_use]
    pub fn with_observations(self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (look, points) = (Look::Discs(OBSERVATION_RADIUS), points.into_iter().collect());
        self.with(Series::new(look, OBSERVED, points).named("observations"))
    }

    /// Adds points of the function that made the observations, drawn as a dashed line.
    #[must_use]
    pub fn with_truth(self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().collect();
        self.with(Series::new(Look::Dashes, group_colour(1), points).named("true function"))
    }

    /// Shades the range of `x` that the model was trained on.
    #[must_use]
    pub fn with_training_range(self, low: f64, high: f64) -> Self {
        let (bottom, top) = (f64::NEG_INFINITY, f64::INFINITY);
        let strip = vec![(low, bottom), (low, top), (high, top), (high, bottom)];
        self.with(Series::new(Look::Upright, BLACK.mix(0.06), strip).named("training range"))
    }

    /// Writes the chart as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if there is no point, [`PlotError::Point`] if a coordinate is not finite
    /// or a standard deviation is negative, and [`PlotError::Save`] if the file cannot be written:
    /// its folder must exist. An earlier file is then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.0.save(path.as_ref())
    }

    /// Adds a series under those of a finer look: areas, lines, discs.
    fn with(mut self, series: Series) -> Self {
        self.0.series.push(series);
        self.0.series.sort_by_key(|series| series.look);
        self
    }
}
