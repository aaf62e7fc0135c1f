//! A forecast and how its uncertainty grows.

use std::path::Path;
use std::sync::Arc;

use plotters::style::{Color, RGBColor};

use crate::PlotError;
use crate::error::{check_interval, check_share};
use crate::picture::{Picture, TickLabels};
use crate::series::{Look, OBSERVED, Series, group_colour};

/// Opacity of an interval over the wider ones.
const OPACITY: f64 = 0.24;
/// Radius of an observation that the forecast is held against, in pixels.
const TRUTH: u32 = 3;

/// A forecast: its mean, its central intervals one in another, what was observed before it and,
/// where that is known, after.
///
/// The areas are intervals of the whole predictive distribution, the noise of the data included.
/// The dashed lines are an interval of its epistemic part alone, which more data would narrow.
///
/// Time is a number, and the labels of its axis are what [`with_x_labels`](Self::with_x_labels)
/// makes of it.
///
/// # Example
///
/// ```
/// use burn_variational_plot::FanChart;
///
/// let path = std::env::temp_dir().join("fan-chart-example.png");
/// // The month, the low end of an interval and its high end.
/// FanChart::new("Sea surface temperature")
///     .with_labels("month", "°C")
///     .with_history([(0.0, 25.1), (1.0, 26.0), (2.0, 26.4)])
///     .with_interval(0.9, [(3.0, 25.9, 27.1), (4.0, 25.3, 27.3)])
///     .with_interval(0.5, [(3.0, 26.2, 26.8), (4.0, 25.9, 26.7)])
///     .with_epistemic_interval(0.9, [(3.0, 26.3, 26.7), (4.0, 25.9, 26.7)])
///     .with_mean([(3.0, 26.5), (4.0, 26.3)])
///     .with_truth([(3.0, 26.7)])
///     .with_x_labels(|month| format!("{}/{:02}", 1950 + month as i32 / 12, month as i32 % 12 + 1))
///     .save(&path)?;
/// assert!(path.exists());
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FanChart {
    /// Of the lines and points alone.
    picture: Picture,
    intervals: Vec<Interval>,
    epistemic: Vec<Interval>,
}

/// The ends `(x, low, high)` of an interval over time.
#[derive(Debug, Clone)]
struct Interval {
    name: String,
    level: f64,
    ends: Vec<(f64, f64, f64)>,
}

impl Interval {
    /// An interval of a part of the uncertainty, in any order of `x`.
    fn new(part: &str, level: f64, ends: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        let mut ends: Vec<_> = ends.into_iter().collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let percent = (1e4 * level).round() / 1e2;
        Self { name: format!("{percent} % interval{part}"), level, ends }
    }

    fn low(&self) -> impl Iterator<Item = (f64, f64)> {
        self.ends.iter().map(|&(x, low, _)| (x, low))
    }

    fn high(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> {
        self.ends.iter().map(|&(x, _, high)| (x, high))
    }

    fn check(&self) -> Result<(), PlotError> {
        check_share(&self.name, "level", self.level)?;
        self.ends.iter().try_for_each(|&(_, low, high)| check_interval(&self.name, low, high))
    }
}

impl FanChart {
    /// A chart without a forecast, of `y` against time.
    pub fn new(title: impl Into<String>) -> Self {
        let labels = ["time", "y"].map(String::from);
        let (intervals, epistemic) = (Vec::new(), Vec::new());
        Self { picture: Picture::new(title.into(), labels), intervals, epistemic }
    }

    /// Names the axes.
    #[must_use]
    pub fn with_labels(mut self, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        self.picture.labels = [x_label.into(), y_label.into()];
        self
    }

    /// Labels the ticks of time, such as with the date that a number stands for.
    ///
    /// The ticks are at round numbers: years and their parts, `1950.5`, have them where a calendar
    /// does.
    #[must_use]
    pub fn with_x_labels(mut self, label: impl Fn(f64) -> String + Send + Sync + 'static) -> Self {
        self.picture.x_ticks = Some(TickLabels(Arc::new(move |&x| label(x))));
        self
    }

    /// Adds what was observed before the forecast, points `(x, y)` in any order, drawn as a line.
    #[must_use]
    pub fn with_history(self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.with("observed", Look::Line, OBSERVED, points)
    }

    /// Adds the mean of the forecast, points `(x, y)` in any order.
    #[must_use]
    pub fn with_mean(self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.with("predictive mean", Look::Line, group_colour(0), points)
    }

    /// Adds what was observed of what is forecast, points `(x, y)` drawn as discs.
    #[must_use]
    pub fn with_truth(self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.with("observed later", Look::Discs(TRUTH), OBSERVED, points)
    }

    /// Adds the ends `(x, low, high)` of the central interval of a level, such as 0.9, in any order
    /// of `x`. The narrower of two intervals is drawn over the wider one.
    #[must_use]
    pub fn with_interval(
        mut self,
        level: f64,
        ends: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        self.intervals.push(Interval::new("", level, ends));
        self.intervals.sort_by(|a, b| b.level.total_cmp(&a.level));
        self
    }

    /// Adds the ends `(x, low, high)` of the central interval of a level of the epistemic part, in
    /// any order of `x`: of the predictions without the noise of the data.
    #[must_use]
    pub fn with_epistemic_interval(
        mut self,
        level: f64,
        ends: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        self.epistemic.push(Interval::new(", epistemic", level, ends));
        self
    }

    /// Writes the chart as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if there is no point, [`PlotError::Share`] if a level is not in
    /// `[0, 1]`, [`PlotError::Interval`] if an end of an interval is not finite or the low one above
    /// the high one, [`PlotError::Point`] if a coordinate is not finite, and [`PlotError::Save`] if
    /// the file cannot be written: its folder must exist. An earlier file is then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.intervals.iter().chain(&self.epistemic).try_for_each(Interval::check)?;
        let mut picture = self.picture.clone();
        picture.series = self.fan();
        picture.series.extend(self.epistemic.iter().flat_map(|interval| {
            let line = |points| Series::new(Look::Dashes, group_colour(1), points);
            let [low, high] = [interval.low().collect(), interval.high().collect()].map(line);
            [low.named(&interval.name), high]
        }));
        picture.series.extend(self.picture.series.iter().cloned());
        picture.save(path.as_ref())
    }

    /// The areas of the intervals, the widest first.
    fn fan(&self) -> Vec<Series> {
        let colour = |opacity| group_colour(0).mix(opacity);
        let areas = self.intervals.iter().zip(1..).flat_map(|(interval, n_under)| {
            // What the area looks like over those that are wider.
            let seen = Series::new(Look::Area, colour(1.0 - (1.0 - OPACITY).powi(n_under)), vec![]);
            let area = Series::between(colour(OPACITY), interval.low(), interval.high());
            [seen.named(&interval.name), area]
        });
        areas.collect()
    }

    fn with(
        mut self,
        name: &str,
        look: Look,
        colour: RGBColor,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let mut points: Vec<_> = points.into_iter().collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.picture.series.push(Series::new(look, colour, points).named(name));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_shows_the_widest_interval_first_and_each_as_it_looks_over_the_others() {
        let chart = [0.5, 0.975, 0.9].into_iter().fold(FanChart::new(""), |chart, level| {
            chart.with_interval(level, [(0.0, -level, level)])
        });
        let legend =
            chart.fan().into_iter().filter_map(|series| Some((series.name?, series.colour.3)));
        let (names, opacities): (Vec<_>, Vec<_>) = legend.unzip();
        assert_eq!(names, ["97.5 % interval", "90 % interval", "50 % interval"]);
        let seen = [1, 2, 3].map(|areas| 1.0 - 0.76_f64.powi(areas));
        assert!(opacities.iter().zip(seen).all(|(a, b)| (a - b).abs() < 1e-12), "{opacities:?}");
    }
}
