//! Charts as their readers see them: pixels, and files.

use std::fs;

use burn_variational_plot::{Curve, LineChart, PlotError, PredictiveBand};

const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [213, 94, 0];
const GREEN: [u8; 3] = [0, 158, 115];
/// Blue over white, at the opacity of two deviations and of one.
const WIDE: [u8; 3] = [204, 226, 239];
const NARROW: [u8; 3] = [153, 198, 223];

/// The rows, under the legend, in which a column has a colour, give or take a rounding.
fn rows(
    column: u32,
    colour: [u8; 3],
    save: impl FnOnce(&str) -> Result<(), PlotError>,
) -> Vec<u32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chart.png");
    save(path.to_str().unwrap()).unwrap();
    let picture = image::open(path).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (960, 600));
    let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 2;
    let is = |&row: &u32| picture.get_pixel(column, row).0.iter().zip(&colour).all(near);
    (90..600).filter(is).collect()
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
