//! What every picture is drawn on: a bitmap, its text, and a legend.

use std::error::Error;
use std::path::Path;
use std::sync::Once;

use image::{ImageFormat, RgbImage, imageops};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::PlotError;
use crate::axis::Axis;
use crate::file::replace;
use crate::series::Series;

/// The width of every picture, in pixels.
pub(crate) const WIDTH: u32 = 960;
/// What is left free around a picture.
pub(crate) const EDGE: u32 = 18;
/// A picture is drawn this much larger, then averaged down: plotters smooths text but not lines.
pub(crate) const SCALE: u32 = 3;
/// How far text that is centred on a line must sink for its capitals to be so.
pub(crate) const SINK: i32 = 2 * SCALE.cast_signed();
const FONT: &str = "burn-variational-plot";
const TEXT: RGBColor = RGBColor(40, 40, 40);

/// Whatever the drawing library or the system reports.
pub(crate) type Drawn<T> = Result<T, Box<dyn Error + Send + Sync>>;
pub(crate) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Writes a PNG file of this height under a title, replacing an earlier one in one step.
pub(crate) fn save(
    path: &Path,
    height: u32,
    title: &str,
    draw: impl FnOnce(&Area<'_>) -> Drawn<()>,
) -> Result<(), PlotError> {
    replace(path, |partial| {
        let image = image(height, title, draw)?;
        Ok(image.save_with_format(partial, ImageFormat::Png)?)
    })
}

fn image(height: u32, title: &str, draw: impl FnOnce(&Area<'_>) -> Drawn<()>) -> Drawn<RgbImage> {
    register_font_once();
    let mut fine = RgbImage::new(WIDTH * SCALE, height * SCALE);
    let size = fine.dimensions();
    let root = BitMapBackend::with_buffer(&mut fine, size).into_drawing_area();
    root.fill(&WHITE)?;
    let edge = EDGE * SCALE;
    let inside = root.margin(edge, edge, edge, edge).titled(title, text(21))?;
    draw(&inside)?;
    root.present()?;
    drop((root, inside));
    Ok(imageops::thumbnail(&fine, WIDTH, height))
}

fn register_font_once() {
    static FONT_REGISTERED: Once = Once::new();
    FONT_REGISTERED.call_once(|| {
        // A rejected font shows up as an error at the first text.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
    });
}

/// The width of text, in ems: in sizes of the font as other programs count them.
pub(crate) fn width_in_ems(text: &str) -> Drawn<f64> {
    /// Pixels in an em, which widths are rounded to.
    const EM: f64 = 1000.0;
    // Plotters counts the size of a font from the top of a line to its bottom.
    const LINE: f64 = 2384.0 / 2048.0;
    register_font_once();
    let font = FontDesc::new(FontFamily::Name(FONT), EM * LINE, FontStyle::Normal);
    Ok(f64::from(font.box_size(text)?.0) / EM)
}

/// Text of a size in pixels of the picture.
pub(crate) fn text(size: u32) -> TextStyle<'static> {
    TextStyle::from((FONT, size * SCALE)).color(&TEXT)
}

/// Draws the legend of those series that have a name at the top, where it covers no data, and
/// returns the area under it.
///
/// Column by column: curves added one after the other, such as train and valid, stand together.
pub(crate) fn draw_legend<'a>(area: &Area<'a>, series: &[Series]) -> Drawn<Area<'a>> {
    const SAMPLE: u32 = 30 * SCALE;
    const ROW: u32 = 22 * SCALE;
    let style = text(14).pos(Pos::new(HPos::Left, VPos::Center));
    let mut entries = Vec::new();
    let mut widest = 1;
    for series in series {
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
