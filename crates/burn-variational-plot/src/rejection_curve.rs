//! The error that is left when uncertain predictions are rejected.

use std::path::Path;

use crate::PlotError;
use crate::axis::is_drawable;
use crate::picture::Picture;
use crate::series::{Look, REFERENCE, Series, group_colour};

/// As many points as a curve has at most: about one for every two pixels.
const MOST_POINTS: usize = 400;

/// The mean error of the most certain rows against the share of the rows that they are: the
/// accuracy-rejection curve of Nadeem et al. (2009), and the sparsification plot of Ilg et al. (2018,
/// arXiv 1802.07095).
///
/// ```text
/// e(k) = 1/k Σᵢ eᵢ   over the k rows of least uncertainty
/// ```
///
/// where `eᵢ` is the error of row `i`, such as 0 or 1, its absolute error or its squared one. Rows
/// of the same uncertainty are in no order: each adds the mean error of them all.
///
/// An uncertainty that knows nothing of the errors keeps the mean of all rows, the dotted line. No
/// uncertainty is better than the oracle, which rejects the row of the largest error first: the
/// dashed line, one for each model where several have errors of their own.
///
/// # Example
///
/// ```
/// use burn_variational_plot::RejectionCurve;
///
/// let path = std::env::temp_dir().join("rejection-curve-example.png");
/// // The uncertainty of a row and whether its class was wrong.
/// let entropy = [(0.1, 0.0), (0.2, 0.0), (0.5, 1.0), (0.3, 0.0), (0.6, 1.0), (0.7, 0.0)];
/// let information = [(0.02, 0.0), (0.01, 0.0), (0.2, 1.0), (0.1, 0.0), (0.1, 1.0), (0.1, 0.0)];
/// RejectionCurve::new("Rejecting the uncertain", "error rate")
///     .with_method("predictive entropy", entropy)
///     .with_method("mutual information", information)
///     .save(&path)?;
/// assert!(path.exists());
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RejectionCurve {
    title: String,
    y_label: String,
    methods: Vec<Method>,
    root: bool,
}

#[derive(Debug, Clone)]
struct Method {
    name: String,
    /// Uncertainty and error.
    rows: Vec<(f64, f64)>,
}

impl RejectionCurve {
    /// A chart without methods. `y_label` says what the errors are, such as `"error rate"`.
    pub fn new(title: impl Into<String>, y_label: impl Into<String>) -> Self {
        Self { title: title.into(), y_label: y_label.into(), methods: Vec::new(), root: false }
    }

    /// Adds a method: the rows `(uncertainty, error)`, in any order. There are seven colours; the
    /// eighth method looks like the first.
    #[must_use]
    pub fn with_method(
        mut self,
        name: impl Into<String>,
        rows: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.methods.push(Method { name: name.into(), rows: rows.into_iter().collect() });
        self
    }

    /// Draws the square root of the mean: of squared errors the RMSE.
    #[must_use]
    pub fn with_square_root(mut self) -> Self {
        self.root = true;
        self
    }

    /// Writes the chart as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if no method has a row, [`PlotError::Point`] if an uncertainty or an
    /// error is not finite or, under a square root, the mean of errors is negative, and
    /// [`PlotError::Save`] if the file cannot be written: its folder must exist. An earlier file is
    /// then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        for Method { name, rows } in &self.methods {
            let is_drawn = |row: &(f64, f64)| is_drawable(row.0) && is_drawable(row.1);
            if let Some(&(x, y)) = rows.iter().find(|row| !is_drawn(row)) {
                return Err(PlotError::Point { name: name.clone(), x, y });
            }
        }
        self.picture().save(path.as_ref())
    }

    fn picture(&self) -> Picture {
        let labels = ["share of the most certain rows kept, %".into(), self.y_label.clone()];
        let mut picture = Picture::new(self.title.clone(), labels);
        picture.series = self.references();
        for (group, Method { name, rows }) in self.methods.iter().enumerate() {
            let line = Series::new(Look::Line, group_colour(group), self.curve(rows));
            picture.series.push(line.named(name));
        }
        picture
    }

    /// The oracle and the mean of all rows, once for those methods that have the same errors.
    fn references(&self) -> Vec<Series> {
        let mut models = Vec::<(&Method, Vec<(f64, f64)>)>::new();
        for method in self.methods.iter().filter(|method| !method.rows.is_empty()) {
            let by_error: Vec<_> = method.rows.iter().map(|row| (row.1, row.1)).collect();
            let oracle = self.curve(&by_error);
            if models.iter().all(|(_, other)| *other != oracle) {
                models.push((method, oracle));
            }
        }
        let n_models = models.len();
        let lines = models.into_iter().flat_map(|(method, oracle)| {
            let name = |line: &str| match n_models {
                1 => line.to_owned(),
                _ => format!("{line}, {}", method.name),
            };
            let all = oracle.last().map_or(f64::NAN, |point| point.1);
            let all = vec![(f64::NEG_INFINITY, all), (f64::INFINITY, all)];
            let all = Series::new(Look::Across, REFERENCE, all);
            let oracle = Series::new(Look::Dashes, REFERENCE, oracle);
            [oracle.named(name("oracle")), all.named(name("random"))]
        });
        lines.collect()
    }

    /// The percentage kept and the error of what is kept.
    fn curve(&self, rows: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let means = kept_means(rows);
        let n = means.len();
        let n_points = n.min(MOST_POINTS);
        let at = |point: usize| {
            let kept = point * n / n_points;
            let mean = means[kept - 1];
            (100.0 * kept as f64 / n as f64, if self.root { mean.sqrt() } else { mean })
        };
        (1..=n_points).map(at).collect()
    }
}

/// The mean error of the k most certain rows, for each k from 1 to all of them.
fn kept_means(rows: &[(f64, f64)]) -> Vec<f64> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut means, mut sum) = (Vec::with_capacity(rows.len()), 0.0);
    for ties in rows.chunk_by(|a, b| a.0 == b.0) {
        let each = ties.iter().map(|row| row.1).sum::<f64>() / ties.len() as f64;
        for _ in ties {
            sum += each;
            means.push(sum / (means.len() + 1) as f64);
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_certain_rows_are_kept_first() {
        let rows = [(0.3, 1.0), (0.1, 2.0), (0.2, 6.0), (0.4, 3.0)];
        assert_eq!(kept_means(&rows), [2.0, 4.0, 3.0, 3.0]);
    }

    #[test]
    fn rows_of_one_uncertainty_are_in_no_order() {
        assert_eq!(kept_means(&[(0.0, 1.0), (-0.0, 0.0), (1.0, 1.0)]), [0.5, 0.5, 2.0 / 3.0]);
        assert_eq!(kept_means(&[(2.0, 4.0), (2.0, 0.0), (2.0, 5.0)]), [3.0; 3]);
    }

    #[test]
    fn models_of_the_same_errors_have_one_oracle_and_others_one_each() {
        let names = |chart: &RejectionCurve| {
            chart.picture().series.into_iter().filter_map(|series| series.name).collect::<Vec<_>>()
        };
        let chart = RejectionCurve::new("", "")
            .with_method("entropy", [(0.1, 1.0), (0.2, 0.0)])
            .with_method("variance", [(0.1, 0.0), (0.2, 1.0)]);
        assert_eq!(names(&chart), ["oracle", "random", "entropy", "variance"]);
        let chart = chart.with_method("GRU", [(0.1, 1.0), (0.2, 1.0)]);
        let oracles = ["oracle, entropy", "random, entropy", "oracle, GRU", "random, GRU"];
        assert_eq!(names(&chart), [&oracles[..], &["entropy", "variance", "GRU"]].concat());
    }

    #[test]
    fn a_curve_has_few_points_and_ends_with_all_rows() {
        let rows: Vec<_> = (0..1001).map(|row| (f64::from(row), 4.0)).collect();
        let curve = RejectionCurve::new("", "").with_square_root().curve(&rows);
        assert_eq!((curve.len(), curve[0].0 < 0.25, curve[399]), (400, true, (100.0, 2.0)));
        assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && b.1 == 2.0));
    }
}
