//! Pictures as pixels.

use burn_variational_plot::PlotError;
use image::RgbImage;

pub(crate) const BLUE: [u8; 3] = [0, 114, 178];
pub(crate) const ORANGE: [u8; 3] = [213, 94, 0];
pub(crate) const GREEN: [u8; 3] = [0, 158, 115];

/// The lowest pixel of a title and a legend of one line.
pub(crate) const LEGEND_END: u32 = 90;

pub(crate) fn picture(save: impl FnOnce(&str) -> Result<(), PlotError>) -> RgbImage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chart.png");
    save(path.to_str().unwrap()).unwrap();
    image::open(path).unwrap().into_rgb8()
}

/// Whether a pixel has a colour, give or take a rounding.
pub(crate) fn is(picture: &RgbImage, (x, y): (u32, u32), colour: [u8; 3]) -> bool {
    picture.get_pixel(x, y).0.iter().zip(&colour).all(|(a, b)| a.abs_diff(*b) <= 2)
}

/// The rows, under the legend, in which a column has a colour.
pub(crate) fn rows(
    column: u32,
    colour: [u8; 3],
    save: impl FnOnce(&str) -> Result<(), PlotError>,
) -> Vec<u32> {
    let picture = picture(save);
    assert_eq!(picture.dimensions(), (960, 600));
    (LEGEND_END..600).filter(|&row| is(&picture, (column, row), colour)).collect()
}

/// The smallest rectangle under the legend that holds all pixels of some colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) top: u32,
    pub(crate) bottom: u32,
}

impl Bounds {
    pub(crate) fn of(picture: &RgbImage, holds: impl Fn((u32, u32)) -> bool) -> Self {
        let (width, height) = picture.dimensions();
        let none = Self { left: width, right: 0, top: height, bottom: 0 };
        let all = (LEGEND_END..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        all.filter(|&at| holds(at)).fold(none, |bounds, (x, y)| Self {
            left: bounds.left.min(x),
            right: bounds.right.max(x + 1),
            top: bounds.top.min(y),
            bottom: bounds.bottom.max(y + 1),
        })
    }

    pub(crate) fn width(self) -> u32 {
        self.right - self.left
    }

    pub(crate) fn height(self) -> u32 {
        self.bottom - self.top
    }

    /// Twice the middle, in pixels.
    pub(crate) fn middle(self) -> (u32, u32) {
        (self.left + self.right, self.top + self.bottom)
    }
}

/// Whether a pixel is of blue, at any opacity.
pub(crate) fn is_bluish(picture: &RgbImage, (x, y): (u32, u32)) -> bool {
    let [red, _, blue] = picture.get_pixel(x, y).0;
    i32::from(blue) - i32::from(red) > 40
}

/// Whether a pixel is of orange, at any opacity.
pub(crate) fn is_orangish(picture: &RgbImage, (x, y): (u32, u32)) -> bool {
    let [red, _, blue] = picture.get_pixel(x, y).0;
    i32::from(red) - i32::from(blue) > 40
}
