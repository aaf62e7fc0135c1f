//! Uncertainty against what came true.

use burn_variational_plot::{
    ErrorBars, FanChart, PlotError, RejectionCurve, ReliabilityCurve, ReliabilityDiagram,
    UncertaintyError,
};

use crate::pixels::{BLUE, Bounds, LEGEND_END, ORANGE, is, is_bluish, is_orangish, picture};

/// Pixels that an edge may be off: lines have a width, and edges are smooth.
const EDGE: u32 = 3;

#[test]
fn the_area_of_a_disc_is_its_share_and_the_diagram_is_square() {
    let bins = [(0.8, 0.5, 400), (0.2, 0.2, 100)];
    let diagram = ReliabilityDiagram::new("").with_curve(ReliabilityCurve::new("", bins));
    let drawn = picture(|path| diagram.save(path));
    // Blue over white, at the opacity of a disc.
    let disc = |at| is(&drawn, at, [115, 177, 213]);
    let small = Bounds::of(&drawn, |(x, y)| x < 480 && disc((x, y)));
    let large = Bounds::of(&drawn, |(x, y)| x > 520 && disc((x, y)));
    assert!(small.width().abs_diff(20) <= EDGE && large.width().abs_diff(40) <= EDGE);
    let ((x, y), (to_x, to_y)) = (small.middle(), large.middle());
    // An accuracy of 0.3 is as high as half of a confidence of 0.6 is wide.
    assert!((to_x - x).abs_diff(2 * (y - to_y)) <= 2 * EDGE);
    assert!(to_x - x > 2 * 200);
}

#[test]
fn a_bar_goes_from_end_to_end_in_the_colour_of_whether_it_covers() {
    let rows = [(0.0, 0.0, -1.0, 1.0), (1.0, 3.0, 2.0, 3.0)];
    let drawn = picture(|path| ErrorBars::new("").with_intervals("", rows).save(path));
    let covers = Bounds::of(&drawn, |at| is_bluish(&drawn, at));
    let misses = Bounds::of(&drawn, |at| is_orangish(&drawn, at));
    // The prediction at the end of the bar that misses is a disc of radius 2.
    assert!((covers.height() + 4).abs_diff(2 * misses.height()) <= 2 * EDGE);
    // It starts as far above the other one as it is high itself.
    assert!((covers.top - misses.bottom).abs_diff(misses.height() - 2) <= EDGE);
    // Both axes have one scale.
    let (x, to_x) = (covers.middle().0, misses.middle().0);
    assert!((to_x - x).abs_diff(covers.height()) <= 2 * EDGE);
}

#[test]
fn narrower_intervals_lie_on_wider_ones_and_the_epistemic_part_is_of_another_colour() {
    let flat = |high: f64| [(1.0, -high, high), (0.0, -high, high)];
    let chart = FanChart::new("")
        .with_interval(0.5, flat(1.0))
        .with_interval(0.95, flat(2.0))
        .with_epistemic_interval(0.95, flat(0.5));
    let drawn = picture(|path| chart.save(path));
    // Blue over white, at an opacity of 0.24 and at that of one over the other.
    let wide = Bounds::of(&drawn, |at| is(&drawn, at, [194, 221, 237]));
    let narrow = Bounds::of(&drawn, |at| is(&drawn, at, [147, 196, 222]));
    let epistemic = Bounds::of(&drawn, |at| is_orangish(&drawn, at));
    assert!(wide.height() > 350);
    assert!(wide.height().abs_diff(2 * narrow.height()) <= 2 * EDGE);
    assert!(wide.height().abs_diff(4 * epistemic.height()) <= 4 * EDGE);
}

#[test]
fn dates_stand_at_the_ticks_of_time() {
    let chart = FanChart::new("").with_mean([(0.0, 0.0), (1.0, 1.0)]);
    let inked = |chart: &FanChart| {
        let drawn = picture(|path| chart.save(path));
        // Between the ends of the ticks and the name of the axis.
        let labels = (532..552).flat_map(|y| (0..960).map(move |x| (x, y)));
        labels.filter(|&(x, y)| drawn.get_pixel(x, y).0[0] < 128).count()
    };
    assert!(inked(&chart) > 100);
    assert_eq!(inked(&chart.with_x_labels(|_| String::new())), 0);
}

#[test]
fn the_mean_error_of_each_bin_is_drawn_over_the_rows() {
    let rows = [(1.0, 1.0), (1.0, -3.0), (3.0, 0.0), (3.0, 8.0)];
    let drawn = picture(|path| UncertaintyError::new("").with_rows(rows).with_n_bins(2).save(path));
    let rows = Bounds::of(&drawn, |at| is_bluish(&drawn, at));
    let means = Bounds::of(&drawn, |at| is(&drawn, at, ORANGE));
    // From 2 to 4, among rows from 0 to 8; a disc of radius 5, and of radius 2, at either end.
    assert!((means.height() - 10).abs_diff((rows.height() - 4) / 4) <= EDGE);
    assert!((means.width() - 10).abs_diff(rows.width() - 4) <= EDGE);
}

#[test]
fn an_uncertainty_that_knows_nothing_stays_at_the_mean_of_all_rows() {
    let errors = || (0..10).map(f64::from);
    let chart = RejectionCurve::new("", "error")
        .with_method("oracle", errors().map(|error| (error, error)))
        .with_method("constant", errors().map(|error| (1.0, error)));
    let drawn = picture(|path| chart.save(path));
    let rising = Bounds::of(&drawn, |at| is(&drawn, at, BLUE));
    let level = Bounds::of(&drawn, |at| is(&drawn, at, ORANGE));
    assert!(level.height() <= EDGE && rising.height() > 300 && rising.bottom < 530);
    assert!(rising.top.abs_diff(level.top) <= EDGE && level.top > LEGEND_END);
}

#[test]
fn what_cannot_be_drawn_is_refused_by_name() {
    let refused = |result: Result<(), PlotError>| result.unwrap_err().to_string();
    let empty = "plot: there is no point to draw";
    let no_rows = ReliabilityCurve::new("", [(0.5, f64::NAN, 0)]);
    assert_eq!(refused(ReliabilityDiagram::new("").with_curve(no_rows).save("")), empty);
    assert_eq!(refused(ErrorBars::new("").with_deviations(1.0, []).save("")), empty);
    assert_eq!(refused(FanChart::new("").with_interval(0.5, []).save("")), empty);
    assert_eq!(refused(UncertaintyError::new("").with_gaussian_reference().save("")), empty);
    assert_eq!(refused(RejectionCurve::new("", "").with_method("", []).save("")), empty);

    let curve = ReliabilityCurve::new("LSTM", [(0.5, -0.1, 3)]);
    let message = "plot: accuracy of `LSTM` must be in [0, 1], got -0.1";
    assert_eq!(refused(ReliabilityDiagram::new("").with_curve(curve).save("")), message);

    let bars = ErrorBars::new("").with_deviations(2.0, [(0.0, 1.0, -0.5)]);
    let message = "plot: `mean ± 2 standard deviations` must be finite and from low to high, \
                   got 2 to 0";
    assert_eq!(refused(bars.save("")), message);
    let bars = ErrorBars::new("").with_intervals("90 %", [(f64::INFINITY, 1.0, 0.0, 2.0)]);
    let message = "plot: `90 %: misses 100.0 %` cannot be drawn at (inf, 0)";
    assert_eq!(refused(bars.save("")), message);

    let fan = FanChart::new("").with_interval(90.0, [(0.0, 0.0, 1.0)]);
    let message = "plot: level of `9000 % interval` must be in [0, 1], got 90";
    assert_eq!(refused(fan.save("")), message);
    let fan = FanChart::new("").with_epistemic_interval(0.9, [(0.0, 0.0, f64::NAN)]);
    let message = "plot: `90 % interval, epistemic` must be finite and from low to high, \
                   got 0 to NaN";
    assert_eq!(refused(fan.save("")), message);
    let fan = FanChart::new("").with_truth([(0.0, f64::NAN)]);
    assert_eq!(refused(fan.save("")), "plot: `observed later` cannot be drawn at (0, NaN)");

    let rows = UncertaintyError::new("").with_rows([(1.0, f64::NEG_INFINITY)]);
    assert_eq!(refused(rows.save("")), "plot: `rows` cannot be drawn at (1, inf)");

    let curve = RejectionCurve::new("", "").with_method("entropy", [(f64::NAN, 1.0)]);
    assert_eq!(refused(curve.save("")), "plot: `entropy` cannot be drawn at (NaN, 1)");
    let curve = RejectionCurve::new("", "").with_square_root().with_method("", [(0.0, -1.0)]);
    assert_eq!(refused(curve.save("")), "plot: `oracle` cannot be drawn at (100, NaN)");
}
