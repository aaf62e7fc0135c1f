//! Curves, and the band of a regression.

use burn_variational_plot::{Curve, LineChart, PlotError, PredictiveBand};

use crate::pixels::{BLUE, GREEN, ORANGE, rows};

/// Blue over white, at the opacity of two deviations and of one.
const WIDE: [u8; 3] = [204, 226, 239];
const NARROW: [u8; 3] = [153, 198, 223];

pub(crate) fn flat(name: &str, group: usize, y: f64) -> Curve {
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
fn the_band_of_a_curve_reaches_from_its_lower_to_its_upper_end() {
    // With the reference the axis goes from 0 to 4.
    let band = |ends| [(0.0, ends), (1.0, ends)];
    let chart = |ends| {
        let curve = flat("mean", 0, 1.0).with_band(band(ends));
        LineChart::new("title", "x", "y").with_curve(curve).with_reference("four", 4.0)
    };
    let of = |ends| rows(400, WIDE, |path| chart(ends).save(path)).len();
    let (narrow, wide) = (of([0.0, 1.0]), of([0.0, 2.0]));
    // A quarter of the height and a half of it, less the rows of the curve and of the grid.
    assert!(narrow > 80 && (2 * narrow).abs_diff(wide) < 24, "{narrow} and {wide} rows");
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
