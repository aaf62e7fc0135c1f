//! How far the confidence of a classifier is its accuracy.

use std::path::Path;

use plotters::style::Color;

use crate::PlotError;
use crate::error::check_share;
use crate::picture::Picture;
use crate::series::{Look, Series, group_colour};

/// Radius in pixels of the disc of a bin that holds all rows, and the least of any disc.
const LARGEST: f64 = 22.0;
const SMALLEST: f64 = 2.0;

/// The bins of a method: the mean confidence, the accuracy and the number of rows of each.
#[derive(Debug, Clone)]
pub struct ReliabilityCurve {
    name: String,
    bins: Vec<(f64, f64, usize)>,
}

impl ReliabilityCurve {
    /// The bins `(confidence, accuracy, number of rows)`, in any order. Those without rows are left
    /// out, whatever their confidence and accuracy.
    pub fn new(name: impl Into<String>, bins: impl IntoIterator<Item = (f64, f64, usize)>) -> Self {
        let mut bins: Vec<_> = bins.into_iter().filter(|bin| bin.2 > 0).collect();
        bins.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { name: name.into(), bins }
    }

    /// Writes the expected calibration error beside the name.
    #[must_use]
    pub fn with_ece(mut self, ece: f64) -> Self {
        self.name = format!("{}, ECE {ece:.3}", self.name);
        self
    }

    /// A line through the bins and a disc on each, in the colour of a group.
    fn series(&self, group: usize) -> Vec<Series> {
        let colour = group_colour(group);
        let n_rows: f64 = self.bins.iter().map(|bin| bin.2 as f64).sum();
        let points = self.bins.iter().map(|&(confidence, accuracy, _)| (confidence, accuracy));
        let line = Series::new(Look::Line, colour, points.collect()).named(&self.name);
        let disc = |&(confidence, accuracy, n): &(f64, f64, usize)| {
            let radius = SMALLEST.max(LARGEST * (n as f64 / n_rows).sqrt()).round();
            let look = Look::Discs(radius as u32);
            Series::new(look, colour.mix(0.55), vec![(confidence, accuracy)])
        };
        [line].into_iter().chain(self.bins.iter().map(disc)).collect()
    }
}

/// Accuracy against confidence, bin by bin (DeGroot & Fienberg 1983; Guo et al. 2017, arXiv
/// 1706.04599, figure 1).
///
/// The confidence of a row is its largest probability, and a bin holds rows of about the same
/// confidence. A calibrated classifier is right in just that share of them, which is the dashed
/// diagonal; an overconfident one lies below it. The area of a disc is the share of the method's
/// rows that the bin holds, but the smallest are drawn large enough to be seen.
///
/// # Example
///
/// ```
/// use burn_variational_plot::{ReliabilityCurve, ReliabilityDiagram};
///
/// let path = std::env::temp_dir().join("reliability-diagram-example.png");
/// let averaged = [(0.55, 0.4, 20), (0.75, 0.5, 30), (f64::NAN, f64::NAN, 0), (0.95, 0.8, 150)];
/// let monte_carlo = [(0.55, 0.5, 40), (0.75, 0.7, 60), (0.95, 0.9, 100)];
/// ReliabilityDiagram::new("Calibration")
///     .with_curve(ReliabilityCurve::new("weight averaging", averaged).with_ece(0.165))
///     .with_curve(ReliabilityCurve::new("Monte Carlo", monte_carlo).with_ece(0.05))
///     .save(&path)?;
/// assert!(path.exists());
///
/// let percent = ReliabilityCurve::new("percent", [(95.0, 0.8, 150)]);
/// let refused = ReliabilityDiagram::new("Calibration").with_curve(percent).save(&path);
/// let message = "plot: confidence of `percent` must be in [0, 1], got 95";
/// assert_eq!(refused.unwrap_err().to_string(), message);
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReliabilityDiagram {
    title: String,
    curves: Vec<ReliabilityCurve>,
}

impl ReliabilityDiagram {
    /// A diagram without methods.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), curves: Vec::new() }
    }

    /// Adds a method, drawn over those before it. There are seven colours; the eighth method looks
    /// like the first.
    #[must_use]
    pub fn with_curve(mut self, curve: ReliabilityCurve) -> Self {
        self.curves.push(curve);
        self
    }

    /// Writes the diagram as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if no bin holds a row, [`PlotError::Share`] if the confidence or the
    /// accuracy of one that does is not in `[0, 1]`, and [`PlotError::Save`] if the file cannot be
    /// written: its folder must exist. An earlier file is then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        for ReliabilityCurve { name, bins } in &self.curves {
            for &(confidence, accuracy, _) in bins {
                check_share(name, "confidence", confidence)?;
                check_share(name, "accuracy", accuracy)?;
            }
        }
        if self.curves.iter().all(|curve| curve.bins.is_empty()) {
            return Err(PlotError::Empty);
        }
        self.picture().save(path.as_ref())
    }

    fn picture(&self) -> Picture {
        let labels = ["confidence (disc: share of the rows)", "accuracy"].map(String::from);
        let mut picture = Picture::new(self.title.clone(), labels);
        picture.square = true;
        picture.series.push(Series::identity(0.0, 1.0).named("calibrated"));
        for (group, curve) in self.curves.iter().enumerate() {
            picture.series.extend(curve.series(group));
        }
        picture
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_drawn_in_the_order_of_their_confidence_and_empty_ones_are_not() {
        let bins = [(0.9, 0.8, 3), (f64::NAN, f64::NAN, 0), (0.3, 0.2, 1)];
        let curve = ReliabilityCurve::new("LSTM", bins).with_ece(0.0456);
        let [identity, line, small, large] =
            &ReliabilityDiagram::new("").with_curve(curve).picture().series[..]
        else {
            panic!("the diagonal, a line and two discs");
        };
        assert_eq!(identity.points, [(0.0, 0.0), (1.0, 1.0)]);
        assert_eq!(line.name.as_deref(), Some("LSTM, ECE 0.046"));
        assert_eq!(line.points, [(0.3, 0.2), (0.9, 0.8)]);
        // Of a quarter and of three quarters of the area of the largest disc, which has radius 22.
        assert_eq!([small.look, large.look], [11, 19].map(Look::Discs));
    }
}
