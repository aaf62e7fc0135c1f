//! Lines over a common axis.

use super::axis::Axis;
use super::canvas::{self, Canvas};
use super::frame::{
    DASHED, DOTTED, Frame, LINE_WIDTH, REFERENCE_COLOUR, Sample, Titles, group_colour,
};
use super::{PlotError, check_finite};
use plotters::style::WHITE;
use std::path::Path;

/// Curves of up to this many points show each of them.
const MOST_MARKED_POINTS: usize = 40;
const MARK_RADIUS: f64 = 3.5;

/// A line with a name.
///
/// A curve without points is only named in the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name in the legend.
    pub name: String,
    /// Points `(x, y)` in the order in which the line joins them.
    pub points: Vec<(f64, f64)>,
    /// Dashed instead of solid.
    pub dashed: bool,
    /// Colour group: curves of one group share a colour. There are seven colours; group 7 looks
    /// like group 0.
    pub colour: usize,
}

impl Curve {
    /// A solid line in the colour of a group.
    pub fn new(name: impl Into<String>, colour: usize, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, dashed: false, colour }
    }

    /// The same curve, dashed.
    #[must_use]
    pub fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    fn draw(&self, canvas: &Canvas<'_>, frame: &Frame) -> Result<(), PlotError> {
        let (points, colour) = (frame.all_at(&self.points), group_colour(self.colour));
        if self.dashed {
            canvas.dash(&points, DASHED, LINE_WIDTH, colour)?;
        } else {
            canvas.stroke(&points, LINE_WIDTH, colour)?;
        }
        if points.len() <= MOST_MARKED_POINTS {
            for point in points {
                canvas.disc(point, MARK_RADIUS, colour)?;
                if self.dashed {
                    canvas.disc(point, MARK_RADIUS - LINE_WIDTH, WHITE)?;
                }
            }
        }
        Ok(())
    }

    fn sample(&self) -> Sample {
        let colour = group_colour(self.colour);
        if self.dashed {
            Sample::Dashes { colour, pattern: DASHED }
        } else {
            Sample::Line { colour }
        }
    }
}

/// A chart of several curves, such as learning curves.
///
/// # Example
///
/// ```
/// use burn_variational_mc::plot::{Curve, LineChart, PlotError};
///
/// let chart = LineChart::new("Perplexity", "epoch", "perplexity")
///     .with_curve(Curve::new("valid", 0, vec![(1.0, 320.0), (2.0, f64::NAN)]));
/// let refused = chart.save("never-written.png");
/// assert_eq!(refused, Err(PlotError::NotFinite { name: "valid".into(), index: 1 }));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    title: String,
    x_label: String,
    y_label: String,
    curves: Vec<Curve>,
    log_y: bool,
    reference: Option<(String, f64)>,
}

impl LineChart {
    /// A chart without curves, with linear axes.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            x_label: x_label.into(),
            y_label: y_label.into(),
            curves: Vec::new(),
            log_y: false,
            reference: None,
        }
    }

    /// Adds a curve, drawn over those before it.
    #[must_use]
    pub fn with_curve(mut self, curve: Curve) -> Self {
        self.curves.push(curve);
        self
    }

    /// Makes the `y` axis logarithmic.
    #[must_use]
    pub fn with_log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Draws a dotted horizontal line at `y`, such as the least perplexity that can be reached.
    #[must_use]
    pub fn with_reference(mut self, name: impl Into<String>, y: f64) -> Self {
        self.reference = Some((name.into(), y));
        self
    }

    /// Writes the chart as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if no curve has a point, [`PlotError::NotFinite`] or (on a logarithmic
    /// axis) [`PlotError::NotPositive`] if a value cannot be drawn, [`PlotError::Write`] if the
    /// file cannot be written: its folder must exist. An earlier file is then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.check()?;
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let x = Axis::linear(points().map(|point| point.0));
        let reference = self.reference.as_ref().map(|reference| reference.1);
        let ys = points().map(|point| point.1).chain(reference);
        let y = if self.log_y { Axis::log(ys) } else { Axis::linear(ys) };
        canvas::save(path.as_ref(), |canvas| {
            let titles =
                Titles { title: &self.title, x_label: &self.x_label, y_label: &self.y_label };
            let frame = Frame::draw(canvas, titles, &self.legend(), x, y)?;
            if let Some((_, y)) = self.reference {
                canvas.dash(&frame.horizontal(y), DOTTED, LINE_WIDTH, REFERENCE_COLOUR)?;
            }
            self.curves.iter().try_for_each(|curve| curve.draw(canvas, &frame))
        })
    }

    fn check(&self) -> Result<(), PlotError> {
        if self.curves.iter().all(|curve| curve.points.is_empty()) {
            return Err(PlotError::Empty);
        }
        let reference = self.reference.iter().map(|(name, y)| (name.as_str(), vec![(0.0, *y)]));
        let curves = self.curves.iter().map(|curve| (curve.name.as_str(), curve.points.clone()));
        for (name, points) in curves.chain(reference) {
            check_finite(name, &points)?;
            let refused = points.iter().position(|&(_, y)| self.log_y && y <= 0.0);
            if let Some(index) = refused {
                return Err(PlotError::NotPositive { name: name.to_owned(), index });
            }
        }
        Ok(())
    }

    fn legend(&self) -> Vec<(String, Sample)> {
        let curves = self.curves.iter().map(|curve| (curve.name.clone(), curve.sample()));
        let sample = Sample::Dashes { colour: REFERENCE_COLOUR, pattern: DOTTED };
        let reference = self.reference.iter().map(|(name, _)| (name.clone(), sample));
        curves.chain(reference).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process};

    fn chart(points: Vec<(f64, f64)>) -> LineChart {
        LineChart::new("title", "x", "y").with_curve(Curve::new("curve", 0, points))
    }

    #[test]
    fn a_chart_without_points_is_refused() {
        assert_eq!(LineChart::new("title", "x", "y").save("unused.png"), Err(PlotError::Empty));
        assert_eq!(chart(vec![]).save("unused.png"), Err(PlotError::Empty));
    }

    #[test]
    fn a_value_that_cannot_be_drawn_is_refused_by_the_name_of_its_curve() {
        for point in [(1.0, f64::NAN), (f64::INFINITY, 1.0)] {
            let refused = chart(vec![(0.0, 1.0), point]).save("unused.png");
            assert_eq!(refused, Err(PlotError::NotFinite { name: "curve".into(), index: 1 }));
        }
        let refused = chart(vec![(0.0, 0.0)]).with_log_y().save("unused.png");
        assert_eq!(refused, Err(PlotError::NotPositive { name: "curve".into(), index: 0 }));
        let refused = chart(vec![(0.0, 1.0)]).with_reference("line", f64::NAN).save("unused.png");
        assert_eq!(refused, Err(PlotError::NotFinite { name: "line".into(), index: 0 }));
    }

    #[test]
    fn a_saved_chart_is_a_png_of_the_stated_size() {
        let path = env::temp_dir().join(format!("line-chart-{}.png", process::id()));
        fs::write(&path, "an earlier file").unwrap();
        chart(vec![(0.0, 1.0)]).with_log_y().save(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
        // The header holds width and height as four bytes each, high byte first.
        assert_eq!(bytes[16..24], [0, 0, 3, 192, 0, 0, 2, 88]);
        fs::remove_file(path).unwrap();
    }
}
