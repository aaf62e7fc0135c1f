//! Whether the uncertain predictions are the wrong ones.

use std::f64::consts::FRAC_2_PI;
use std::path::Path;

use plotters::style::Color;

use crate::PlotError;
use crate::picture::Picture;
use crate::series::{Look, REFERENCE, Series, group_colour};

/// Radius of a row and of the mean of a bin, in pixels.
const ROW: u32 = 2;
const MEAN: u32 = 5;
const DEFAULT_N_BINS: usize = 10;

/// The uncertainty of predictions against their absolute error: a point for each row, and over
/// them the means of bins of equally many rows.
///
/// Of an uncertainty that tells the wrong predictions from the right ones, the line through the
/// means rises.
///
/// # Example
///
/// ```
/// use burn_variational_plot::UncertaintyError;
///
/// let path = std::env::temp_dir().join("uncertainty-error-example.png");
/// // The standard deviation of a prediction, and its error of either sign.
/// let rows = [(0.1, -0.05), (0.1, 0.11), (0.2, 0.12), (0.3, -0.4), (0.5, 0.2), (0.6, -0.9)];
/// UncertaintyError::new("Review scores")
///     .with_rows(rows)
///     .with_n_bins(3)
///     .with_gaussian_reference()
///     .save(&path)?;
/// assert!(path.exists());
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct UncertaintyError {
    title: String,
    labels: [String; 2],
    /// Uncertainty and absolute error, the most certain row first.
    rows: Vec<(f64, f64)>,
    n_bins: usize,
    with_gaussian: bool,
}

impl UncertaintyError {
    /// A chart without rows.
    pub fn new(title: impl Into<String>) -> Self {
        let labels = ["predictive standard deviation", "absolute error"].map(String::from);
        let (rows, n_bins) = (Vec::new(), DEFAULT_N_BINS);
        Self { title: title.into(), labels, rows, n_bins, with_gaussian: false }
    }

    /// Names the axes, by default the predictive standard deviation and the absolute error.
    #[must_use]
    pub fn with_labels(mut self, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        self.labels = [x_label.into(), y_label.into()];
        self
    }

    /// Draws the rows `(uncertainty, error)`, in place of those given before. The sign of an error
    /// does not matter.
    #[must_use]
    pub fn with_rows(mut self, rows: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.rows =
            rows.into_iter().map(|(uncertainty, error)| (uncertainty, error.abs())).collect();
        self.rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        self
    }

    /// Sets the number of bins, 10 by default. Fewer rows than that have a bin each.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[must_use]
    pub fn with_n_bins(mut self, n_bins: usize) -> Self {
        assert!(n_bins > 0, "UncertaintyError: n_bins must be positive, got 0");
        self.n_bins = n_bins;
        self
    }

    /// Adds the mean absolute error that a Gaussian of standard deviation `σ` has, `σ √(2/π)`. The
    /// means of calibrated rows lie on it, if their uncertainty is a standard deviation.
    #[must_use]
    pub fn with_gaussian_reference(mut self) -> Self {
        self.with_gaussian = true;
        self
    }

    /// Writes the chart as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if there is no row, [`PlotError::Point`] if a value is not finite, and
    /// [`PlotError::Save`] if the file cannot be written: its folder must exist. An earlier file is
    /// then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.picture().save(path.as_ref())
    }

    fn picture(&self) -> Picture {
        let mut picture = Picture::new(self.title.clone(), self.labels.clone());
        let (faint, bold) = (group_colour(0).mix(0.4), group_colour(1));
        let rows = Series::new(Look::Discs(ROW), faint, self.rows.clone());
        picture.series.push(rows.named("rows"));
        if let (true, Some(&(most, _))) = (self.with_gaussian, self.rows.last()) {
            let line = vec![(0.0, 0.0), (most, most * FRAC_2_PI.sqrt())];
            let line = Series::new(Look::Dashes, REFERENCE, line);
            picture.series.push(line.named("mean of a calibrated Gaussian"));
        }
        let means = bin_means(&self.rows, self.n_bins);
        picture.series.push(Series::new(Look::Line, bold, means.clone()).named("mean of each bin"));
        picture.series.push(Series::new(Look::Discs(MEAN), bold, means));
        picture
    }
}

/// The means of bins of equally many rows, give or take one, in their order.
fn bin_means(rows: &[(f64, f64)], n_bins: usize) -> Vec<(f64, f64)> {
    let n_bins = n_bins.min(rows.len());
    let start = |bin| bin * rows.len() / n_bins;
    let mean = |bin: &[(f64, f64)]| {
        let (x, y) = bin.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
        (x / bin.len() as f64, y / bin.len() as f64)
    };
    (0..n_bins).map(|bin| mean(&rows[start(bin)..start(bin + 1)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_equally_many_rows_and_the_rest_is_spread() {
        let rows = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (4.0, 0.0), (6.0, 8.0)];
        assert_eq!(bin_means(&rows, 2), [(0.5, 2.0), (4.0, 13.0 / 3.0)]);
        assert_eq!(bin_means(&rows, 9), rows);
        assert_eq!(bin_means(&[], 3), []);
    }

    #[test]
    fn a_gaussian_has_a_mean_absolute_error_of_four_fifths_of_its_deviation() {
        let chart = UncertaintyError::new("").with_rows([(5.0, 0.0), (2.0, -3.0)]);
        let [rows, gaussian, ..] = &chart.with_gaussian_reference().picture().series[..] else {
            panic!("rows and the line of a Gaussian");
        };
        assert_eq!(rows.points, [(2.0, 3.0), (5.0, 0.0)]);
        assert_eq!(gaussian.points[0], (0.0, 0.0));
        // scipy 1.17.1: 5 * scipy.stats.halfnorm.mean()
        let (x, mean) = gaussian.points[1];
        assert!(x == 5.0 && (mean - 3.989_422_804_014_327).abs() < 1e-12);
    }

    #[test]
    #[should_panic(expected = "UncertaintyError: n_bins must be positive, got 0")]
    fn no_bins_are_refused() {
        let _ = UncertaintyError::new("").with_n_bins(0);
    }
}
