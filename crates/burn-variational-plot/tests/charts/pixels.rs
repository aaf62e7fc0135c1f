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
