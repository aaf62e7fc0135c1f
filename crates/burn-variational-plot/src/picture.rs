//! A picture of series over common axes.

use std::path::Path;

use plotters::prelude::*;

use crate::PlotError;
use crate::axis::{Axis, MAX_TICKS};
use crate::canvas::{Area, Drawn, SCALE, SINK, draw_legend, save, text};
use crate::series::{Look, Series};

const HEIGHT: u32 = 600;
const AXIS: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(228, 228, 228);

/// What a chart shows.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    title: String,
    /// Names of the axes, and which of them are logarithmic: `x`, then `y`.
    pub(crate) labels: [String; 2],
    pub(crate) log: [bool; 2],
    /// Drawn in this order, each over those before it.
    pub(crate) series: Vec<Series>,
}

impl Picture {
    pub(crate) fn new(title: String, labels: [String; 2]) -> Self {
        Self { title, labels, log: [false; 2], series: Vec::new() }
    }

    /// Writes a PNG file, replacing an earlier one in one step.
    pub(crate) fn save(&self, path: &Path) -> Result<(), PlotError> {
        self.check()?;
        save(path, HEIGHT, &self.title, |inside| self.draw(inside))
    }

    /// Refuses the first point that cannot be drawn.
    fn check(&self) -> Result<(), PlotError> {
        // The width of an axis, up to four times as much and its margins, must be finite too.
        let drawn = |v: f64, log: bool| v.abs() < f64::MAX / 16.0 && (!log || v > 0.0);
        let mut empty = true;
        for Series { name, look, points, .. } in &self.series {
            for &(x, y) in points {
                let (across, upright) = (*look == Look::Across, *look == Look::Upright);
                if !(across || drawn(x, self.log[0])) || !(upright || drawn(y, self.log[1])) {
                    return Err(PlotError::Point { name: name.clone().unwrap_or_default(), x, y });
                }
                empty &= across || upright;
            }
        }
        if empty { Err(PlotError::Empty) } else { Ok(()) }
    }

    fn draw(&self, inside: &Area<'_>) -> Drawn<()> {
        let data = draw_legend(inside, &self.series)?;
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::around(points().map(|point| point.0), self.log[0]);
        let y = Axis::around(points().map(|point| point.1), self.log[1]);
        let mut chart = ChartBuilder::on(&data)
            .x_label_area_size(56 * SCALE)
            .y_label_area_size(72 * SCALE)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .bold_line_style(GRID.stroke_width(SCALE))
            .axis_style(AXIS.stroke_width(SCALE))
            .set_all_tick_mark_size(5 * SCALE)
            .y_label_offset(SINK)
            .x_labels(MAX_TICKS)
            .y_labels(MAX_TICKS)
            .label_style(text(15))
            .axis_desc_style(text(17))
            .x_desc(&self.labels[0])
            .y_desc(&self.labels[1])
            .draw()?;
        self.series.iter().try_for_each(|series| series.draw(&mut chart))
    }
}
