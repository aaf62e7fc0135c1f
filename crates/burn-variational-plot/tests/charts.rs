//! Charts as their readers see them: pixels, and files.

use std::fs;

use burn_variational_plot::{Curve, LineChart, MaskGrid, MaskScheme, PlotError, PredictiveBand};
use image::RgbImage;

const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [213, 94, 0];
const GREEN: [u8; 3] = [0, 158, 115];
const DROPPED: [u8; 3] = [238, 238, 238];
/// Blue over white, at the opacity of two deviations and of one.
const WIDE: [u8; 3] = [204, 226, 239];
const NARROW: [u8; 3] = [153, 198, 223];

/// The lowest pixel of a title and a legend of one line.
const LEGEND_END: u32 = 90;

fn picture(save: impl FnOnce(&str) -> Result<(), PlotError>) -> RgbImage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chart.png");
    save(path.to_str().unwrap()).unwrap();
    image::open(path).unwrap().into_rgb8()
}

/// Whether a pixel has a colour, give or take a rounding.
fn is(picture: &RgbImage, (x, y): (u32, u32), colour: [u8; 3]) -> bool {
    picture.get_pixel(x, y).0.iter().zip(&colour).all(|(a, b)| a.abs_diff(*b) <= 2)
}

/// The rows, under the legend, in which a column has a colour.
fn rows(
    column: u32,
    colour: [u8; 3],
    save: impl FnOnce(&str) -> Result<(), PlotError>,
) -> Vec<u32> {
    let picture = picture(save);
    assert_eq!(picture.dimensions(), (960, 600));
    (LEGEND_END..600).filter(|&row| is(&picture, (column, row), colour)).collect()
}

fn flat(name: &str, group: usize, y: f64) -> Curve {
    Curve::new(name, group, [(0.0, y), (1.0, y)])
}

#[test]
fn a_log_axis_puts_equal_ratios_at_equal_distances() {
    let chart = LineChart::new("title", "x", "y")
        .with_curve(flat("one", 0, 1.0))
        .with_curve(flat("ten", 1, 10.0))
        .with_curve(flat("hundred", 2, 100.0));
    let first = |chart: &LineChart| {
        [BLUE, ORANGE, GREEN].map(|colour| rows(400, colour, |path| chart.save(path))[0])
    };
    let [one, ten, hundred] = first(&chart);
    // On a linear axis nine of ninety-nine parts, ...
    assert!(one - ten < (one - hundred) / 10);
    // ... and on a logarithmic one a half, but for a rounding.
    let [one, ten, hundred] = first(&chart.with_log_y());
    assert!((one - ten).abs_diff(ten - hundred) <= 1);
    assert!(one - hundred > 300);
}

#[test]
fn a_band_is_two_and_four_standard_deviations_wide() {
    let band = PredictiveBand::new("title").with_prediction([(1.0, 0.0, 1.0), (0.0, 0.0, 1.0)]);
    let wide = rows(400, WIDE, |path| band.save(path));
    let narrow = rows(400, NARROW, |path| band.save(path));
    // The axis from -2 to 2 and its margins take the height; grid lines and the mean are few rows.
    assert!(wide.len() > 180 && wide.len().abs_diff(narrow.len()) < 12);
    assert!(wide[0] < narrow[0] && narrow[narrow.len() - 1] < wide[wide.len() - 1]);
}

/// What is drawn at the middle of each cell of masks that fill the picture from side to side, from
/// the lowest row of them upwards, among these colours.
fn cells(picture: &RgbImage, [columns, rows]: [u32; 2], colours: &[[u8; 3]]) -> Vec<Vec<usize>> {
    let (width, height) = picture.dimensions();
    let find = |at| colours.iter().position(|&colour| is(picture, at, colour));
    let within: Vec<_> = (LEGEND_END..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .filter(|&at| find(at).is_some())
        .collect();
    let ends = |of: fn(&(u32, u32)) -> u32| {
        let (low, high) =
            (within.iter().map(of).min().unwrap(), within.iter().map(of).max().unwrap());
        (low, high + 1 - low)
    };
    let ((left, across), (top, down)) = (ends(|at| at.0), ends(|at| at.1));
    let middle = |start, size, cell, cells| start + size * (2 * cell + 1) / (2 * cells);
    let row = |row| {
        let y = middle(top, down, rows - 1 - row, rows);
        let find = |column| find((middle(left, across, column, columns), y)).unwrap();
        (0..columns).map(find).collect()
    };
    (0..rows).map(row).collect()
}

#[test]
fn time_runs_to_the_right_units_upwards_and_each_factor_has_a_colour() {
    let steps = [vec![2.0, 0.0, 1.0], vec![0.0, 0.0, 1.0], vec![2.0, 1.0, 0.0], vec![0.0; 3]];
    let grid = |steps| MaskGrid::new("").with_scheme(MaskScheme::new("").with_panel("", steps));
    let colours = [DROPPED, BLUE, ORANGE];
    let drawn = picture(|path| grid(steps.to_vec()).save(path));
    let of_units = [[2, 0, 2, 0], [0, 0, 1, 0], [1, 1, 0, 0]];
    assert_eq!(cells(&drawn, [4, 3], &colours), of_units);
    // The colours of factors go by their size, and those that are 2 alone have the first one.
    let doubled =
        steps.map(|step| step.into_iter().map(|factor| 2.0 * f64::ceil(factor / 2.0)).collect());
    let drawn = picture(|path| grid(doubled.to_vec()).save(path));
    let of_units = [[1, 0, 1, 0], [0, 0, 1, 0], [1, 1, 0, 0]];
    assert_eq!(cells(&drawn, [4, 3], &colours), of_units);
}

#[test]
fn schemes_stand_side_by_side_until_a_row_is_full() {
    let scheme = |name: &str, n_panels| {
        (0..n_panels).fold(MaskScheme::new(name), |scheme, _| scheme.with_panel("x", [vec![1.0]]))
    };
    let grid = |n_panels: &[usize]| {
        let schemes = n_panels.iter().map(|&n_panels| scheme("scheme", n_panels));
        schemes.fold(MaskGrid::new("title"), MaskGrid::with_scheme)
    };
    // The stretches of blue along a line through the middle of the last row of panels.
    let panels_of_last_row = |n_panels: &[usize]| {
        let drawn = picture(|path| grid(n_panels).save(path));
        let middle = drawn.height() - 90;
        let blue = |x| is(&drawn, (x, middle), BLUE);
        ((1..960).filter(|&x| blue(x) && !blue(x - 1)).count(), drawn.height())
    };
    let (n_panels, height) = panels_of_last_row(&[2, 3, 1]);
    assert_eq!(n_panels, 6);
    let (n_panels, two_rows) = panels_of_last_row(&[2, 3, 2, 1]);
    assert_eq!(n_panels, 3);
    let (n_panels, more) = panels_of_last_row(&[2, 7]);
    assert_eq!((n_panels, more), (7, two_rows));
    assert!(two_rows > height);
}

#[test]
fn masks_that_cannot_be_drawn_are_refused_by_name() {
    let refused = |steps: Vec<Vec<f64>>| {
        let scheme = MaskScheme::new("naive").with_panel("input", steps);
        MaskGrid::new("title").with_scheme(scheme).save("").unwrap_err().to_string()
    };
    assert_eq!(refused(vec![vec![]; 3]), "plot: there is no point to draw");
    let message = "plot: `input` must have 2 units at every step, got 1 at step 2";
    assert_eq!(refused(vec![vec![0.0; 2], vec![0.0; 2], vec![0.0]]), message);
    let message = "plot: `input` cannot be drawn at (1, inf)";
    assert_eq!(refused(vec![vec![1.0], vec![f64::INFINITY]]), message);
    // Factors that differ in the third decimal are one.
    let factors = (1..=8).flat_map(|k| [f64::from(k), f64::from(k) + 1e-3]).collect();
    let message = "plot: factors of masks must be at most 7, got 8";
    assert_eq!(refused(vec![factors]), message);
}

#[test]
fn what_cannot_be_drawn_is_refused_by_name() {
    let refused = |result: Result<(), PlotError>| result.unwrap_err().to_string();
    let chart = |curve| LineChart::new("title", "x", "y").with_curve(curve);
    let message = "plot: there is no point to draw";
    assert_eq!(
        refused(chart(Curve::new("none", 0, [])).with_reference("r", 1.0).save("")),
        message
    );
    let message = "plot: `loss` cannot be drawn at (0, inf)";
    assert_eq!(refused(chart(flat("loss", 0, f64::INFINITY)).save("")), message);
    let message = "plot: `loss` cannot be drawn at (0, 1)";
    assert_eq!(refused(chart(flat("loss", 0, 1.0)).with_log_x().save("")), message);
    let message = "plot: `source` cannot be drawn at (-inf, NaN)";
    assert_eq!(
        refused(chart(flat("a", 0, 1.0)).with_reference("source", f64::NAN).save("")),
        message
    );
    let negative = PredictiveBand::new("title").with_prediction([(3.0, 0.0, -0.1)]);
    let message = "plot: `± 2 standard deviations` cannot be drawn at (3, NaN)";
    assert_eq!(refused(negative.save("")), message);
}

#[test]
fn a_file_is_replaced_whole_or_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chart.png");
    fs::write(&path, "an earlier file").unwrap();
    let chart = LineChart::new("title", "x", "y");
    assert!(matches!(chart.save(&path), Err(PlotError::Empty)));
    assert_eq!(fs::read(&path).unwrap(), b"an earlier file");
    let chart = chart.with_curve(flat("curve", 0, 1.0));
    chart.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap()[..8], *b"\x89PNG\r\n\x1a\n");

    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    let error = chart.save(&taken).unwrap_err();
    assert!(error.to_string().starts_with(&format!("plot: cannot save {}: ", taken.display())));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
