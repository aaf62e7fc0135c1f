//! What all charts share: title, legend, axes, and the way to a file.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Once;

use image::{ImageFormat, RgbImage, imageops};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::PlotError;
use crate::axis::{Axis, MAX_TICKS};
use crate::series::{Look, Series};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 600;
/// A picture is drawn this much larger, then averaged down: plotters smooths text but not lines.
pub(crate) const SCALE: u32 = 3;
/// How far text that is centred on a line must sink for its capitals to be so.
const SINK: i32 = 2 * SCALE.cast_signed();
const FONT: &str = "burn-variational-plot";
const TEXT: RGBColor = RGBColor(40, 40, 40);
const AXIS: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(228, 228, 228);

/// Whatever the drawing library or the system reports.
pub(crate) type Drawn<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

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
        let saved = self.draw().and_then(|image| replace(path, &image));
        saved.map_err(|source| PlotError::Save { path: path.to_owned(), source })
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

    fn draw(&self) -> Drawn<RgbImage> {
        static FONT_REGISTERED: Once = Once::new();
        FONT_REGISTERED.call_once(|| {
            // A rejected font shows up as an error at the first text.
            let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        });
        let mut fine = RgbImage::new(WIDTH * SCALE, HEIGHT * SCALE);
        let size = fine.dimensions();
        let root = BitMapBackend::with_buffer(&mut fine, size).into_drawing_area();
        root.fill(&WHITE)?;
        let edge = 18 * SCALE;
        let inside = root.margin(edge, edge, edge, edge).titled(&self.title, text(21))?;
        let data = self.draw_legend(&inside)?;
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
        self.series.iter().try_for_each(|series| series.draw(&mut chart))?;
        root.present()?;
        drop((root, inside, data, chart));
        Ok(imageops::thumbnail(&fine, WIDTH, HEIGHT))
    }

    /// Draws the legend at the top, where it covers no data, and returns the area under it.
    ///
    /// Column by column: curves added one after the other, such as train and valid, stand together.
    fn draw_legend<'a>(&self, area: &Area<'a>) -> Drawn<Area<'a>> {
        const SAMPLE: u32 = 30 * SCALE;
        const ROW: u32 = 22 * SCALE;
        let style = text(14).pos(Pos::new(HPos::Left, VPos::Center));
        let mut entries = Vec::new();
        let mut widest = 1;
        for series in &self.series {
            if let Some(name) = &series.name {
                widest = widest.max(area.estimate_text_size(name, &style)?.0 + SAMPLE + 29 * SCALE);
                entries.push((name, series.sample()));
            }
        }
        let width = area.dim_in_pixel().0;
        let rows = entries.len().div_ceil((width / widest).max(1) as usize).max(1);
        let columns = entries.len().div_ceil(rows).max(1);
        let (legend, data) = area.split_vertically(ROW * rows as u32 + 16 * SCALE);
        let side = width.saturating_sub(widest * columns as u32) / 2;
        let cells = legend.margin(8 * SCALE, 8 * SCALE, side, side).split_evenly((rows, columns));
        let name_at = ((SAMPLE + 7 * SCALE).cast_signed(), (ROW / 2).cast_signed() + SINK);
        for (index, (name, sample)) in entries.iter().enumerate() {
            let cell = &cells[index % rows * columns + index / rows];
            cell.draw_text(name, &style, name_at)?;
            let unit = Axis::around([0.0, 1.0].into_iter(), false);
            let (left, _) = cell.split_horizontally(SAMPLE);
            sample.draw(&mut ChartBuilder::on(&left).build_cartesian_2d(unit.clone(), unit)?)?;
        }
        Ok(data)
    }
}

/// Text of a size in pixels of the picture.
fn text(size: u32) -> TextStyle<'static> {
    TextStyle::from((FONT, size * SCALE)).color(&TEXT)
}

/// Writes beside the target first: renaming is atomic, so no reader sees half a picture.
fn replace(path: &Path, image: &RgbImage) -> Drawn<()> {
    let mut name = path.file_name().ok_or("the path has no file name")?.to_owned();
    // Always the same name, so that what a kill leaves behind is gone after the next picture.
    name.push(".partial");
    let partial = path.with_file_name(name);
    let written = image.save_with_format(&partial, ImageFormat::Png).map_err(Into::into);
    let replaced = written.and_then(|()| Ok(fs::rename(&partial, path)?));
    if replaced.is_err() {
        // The reason to report is why writing failed, not what became of the remains.
        let _ = fs::remove_file(&partial);
    }
    replaced
}
