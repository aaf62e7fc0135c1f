//! A picture of series over common axes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use plotters::prelude::*;

use crate::PlotError;
use crate::axis::{Axis, MAX_TICKS, is_drawable};
use crate::canvas::{Area, Drawn, SCALE, SINK, draw_legend, save, text};
use crate::series::{Look, Series};

const HEIGHT: u32 = 600;
/// What the labels of the axes take, in pixels.
const X_TICKS: u32 = 56;
const Y_TICKS: u32 = 72;
const AXIS: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(228, 228, 228);

/// What is written at a tick.
#[derive(Clone)]
pub(crate) struct TickLabels(pub(crate) Arc<dyn Fn(&f64) -> String + Send + Sync>);

impl fmt::Debug for TickLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TickLabels")
    }
}

/// What a chart shows.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    title: String,
    /// Names of the axes, and which of them are logarithmic: `x`, then `y`.
    pub(crate) labels: [String; 2],
    pub(crate) log: [bool; 2],
    /// Whether both axes are as long as each other.
    pub(crate) square: bool,
    pub(crate) x_ticks: Option<TickLabels>,
    /// Drawn in this order, each over those before it.
    pub(crate) series: Vec<Series>,
}

impl Picture {
    pub(crate) fn new(title: String, labels: [String; 2]) -> Self {
        let series = Vec::new();
        Self { title, labels, log: [false; 2], square: false, x_ticks: None, series }
    }

    /// Writes a PNG file, replacing an earlier one in one step.
    pub(crate) fn save(&self, path: &Path) -> Result<(), PlotError> {
        self.check()?;
        save(path, HEIGHT, &self.title, |inside| self.draw(inside))
    }

    /// Refuses the first point that cannot be drawn.
    fn check(&self) -> Result<(), PlotError> {
        let drawn = |v: f64, log: bool| is_drawable(v) && (!log || v > 0.0);
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
        let (width, height) = data.dim_in_pixel();
        let side = (width + X_TICKS * SCALE).saturating_sub(height + Y_TICKS * SCALE) / 2;
        let side = if self.square { side } else { 0 };
        let mut chart = ChartBuilder::on(&data.margin(0, 0, side, side))
            .x_label_area_size(X_TICKS * SCALE)
            .y_label_area_size(Y_TICKS * SCALE)
            .build_cartesian_2d(x, y)?;
        let mut mesh = chart.configure_mesh();
        if let Some(TickLabels(label)) = &self.x_ticks {
            mesh.x_label_formatter(label.as_ref());
        }
        mesh.max_light_lines(0)
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
