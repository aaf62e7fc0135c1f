//! A regression and its predictive uncertainty.

use super::axis::Axis;
use super::canvas::{self, Canvas};
use super::frame::{DASHED, Frame, LINE_WIDTH, Sample, Titles, group_colour};
use super::{PlotError, check_finite};
use plotters::style::{Color, RGBAColor, RGBColor};
use std::path::Path;

const OBSERVATION_COLOUR: RGBColor = RGBColor(40, 40, 40);
const OBSERVATION_RADIUS: f64 = 2.8;
const TRUTH_COLOUR: RGBColor = RGBColor(213, 94, 0);

const MEAN: &str = "predictive mean";
const DEVIATION: &str = "standard deviation";
const OBSERVATIONS: &str = "observations";
const TRUTH: &str = "true function";
const TRAINING_RANGE: &str = "training range";

/// A predictive mean with bands of one and two standard deviations, over the observations.
///
/// # Example
///
/// ```
/// use burn_variational_mc::plot::PredictiveBand;
///
/// let path = std::env::temp_dir().join("predictive-band-example.png");
/// PredictiveBand::new("Regression")
///     .with_prediction(vec![0.0, 1.0, 2.0], vec![0.0, 1.1, 1.9], vec![0.3, 0.1, 0.5])
///     .with_observations(vec![(0.9, 1.0), (1.1, 1.2)])
///     .with_training_range(0.9, 1.1)
///     .save(&path)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), burn_variational_mc::plot::PlotError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PredictiveBand {
    title: String,
    x_label: String,
    y_label: String,
    x: Vec<f64>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    observations: Vec<(f64, f64)>,
    truth: Vec<(f64, f64)>,
    training_range: Option<(f64, f64)>,
}

impl PredictiveBand {
    /// A picture without a prediction.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x_label: "x".to_owned(),
            y_label: "y".to_owned(),
            x: Vec::new(),
            mean: Vec::new(),
            deviation: Vec::new(),
            observations: Vec::new(),
            truth: Vec::new(),
            training_range: None,
        }
    }

    /// Names the axes, which are otherwise `x` and `y`.
    #[must_use]
    pub fn with_labels(mut self, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        (self.x_label, self.y_label) = (x_label.into(), y_label.into());
        self
    }

    /// Sets the predictive mean and standard deviation at each `x`, in any order of `x`.
    #[must_use]
    pub fn with_prediction(mut self, x: Vec<f64>, mean: Vec<f64>, std: Vec<f64>) -> Self {
        (self.x, self.mean, self.deviation) = (x, mean, std);
        self
    }

    /// Sets the observations, drawn as discs.
    #[must_use]
    pub fn with_observations(mut self, observations: Vec<(f64, f64)>) -> Self {
        self.observations = observations;
        self
    }

    /// Sets points of the function that made the observations, drawn as a dashed line.
    #[must_use]
    pub fn with_truth(mut self, truth: Vec<(f64, f64)>) -> Self {
        self.truth = truth;
        self
    }

    /// Shades the range of `x` that the model was trained on.
    #[must_use]
    pub fn with_training_range(mut self, low: f64, high: f64) -> Self {
        self.training_range = Some((low, high));
        self
    }

    /// Writes the picture as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] without a prediction, [`PlotError::LengthMismatch`] if its lists
    /// differ in length, [`PlotError::NotFinite`] or [`PlotError::NegativeDeviation`] if a value
    /// cannot be drawn, [`PlotError::Write`] if the file cannot be written: its folder must exist.
    /// An earlier file is then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.check()?;
        let (below, above) = (self.shifted(-2.0), self.shifted(2.0));
        let points = || [&below, &above, &self.observations, &self.truth].into_iter().flatten();
        let ends = self.training_range.iter().flat_map(|&(low, high)| [low, high]);
        let x = Axis::linear(points().map(|point| point.0).chain(ends));
        let y = Axis::linear(points().map(|point| point.1));
        canvas::save(path.as_ref(), |canvas| {
            let titles =
                Titles { title: &self.title, x_label: &self.x_label, y_label: &self.y_label };
            let frame = Frame::draw(canvas, titles, &self.legend(), x, y)?;
            self.draw(canvas, &frame)
        })
    }

    fn check(&self) -> Result<(), PlotError> {
        if self.x.is_empty() {
            return Err(PlotError::Empty);
        }
        for (name, values) in [(MEAN, &self.mean), (DEVIATION, &self.deviation)] {
            let (expected, actual) = (self.x.len(), values.len());
            if expected != actual {
                return Err(PlotError::LengthMismatch { name: name.to_owned(), expected, actual });
            }
        }
        let paired = |values: &[f64]| self.x.iter().copied().zip(values.iter().copied()).collect();
        let (mean, deviation): (Vec<_>, Vec<_>) = (paired(&self.mean), paired(&self.deviation));
        check_finite(MEAN, &mean)?;
        check_finite(DEVIATION, &deviation)?;
        if let Some(index) = self.deviation.iter().position(|&std| std < 0.0) {
            return Err(PlotError::NegativeDeviation { name: DEVIATION.to_owned(), index });
        }
        check_finite(OBSERVATIONS, &self.observations)?;
        check_finite(TRUTH, &self.truth)?;
        let range: Vec<_> = self.training_range.into_iter().collect();
        check_finite(TRAINING_RANGE, &range)
    }

    /// Points of the mean shifted by some standard deviations, sorted by `x`.
    fn shifted(&self, deviations: f64) -> Vec<(f64, f64)> {
        let values = self.mean.iter().zip(&self.deviation);
        let shifted = values.map(|(mean, std)| mean + deviations * std);
        let mut points: Vec<_> = self.x.iter().copied().zip(shifted).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    }

    fn draw(&self, canvas: &Canvas<'_>, frame: &Frame) -> Result<(), PlotError> {
        if let Some((low, high)) = self.training_range {
            let (a, b) = frame.strip(low, high);
            canvas.rectangle(a, b, training_colour())?;
        }
        for (deviations, colour) in [(2.0, wide_colour()), (1.0, narrow_colour())] {
            let mut outline = self.shifted(deviations);
            outline.extend(self.shifted(-deviations).into_iter().rev());
            canvas.polygon(&frame.all_at(&outline), colour)?;
        }
        canvas.dash(&frame.all_at(&self.truth), DASHED, LINE_WIDTH, TRUTH_COLOUR)?;
        canvas.stroke(&frame.all_at(&self.shifted(0.0)), LINE_WIDTH, group_colour(0))?;
        for point in frame.all_at(&self.observations) {
            canvas.disc(point, OBSERVATION_RADIUS, OBSERVATION_COLOUR)?;
        }
        Ok(())
    }

    fn legend(&self) -> Vec<(String, Sample)> {
        let truth = Sample::Dashes { colour: TRUTH_COLOUR, pattern: DASHED };
        let disc = Sample::Disc { colour: OBSERVATION_COLOUR, radius: OBSERVATION_RADIUS };
        let entries = [
            (true, MEAN, Sample::Line { colour: group_colour(0) }),
            (!self.truth.is_empty(), TRUTH, truth),
            (true, "± 1 standard deviation", Sample::Area { colour: both_bands_colour() }),
            (true, "± 2 standard deviations", Sample::Area { colour: wide_colour() }),
            (!self.observations.is_empty(), OBSERVATIONS, disc),
            (
                self.training_range.is_some(),
                TRAINING_RANGE,
                Sample::Area { colour: training_colour() },
            ),
        ];
        let shown = entries.into_iter().filter(|(shown, ..)| *shown);
        shown.map(|(_, name, sample)| (name.to_owned(), sample)).collect()
    }
}

fn training_colour() -> RGBAColor {
    RGBColor(0, 0, 0).mix(0.06)
}

fn wide_colour() -> RGBAColor {
    group_colour(0).mix(0.2)
}

fn narrow_colour() -> RGBAColor {
    group_colour(0).mix(0.25)
}

/// What the narrow band looks like, as it is drawn over the wide one: 1 - (1 - 0.2) (1 - 0.25).
fn both_bands_colour() -> RGBAColor {
    group_colour(0).mix(0.4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(x: &[f64], mean: &[f64], std: &[f64]) -> Result<(), PlotError> {
        let prediction = (x.to_vec(), mean.to_vec(), std.to_vec());
        PredictiveBand::new("title")
            .with_prediction(prediction.0, prediction.1, prediction.2)
            .save("no-such-folder/unused.png")
    }

    #[test]
    fn a_prediction_that_cannot_be_drawn_is_refused() {
        assert_eq!(band(&[], &[], &[]), Err(PlotError::Empty));
        let name = MEAN.to_owned();
        let mismatch = PlotError::LengthMismatch { name, expected: 1, actual: 2 };
        assert_eq!(band(&[0.0], &[0.0, 1.0], &[1.0]), Err(mismatch));
        let name = DEVIATION.to_owned();
        let not_finite = PlotError::NotFinite { name: name.clone(), index: 0 };
        assert_eq!(band(&[0.0], &[0.0], &[f64::NAN]), Err(not_finite));
        let negative = PlotError::NegativeDeviation { name, index: 1 };
        assert_eq!(band(&[0.0, 1.0], &[0.0, 0.0], &[0.0, -0.1]), Err(negative));
    }

    #[test]
    fn a_missing_folder_is_a_write_error() {
        let refused = band(&[1.0, 0.0], &[0.0, 0.0], &[1.0, 1.0]);
        assert!(matches!(refused, Err(PlotError::Write { .. })));
    }
}
