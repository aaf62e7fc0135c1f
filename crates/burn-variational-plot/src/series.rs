//! What is drawn on a picture, and named in its legend.

use plotters::prelude::*;

use crate::axis::Axis;
use crate::canvas::{Drawn, SCALE};

/// Width of a line, in pixels before the picture is scaled down.
const LINE: u32 = 2 * SCALE;
pub(crate) const N_COLOURS: usize = 7;
/// Colours of Okabe and Ito (2008), which colour-blind readers can tell apart, the faintest last.
const PALETTE: [RGBColor; N_COLOURS] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    BLACK,
];

/// What was observed.
pub(crate) const OBSERVED: RGBColor = RGBColor(40, 40, 40);
/// What the rest is held against.
pub(crate) const REFERENCE: RGBColor = RGBColor(90, 90, 90);

/// Colour of a group of curves; the colours repeat after the seventh.
pub(crate) fn group_colour(group: usize) -> RGBColor {
    PALETTE[group % PALETTE.len()]
}

/// A chart on a bitmap.
pub(crate) type Chart<'a> = ChartContext<'a, BitMapBackend<'a>, Cartesian2d<Axis, Axis>>;

/// How points become a drawing: the finer, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// An area from the bottom to the top of the chart: its values of `y` are infinite.
    Upright,
    /// The polygon between the points.
    Area,
    /// A dotted line from side to side: its values of `x` are infinite.
    Across,
    /// Thin lines from the first point to the second, from the third to the fourth and so on.
    Bars,
    Dashes,
    Line,
    /// A disc at each point, of a radius in pixels.
    Discs(u32),
}

/// Points of one look; those with a name are in the legend.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: Option<String>,
    pub(crate) look: Look,
    pub(crate) colour: RGBAColor,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    pub(crate) fn new(look: Look, colour: impl Color, points: Vec<(f64, f64)>) -> Self {
        Self { name: None, look, colour: colour.to_rgba(), points }
    }

    /// The area between a lower and an upper line.
    pub(crate) fn between(
        colour: impl Color,
        lower: impl IntoIterator<Item = (f64, f64)>,
        upper: impl IntoIterator<Item = (f64, f64), IntoIter: DoubleEndedIterator>,
    ) -> Self {
        let outline = lower.into_iter().chain(upper.into_iter().rev());
        Self::new(Look::Area, colour, outline.collect())
    }

    /// The dashed line of `y = x`.
    pub(crate) fn identity(low: f64, high: f64) -> Self {
        Self::new(Look::Dashes, REFERENCE, vec![(low, low), (high, high)])
    }

    pub(crate) fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    pub(crate) fn draw(&self, chart: &mut Chart<'_>) -> Drawn<()> {
        let (stroke, filled) = (self.colour.stroke_width(LINE), self.colour.filled());
        let points = self.points.iter().copied();
        let discs = |radius| points.clone().map(move |point| Circle::new(point, radius, filled));
        match self.look {
            Look::Line => {
                // Each stretch by itself, with round joints: plotters outlines a line as one
                // polygon, which has holes where a jagged line crosses itself.
                let stretches = self.points.windows(2);
                chart.draw_series(stretches.map(|ends| PathElement::new(ends, stroke)))?;
                chart.draw_series(discs(LINE / 2))?;
            }
            Look::Bars => {
                let thin = self.colour.stroke_width(SCALE);
                let bars = self.points.chunks_exact(2);
                chart.draw_series(bars.map(|ends| PathElement::new(ends, thin)))?;
            }
            Look::Dashes => {
                let (dash, gap) = (7 * SCALE, 5 * SCALE);
                chart.draw_series(DashedLineSeries::new(points, dash, gap, stroke))?;
            }
            Look::Across => {
                let dot = move |at| Circle::new(at, LINE / 2, filled);
                chart.draw_series(DottedLineSeries::new(points, 0, 9 * SCALE / 2, dot))?;
            }
            Look::Discs(radius) => {
                chart.draw_series(discs(radius * SCALE))?;
            }
            Look::Area | Look::Upright => {
                chart.draw_series([Polygon::new(self.points.clone(), self.colour)])?;
            }
        }
        Ok(())
    }

    /// The same look on the unit square, for the legend.
    pub(crate) fn sample(&self) -> Self {
        let points = match self.look {
            Look::Discs(_) => vec![(0.5, 0.5)],
            Look::Area | Look::Upright => vec![(0.0, 0.15), (1.0, 0.15), (1.0, 0.85), (0.0, 0.85)],
            Look::Bars => vec![(0.5, 0.0), (0.5, 1.0)],
            Look::Across | Look::Dashes | Look::Line => vec![(0.0, 0.5), (1.0, 0.5)],
        };
        Self::new(self.look, self.colour, points)
    }
}
