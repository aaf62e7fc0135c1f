//! A picture in memory.

use super::PlotError;
use super::png_file::write_png;
use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Circle, Color, DrawingArea, FontTransform, IntoDrawingArea, IntoFont,
    PathElement, Polygon, RGBAColor, RGBColor, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontStyle, TextStyle, register_font};
use std::fmt::Display;
use std::path::Path;
use std::sync::Once;

pub(super) const WIDTH: u16 = 960;
pub(super) const HEIGHT: u16 = 600;
/// The picture is drawn this much larger, then averaged down: the drawing library smooths text
/// but not lines.
pub(super) const OVERSAMPLING: u16 = 3;
pub(super) const CHANNELS: usize = 3;
const FONT: &str = "sans-serif";
const TEXT_COLOUR: RGBColor = RGBColor(40, 40, 40);

/// A position in pixels of the picture, from its upper left corner.
pub(super) type Position = (f64, f64);

/// Which way a text runs, and which of its points lies at the given position.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextAnchor {
    Left,
    Centre,
    Right,
    /// Centred, read from bottom to top.
    Upwards,
}

/// Something to draw on, in pixels of the picture.
pub(super) struct Canvas<'a> {
    area: DrawingArea<BitMapBackend<'a>, Shift>,
}

impl Canvas<'_> {
    /// Draws a line with round joints and ends.
    ///
    /// Each stretch is drawn by itself: outlining a long jagged line as one polygon leaves holes.
    pub(super) fn stroke(
        &self,
        points: &[Position],
        width: f64,
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        let style = colour.stroke_width(length(width));
        for pair in points.windows(2) {
            let ends = [fine(pair[0]), fine(pair[1])];
            self.area.draw(&PathElement::new(ends, style)).map_err(draw_error)?;
        }
        // A thin line has no visible joints.
        let joints = if width > 1.0 { points } else { &[] };
        joints.iter().try_for_each(|&point| self.disc(point, width / 2.0, colour))
    }

    /// Draws a line as dashes of the given length with gaps of another.
    pub(super) fn dash(
        &self,
        points: &[Position],
        (dash, gap): (f64, f64),
        width: f64,
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        dashes(points, dash, gap).iter().try_for_each(|dash| self.stroke(dash, width, colour))
    }

    /// Fills a circle.
    pub(super) fn disc(
        &self,
        centre: Position,
        radius: f64,
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        let disc = Circle::new(fine(centre), length(radius), colour.filled());
        self.area.draw(&disc).map_err(draw_error)
    }

    /// Fills a polygon.
    pub(super) fn polygon(&self, corners: &[Position], colour: RGBAColor) -> Result<(), PlotError> {
        let corners: Vec<_> = corners.iter().copied().map(fine).collect();
        self.area.draw(&Polygon::new(corners, colour)).map_err(draw_error)
    }

    /// Fills the rectangle between two opposite corners.
    pub(super) fn rectangle(
        &self,
        a: Position,
        b: Position,
        colour: RGBAColor,
    ) -> Result<(), PlotError> {
        self.polygon(&[a, (b.0, a.1), b, (a.0, b.1)], colour)
    }

    /// Writes one line of text; its capitals are centred on the position, across the text.
    pub(super) fn text(
        &self,
        text: &str,
        size: f64,
        anchor: TextAnchor,
        position: Position,
    ) -> Result<(), PlotError> {
        /// Distance from the middle of the capitals up to the drawing library's origin, as a
        /// share of the font size.
        const RISE: f64 = 0.187;
        let (h_pos, transform) = match anchor {
            TextAnchor::Left => (HPos::Left, FontTransform::None),
            TextAnchor::Centre => (HPos::Center, FontTransform::None),
            TextAnchor::Right => (HPos::Right, FontTransform::None),
            TextAnchor::Upwards => (HPos::Center, FontTransform::Rotate270),
        };
        let shifted = match anchor {
            TextAnchor::Upwards => (position.0 - RISE * size, position.1),
            _ => (position.0, position.1 - RISE * size),
        };
        let style = TextStyle::from(font(size).transform(transform))
            .pos(Pos::new(h_pos, VPos::Top))
            .color(&TEXT_COLOUR);
        self.area.draw_text(text, &style, fine(shifted)).map_err(draw_error)
    }

    /// Width of a text in pixels.
    pub(super) fn text_width(text: &str, size: f64) -> Result<f64, PlotError> {
        let (width, _height) = font(size).box_size(text).map_err(draw_error)?;
        Ok(f64::from(width) / f64::from(OVERSAMPLING))
    }
}

/// Draws a picture and writes it as a PNG file, replacing the file in one step.
pub(super) fn save(
    path: &Path,
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), PlotError>,
) -> Result<(), PlotError> {
    register_fonts();
    let size = (u32::from(WIDTH * OVERSAMPLING), u32::from(HEIGHT * OVERSAMPLING));
    let mut fine_pixels = vec![0; size.0 as usize * size.1 as usize * CHANNELS];
    let area = BitMapBackend::with_buffer(&mut fine_pixels, size).into_drawing_area();
    area.fill(&WHITE).map_err(draw_error)?;
    let canvas = Canvas { area };
    draw(&canvas)?;
    canvas.area.present().map_err(draw_error)?;
    drop(canvas);
    write_png(path, &fine_pixels)
        .map_err(|message| PlotError::Write { path: path.to_owned(), message })
}

fn register_fonts() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // A rejected font shows up as an error at the first text.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
    });
}

fn font(size: f64) -> FontDesc<'static> {
    (FONT, size * f64::from(OVERSAMPLING)).into_font()
}

/// A position in oversampled pixels.
fn fine((x, y): Position) -> (i32, i32) {
    #[expect(clippy::cast_possible_truncation, reason = "a position lies on the picture")]
    let scale = |value: f64| (value * f64::from(OVERSAMPLING)).round() as i32;
    (scale(x), scale(y))
}

/// A length in oversampled pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths are small")]
fn length(value: f64) -> u32 {
    (value * f64::from(OVERSAMPLING)).round() as u32
}

/// The dashes along a line.
fn dashes(points: &[Position], dash: f64, gap: f64) -> Vec<Vec<Position>> {
    let Some(&first) = points.first() else {
        return Vec::new();
    };
    let mut dashes = vec![vec![first]];
    let (mut drawing, mut left) = (true, dash);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let distance = (to.0 - from.0).hypot(to.1 - from.1);
            let cut = distance > left;
            let share = if cut { left / distance } else { 1.0 };
            from = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            if drawing && let Some(dash) = dashes.last_mut() {
                dash.push(from);
            }
            if !cut {
                left -= distance;
                break;
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
            if drawing {
                dashes.push(vec![from]);
            }
        }
    }
    dashes
}

fn draw_error(error: impl Display) -> PlotError {
    PlotError::Draw { message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_turn_corners_and_keep_their_length() {
        let corner = [(0.0, 0.0), (4.0, 0.0), (4.0, 6.0)];
        let expected = [[(0.0, 0.0), (3.0, 0.0)], [(4.0, 1.0), (4.0, 4.0)]];
        assert_eq!(dashes(&corner, 3.0, 2.0), expected);
    }
}
