//! Lines over common axes.

use std::path::Path;

use plotters::style::{Color, WHITE};

use crate::PlotError;
use crate::picture::Picture;
use crate::series::{Look, REFERENCE, Series, group_colour};

/// Curves of up to this many points show each of them.
const MOST_MARKED_POINTS: usize = 40;
/// Radius of a mark, and of the hole in the marks of a dashed curve, in pixels.
const MARK: u32 = 4;
const HOLE: u32 = 2;
/// Opacity of a band.
const BAND: f64 = 0.2;

/// A line with a name, and with a mark at each of its points if they are at most forty.
///
/// A curve without points is only named in the legend.
#[derive(Debug, Clone)]
pub struct Curve {
    name: String,
    group: usize,
    points: Vec<(f64, f64)>,
    /// Lower and upper end at each `x`.
    band: Vec<(f64, [f64; 2])>,
    dashed: bool,
}

impl Curve {
    /// A solid line through points `(x, y)`, in their order.
    ///
    /// Curves of one group share a colour. There are seven colours; group 7 looks like group 0.
    pub fn new(
        name: impl Into<String>,
        group: usize,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let points = points.into_iter().collect();
        Self { name: name.into(), group, points, band: Vec::new(), dashed: false }
    }

    /// The same curve, over a band between lower and upper ends `(x, [lower, upper])` in the order of
    /// `x`, such as the error of a mean.
    #[must_use]
    pub fn with_band(self, ends: impl IntoIterator<Item = (f64, [f64; 2])>) -> Self {
        Self { band: ends.into_iter().collect(), ..self }
    }

    /// The same curve, dashed.
    #[must_use]
    pub fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }
}

/// A chart of several curves, such as learning curves.
///
/// # Example
///
/// ```
/// use burn_variational_plot::{Curve, LineChart};
///
/// let path = std::env::temp_dir().join("line-chart-example.png");
/// LineChart::new("Monte Carlo prediction", "K", "perplexity")
///     .with_curve(Curve::new("test", 0, [(1.0, 97.0), (10.0, 85.1), (100.0, 83.6)]))
///     .with_log_x()
///     .save(&path)?;
/// assert!(path.exists());
///
/// let diverged = Curve::new("valid", 0, [(1.0, 320.0), (2.0, f64::NAN)]);
/// let refused = LineChart::new("Perplexity", "epoch", "").with_curve(diverged).save(&path);
/// assert_eq!(refused.unwrap_err().to_string(), "plot: `valid` cannot be drawn at (2, NaN)");
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LineChart(Picture);

impl LineChart {
    /// A chart without curves, with linear axes.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        Self(Picture::new(title.into(), [x_label.into(), y_label.into()]))
    }

    /// Adds a curve, drawn over those before it.
    #[must_use]
    pub fn with_curve(mut self, curve: Curve) -> Self {
        let Curve { name, group, points, band, dashed } = curve;
        if !band.is_empty() {
            let end = |of: usize| band.iter().map(move |(x, ends)| (*x, ends[of]));
            let band = Series::between(group_colour(group).mix(BAND), end(0), end(1));
            self.0.series.push(band);
        }
        let line = Series::new(Look::Discs(MARK), group_colour(group), points.clone());
        let (look, marked) = if dashed { (Look::Dashes, 2) } else { (Look::Line, 1) };
        let marks = [line.clone(), Series::new(Look::Discs(HOLE), WHITE, points)];
        self.0.series.push(Series { look, ..line }.named(name));
        if marks[0].points.len() <= MOST_MARKED_POINTS {
            self.0.series.extend(marks.into_iter().take(marked));
        }
        self
    }

    /// Makes the `x` axis logarithmic.
    #[must_use]
    pub fn with_log_x(mut self) -> Self {
        self.0.log[0] = true;
        self
    }

    /// Makes the `y` axis logarithmic.
    #[must_use]
    pub fn with_log_y(mut self) -> Self {
        self.0.log[1] = true;
        self
    }

    /// Adds a dotted horizontal line at `y`, such as the least perplexity that can be reached.
    #[must_use]
    pub fn with_reference(mut self, name: impl Into<String>, y: f64) -> Self {
        let line = vec![(f64::NEG_INFINITY, y), (f64::INFINITY, y)];
        self.0.series.push(Series::new(Look::Across, REFERENCE, line).named(name));
        self
    }

    /// Writes the chart as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if no curve has a point, [`PlotError::Point`] if a coordinate is not
    /// finite or, on a logarithmic axis, not positive, and [`PlotError::Save`] if the file cannot
    /// be written: its folder must exist. An earlier file is then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.0.save(path.as_ref())
    }
}
