//! Predictions with error bars against what was observed.

use std::path::Path;

use plotters::style::Color;

use crate::PlotError;
use crate::axis::extent;
use crate::error::check_interval;
use crate::picture::Picture;
use crate::series::{Look, Series, group_colour};

/// Radius of a prediction, in pixels.
const PREDICTION: u32 = 2;

/// Predictions with error bars of any level against the observations.
///
/// A perfect prediction lies on the dashed diagonal, and a bar that covers its observation crosses
/// it. The colour of a bar says whether it does, and the legend which share of the bars: their level,
/// if they are calibrated.
///
/// # Example
///
/// ```
/// use burn_variational_plot::ErrorBars;
///
/// let path = std::env::temp_dir().join("error-bars-example.png");
/// // Observation, prediction, and the ends of its 90 % interval.
/// let rows = [(1.0, 1.2, 0.8, 1.6), (2.0, 1.9, 1.5, 2.4), (3.0, 2.4, 2.1, 2.9)];
/// ErrorBars::new("Review scores").with_intervals("90 % interval", rows).save(&path)?;
/// // Observation, mean, and standard deviation.
/// let rows = [(1.0, 1.2, 0.2), (2.0, 1.9, 0.2), (3.0, 2.4, 0.2)];
/// ErrorBars::new("Review scores").with_deviations(1.64, rows).save(&path)?;
/// assert!(path.exists());
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ErrorBars {
    title: String,
    labels: [String; 2],
    name: String,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    observed: f64,
    predicted: f64,
    low: f64,
    high: f64,
}

impl Row {
    fn covers(&self) -> bool {
        (self.low..=self.high).contains(&self.observed)
    }
}

impl ErrorBars {
    /// A chart without predictions.
    pub fn new(title: impl Into<String>) -> Self {
        let labels = ["observed", "predicted"].map(String::from);
        Self { title: title.into(), labels, name: String::new(), rows: Vec::new() }
    }

    /// Names the axes.
    #[must_use]
    pub fn with_labels(mut self, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        self.labels = [x_label.into(), y_label.into()];
        self
    }

    /// Draws the rows `(observation, prediction, low end, high end)`, in place of those given
    /// before. A prediction may lie outside its interval, as a mean can.
    #[must_use]
    pub fn with_intervals(
        mut self,
        name: impl Into<String>,
        rows: impl IntoIterator<Item = (f64, f64, f64, f64)>,
    ) -> Self {
        let row = |(observed, predicted, low, high)| Row { observed, predicted, low, high };
        (self.name, self.rows) = (name.into(), rows.into_iter().map(row).collect());
        self
    }

    /// Draws the rows `(observation, mean, standard deviation)`, in place of those given before, with
    /// bars from `times` standard deviations below the mean to as many above it. Those of a calibrated
    /// Gaussian cover 95 % at 1.96 of them.
    #[must_use]
    pub fn with_deviations(
        self,
        times: f64,
        rows: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        let name = format!("mean ± {times} standard deviations");
        let interval = |(observed, mean, std)| {
            let half = times * std;
            (observed, mean, mean - half, mean + half)
        };
        self.with_intervals(name, rows.into_iter().map(interval))
    }

    /// Writes the chart as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if there is no row, [`PlotError::Interval`] if an end of one is not
    /// finite or the low one above the high one, as with a negative standard deviation,
    /// [`PlotError::Point`] if another value is not finite, and [`PlotError::Save`] if the file
    /// cannot be written: its folder must exist. An earlier file is then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        for row in &self.rows {
            check_interval(&self.name, row.low, row.high)?;
        }
        self.picture().save(path.as_ref())
    }

    fn picture(&self) -> Picture {
        let (mut bars, mut predictions) = (Vec::new(), Vec::new());
        for (verb, covers, group) in [("covers", true, 0), ("misses", false, 1)] {
            let rows: Vec<_> = self.rows.iter().filter(|row| row.covers() == covers).collect();
            let share = 100.0 * rows.len() as f64 / self.rows.len() as f64;
            let ends = rows.iter().flat_map(|r| [(r.observed, r.low), (r.observed, r.high)]);
            let bar = Series::new(Look::Bars, group_colour(group).mix(0.6), ends.collect());
            bars.push(bar.named(format!("{}: {verb} {share:.1} %", self.name)));
            let points = rows.iter().map(|row| (row.observed, row.predicted)).collect();
            predictions.push(Series::new(Look::Discs(PREDICTION), group_colour(group), points));
        }
        let mut picture = Picture::new(self.title.clone(), self.labels.clone());
        picture.square = true;
        picture.series.append(&mut bars);
        // Over the values of both axes, which gives the two one range.
        let values = self.rows.iter().flat_map(|r| [r.observed, r.predicted, r.low, r.high]);
        if !self.rows.is_empty() {
            let (low, high) = extent(values);
            picture.series.push(Series::identity(low, high).named("predicted as observed"));
        }
        picture.series.append(&mut predictions);
        picture
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chart: &ErrorBars) -> Vec<String> {
        chart.picture().series.into_iter().filter_map(|series| series.name).collect()
    }

    #[test]
    fn the_legend_says_which_share_of_the_bars_covers_the_observation() {
        // The ends of a bar are its own.
        let rows = [(0.0, 0.5, 0.0, 1.0), (1.0, 0.5, 0.0, 1.0), (1.1, 0.5, 0.0, 1.0)];
        let chart = ErrorBars::new("").with_intervals("90 % interval", rows);
        let covers = ["90 % interval: covers 66.7 %", "90 % interval: misses 33.3 %"];
        assert_eq!(names(&chart), [covers[0], covers[1], "predicted as observed"]);
        // The later rows stand in place of the earlier ones.
        let chart = chart.with_deviations(1.5, [(2.0, 0.0, 1.0), (0.0, 1.0, 1.0)]);
        assert_eq!(names(&chart)[0], "mean ± 1.5 standard deviations: covers 50.0 %");
        let [covering, missing, ..] = &chart.picture().series[..] else { panic!("two parts") };
        assert_eq!(covering.points, [(0.0, -0.5), (0.0, 2.5)]);
        assert_eq!(missing.points, [(2.0, -1.5), (2.0, 1.5)]);
    }
}
