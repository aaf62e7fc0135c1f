//! The pictures of a run.

use burn_variational::plot::{Curve, ErrorBars, LineChart, RejectionCurve};

use crate::checkpoint::{EpochRecord, FinishedMethod, Judged, LEVELS};
use crate::data::Scale;
use crate::method::Method;

/// The pieces whose error bars can be told apart.
const MOST_BARS: usize = 150;
/// The colour of what no method made.
const IDEAL: usize = 6;

/// The error of the test pieces after each epoch: by weight averaging dashed, by Monte Carlo solid.
pub(crate) fn learning_curves(methods: &[FinishedMethod]) -> LineChart {
    let mut chart =
        LineChart::new("Learning curves, test pieces", "epoch", "RMSE, standardised ratings");
    for (place, method) in methods.iter().enumerate() {
        let name = method.result.dropout;
        let curve = |how: &str, rmse: fn(&EpochRecord) -> Option<f32>| {
            let points = method.epochs.iter().enumerate();
            let points = points
                .filter_map(|(epoch, record)| Some(((epoch + 1) as f64, f64::from(rmse(record)?))));
            Curve::new(format!("{name}, {how}"), place, points)
        };
        chart = chart.with_curve(curve("weight averaging", |record| Some(record.test)).dashed());
        if method.monte_carlo.is_some() {
            chart = chart.with_curve(curve("Monte Carlo", |record| record.test_mc));
        }
    }
    match methods.first().and_then(|method| method.result.optimal_rmse) {
        Some(rmse) => chart.with_reference("the best there is", f64::from(rmse)),
        None => chart,
    }
}

/// The share of the ratings in the intervals of each level, against the level.
pub(crate) fn calibration(methods: &[FinishedMethod]) -> LineChart {
    let title = "Calibration: intervals of the ratings of test pieces";
    let ideal = Curve::new("as many as said", IDEAL, [(0.0, 0.0), (100.0, 100.0)]);
    let mut chart = LineChart::new(title, "level, %", "ratings within, %").with_curve(ideal);
    for (place, method) in methods.iter().enumerate() {
        let name = method.result.dropout;
        let curve = |how: &str, judged: &Judged| {
            let points = LEVELS.into_iter().zip(&judged.coverage);
            let points = points.map(|(level, share)| (100.0 * level, 100.0 * f64::from(*share)));
            Curve::new(format!("{name}, {how}"), place, points)
        };
        chart = chart.with_curve(curve("weight averaging", &method.averaged).dashed());
        if let Some(monte_carlo) = &method.monte_carlo {
            chart = chart.with_curve(curve("Monte Carlo", monte_carlo));
        }
    }
    chart
}

/// The error of the test pieces that the draws differ least on, against their share.
pub(crate) fn rejection(methods: &[FinishedMethod]) -> RejectionCurve {
    let title = "Rejecting the test pieces that the draws differ on";
    let mut chart = RejectionCurve::new(title, "RMSE, standardised ratings").with_square_root();
    for method in methods {
        let Some(monte_carlo) = &method.monte_carlo else { continue };
        let rows = monte_carlo
            .rows
            .iter()
            .map(|row| (f64::from(row.epistemic), f64::from(row.mean - row.observed).powi(2)));
        chart = chart.with_method(method.result.dropout.to_string(), rows);
    }
    chart
}

/// Predictions of some test pieces with their 90 % intervals.
pub(crate) fn error_bars(method: Method, judged: &Judged, scale: Scale) -> ErrorBars {
    let n = judged.rows.len().min(MOST_BARS);
    let rows = (0..n).map(|k| judged.rows[k * judged.rows.len() / n]).map(|row| {
        let rating = |value: f32| scale.rating(f64::from(value));
        (rating(row.observed), rating(row.mean), rating(row.low), rating(row.high))
    });
    ErrorBars::new(format!("{method}, {n} test pieces"))
        .with_labels("its author's rating", "predicted rating")
        .with_intervals("90 % interval", rows)
}
