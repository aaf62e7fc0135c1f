//! What surrounds the data: title, legend, axes and grid.

use super::PlotError;
use super::axis::Axis;
use super::canvas::{Canvas, HEIGHT, Position, TextAnchor, WIDTH};
use plotters::style::{RGBAColor, RGBColor};

/// Colours of Okabe and Ito (2008), which colour-blind readers can tell apart, the faintest last.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];
pub(super) const REFERENCE_COLOUR: RGBColor = RGBColor(90, 90, 90);
const AXIS_COLOUR: RGBColor = RGBColor(120, 120, 120);
const GRID_COLOUR: RGBColor = RGBColor(228, 228, 228);

pub(super) const LINE_WIDTH: f64 = 2.0;
/// Dash and gap of a dashed curve.
pub(super) const DASHED: (f64, f64) = (7.0, 5.0);
/// Dash and gap of a reference line; the ends are round.
pub(super) const DOTTED: (f64, f64) = (0.1, 4.5);

const TITLE_SIZE: f64 = 21.0;
const LABEL_SIZE: f64 = 17.0;
const TICK_SIZE: f64 = 15.0;
const EDGE: f64 = 18.0;
const LEGEND_ROW: f64 = 22.0;
const LEGEND_SIZE: f64 = 14.0;
/// Width of a sample, its distance from the name, and the distance to the next column.
const LEGEND_SAMPLE: f64 = 30.0;
const LEGEND_SPACE: f64 = 7.0;
const LEGEND_GAP: f64 = 22.0;

/// Colour of a group of curves; the colours repeat after the seventh.
pub(super) fn group_colour(group: usize) -> RGBColor {
    PALETTE[group % PALETTE.len()]
}

/// How something looks, for its sample in the legend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sample {
    Line { colour: RGBColor },
    Dashes { colour: RGBColor, pattern: (f64, f64) },
    Disc { colour: RGBColor, radius: f64 },
    Area { colour: RGBAColor },
}

/// Title and names of the axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Titles<'a> {
    pub(super) title: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
}

/// The part of the picture that holds the data.
#[derive(Debug)]
pub(super) struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

impl Frame {
    /// Draws everything but the data, and tells where the data go.
    ///
    /// The legend stands between the title and the data, so it covers none of them.
    pub(super) fn draw(
        canvas: &Canvas<'_>,
        titles: Titles<'_>,
        legend: &[(String, Sample)],
        x: Axis,
        y: Axis,
    ) -> Result<Self, PlotError> {
        let (width, height) = (f64::from(WIDTH), f64::from(HEIGHT));
        let mut tick_width = 0.0f64;
        for tick in &y.ticks {
            tick_width = tick_width.max(Canvas::text_width(&tick.label, TICK_SIZE)?);
        }
        let title_middle = EDGE + TITLE_SIZE / 2.0;
        canvas.text(titles.title, TITLE_SIZE, TextAnchor::Centre, (width / 2.0, title_middle))?;
        let legend_top = title_middle + TITLE_SIZE;
        let legend_height = draw_legend(canvas, legend, legend_top)?;
        let frame = Self {
            left: EDGE + LABEL_SIZE + 14.0 + tick_width + 8.0,
            right: width - 1.5 * EDGE,
            top: legend_top + legend_height + 8.0,
            bottom: height - EDGE - LABEL_SIZE - 12.0 - TICK_SIZE - 6.0,
            x,
            y,
        };
        frame.draw_axes(canvas, titles)?;
        Ok(frame)
    }

    /// Where a point lies on the picture.
    pub(super) fn at(&self, (x, y): (f64, f64)) -> Position {
        (
            self.left + self.x.fraction(x) * (self.right - self.left),
            self.bottom - self.y.fraction(y) * (self.bottom - self.top),
        )
    }

    /// Where points lie on the picture.
    pub(super) fn all_at(&self, points: &[(f64, f64)]) -> Vec<Position> {
        points.iter().map(|&point| self.at(point)).collect()
    }

    /// The horizontal line through `y`, from edge to edge.
    pub(super) fn horizontal(&self, y: f64) -> [Position; 2] {
        let (_, y) = self.at((0.0, y));
        [(self.left, y), (self.right, y)]
    }

    /// Opposite corners of the full-height strip between two values of `x`.
    pub(super) fn strip(&self, low: f64, high: f64) -> (Position, Position) {
        let x = |value: f64| self.left + self.x.fraction(value) * (self.right - self.left);
        ((x(low), self.top), (x(high), self.bottom))
    }

    fn draw_axes(&self, canvas: &Canvas<'_>, titles: Titles<'_>) -> Result<(), PlotError> {
        let Self { left, right, top, bottom, .. } = *self;
        for tick in &self.x.ticks {
            let x = left + self.x.fraction(tick.value) * (right - left);
            canvas.stroke(&[(x, top), (x, bottom)], 1.0, GRID_COLOUR)?;
            let position = (x, bottom + 6.0 + TICK_SIZE / 2.0);
            canvas.text(&tick.label, TICK_SIZE, TextAnchor::Centre, position)?;
        }
        for tick in &self.y.ticks {
            let y = bottom - self.y.fraction(tick.value) * (bottom - top);
            canvas.stroke(&[(left, y), (right, y)], 1.0, GRID_COLOUR)?;
            canvas.text(&tick.label, TICK_SIZE, TextAnchor::Right, (left - 8.0, y))?;
        }
        canvas.stroke(&[(left, top), (left, bottom)], 1.0, AXIS_COLOUR)?;
        canvas.stroke(&[(left, bottom), (right, bottom)], 1.0, AXIS_COLOUR)?;
        let below = (f64::midpoint(left, right), f64::from(HEIGHT) - EDGE - LABEL_SIZE / 2.0);
        canvas.text(titles.x_label, LABEL_SIZE, TextAnchor::Centre, below)?;
        let beside = (EDGE + LABEL_SIZE / 2.0, f64::midpoint(top, bottom));
        canvas.text(titles.y_label, LABEL_SIZE, TextAnchor::Upwards, beside)
    }
}

/// Draws the legend as a table, in as few rows as fit, and tells its height.
fn draw_legend(
    canvas: &Canvas<'_>,
    legend: &[(String, Sample)],
    top: f64,
) -> Result<f64, PlotError> {
    let mut widths = Vec::new();
    for (name, _) in legend {
        let text_width = Canvas::text_width(name, LEGEND_SIZE)?;
        widths.push(LEGEND_SAMPLE + LEGEND_SPACE + text_width + LEGEND_GAP);
    }
    // Column by column: curves added one after the other, such as train and valid, stand together.
    let column_widths = |rows: usize| -> Vec<f64> {
        let widest = |column: &[f64]| column.iter().copied().fold(0.0, f64::max);
        widths.chunks(rows).map(widest).collect()
    };
    let fits = |&rows: &usize| column_widths(rows).iter().sum::<f64>() <= f64::from(WIDTH);
    let rows = (1..=legend.len()).find(fits).unwrap_or(legend.len().max(1));
    let column_widths = column_widths(rows);
    // The gap after the last column is not seen.
    let seen = column_widths.iter().sum::<f64>() - LEGEND_GAP;
    let mut left = (f64::from(WIDTH) - seen) / 2.0;
    let mut height = 0.0f64;
    for (column, width) in legend.chunks(rows).zip(column_widths) {
        let mut row_top = 0.0;
        for (name, sample) in column {
            let middle = top + row_top + LEGEND_ROW / 2.0;
            draw_sample(canvas, *sample, (left, middle))?;
            let position = (left + LEGEND_SAMPLE + LEGEND_SPACE, middle);
            canvas.text(name, LEGEND_SIZE, TextAnchor::Left, position)?;
            row_top += LEGEND_ROW;
        }
        height = height.max(row_top);
        left += width;
    }
    Ok(height)
}

fn draw_sample(canvas: &Canvas<'_>, sample: Sample, (x, y): Position) -> Result<(), PlotError> {
    let line = [(x, y), (x + LEGEND_SAMPLE, y)];
    match sample {
        Sample::Line { colour } => canvas.stroke(&line, LINE_WIDTH, colour),
        Sample::Dashes { colour, pattern } => canvas.dash(&line, pattern, LINE_WIDTH, colour),
        Sample::Disc { colour, radius } => {
            canvas.disc((x + LEGEND_SAMPLE / 2.0, y), radius, colour)
        }
        Sample::Area { colour } => {
            canvas.rectangle((x, y - 7.0), (x + LEGEND_SAMPLE, y + 7.0), colour)
        }
    }
}
