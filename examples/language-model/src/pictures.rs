//! The pictures of a run.

use burn_variational::plot::{Curve, LineChart};

use crate::checkpoint::{DrawsPerplexity, EpochRecord, FinishedMethod};

/// The methods that have a colour each. Where there are more, a curve of the later ones is dashed,
/// and each method has one curve alone.
const N_COLOURS: usize = 7;

/// Perplexity after each epoch; of more than seven methods, that of the validation text alone.
pub(crate) fn learning_curves(methods: &[FinishedMethod]) -> LineChart {
    let many = methods.len() > N_COLOURS;
    let text = if many { ", validation text" } else { "" };
    let title = format!("Learning curves{text}");
    let mut chart = LineChart::new(title, "epoch", "perplexity").with_log_y();
    for (place, method) in methods.iter().enumerate() {
        let curve = |what: &str, ppl: fn(&EpochRecord) -> f64| {
            let points = method.epochs.iter().enumerate();
            let points = points.map(|(epoch, record)| ((epoch + 1) as f64, ppl(record)));
            // What has diverged cannot be drawn.
            let points = points.filter(|(_, ppl)| ppl.is_finite());
            Curve::new(format!("{}{what}", method.result.method), place, points)
        };
        if many {
            chart = chart.with_curve(apart(curve("", |record| record.valid_ppl.0), place));
            continue;
        }
        chart = chart
            .with_curve(curve(", train (as trained)", |record| record.train_ppl.0).dashed())
            .with_curve(curve(", valid", |record| record.valid_ppl.0));
    }
    match methods.first().and_then(|method| method.result.source_ppl) {
        Some(perplexity) => chart.with_reference("source", perplexity),
        None => chart,
    }
}

/// Test perplexity against the number of draws, and by weight averaging beside it; of more than seven
/// methods, divided by that of weight averaging.
pub(crate) fn monte_carlo_curves(methods: &[FinishedMethod]) -> LineChart {
    let many = methods.len() > N_COLOURS;
    let what = if many { "perplexity / that of weight averaging" } else { "perplexity" };
    let mut chart = LineChart::new("Test perplexity by Monte Carlo", "draws", what).with_log_x();
    for (place, method) in methods.iter().enumerate() {
        let name = method.result.method;
        let Some(points) = &method.evaluation.test_mc else { continue };
        let averaged = method.evaluation.test_ppl.0;
        let curve = |name: String, ppl: &dyn Fn(&DrawsPerplexity) -> f64| {
            let points = points.iter().map(|point| (point.n_draws as f64, ppl(point)));
            Curve::new(name, place, points.filter(|(_, ppl)| ppl.is_finite()))
        };
        if many {
            let ratio = curve(name.to_string(), &|point| point.ppl.0 / averaged);
            chart = chart.with_curve(apart(ratio, place));
            continue;
        }
        chart = chart
            .with_curve(curve(format!("{name}, Monte Carlo"), &|point| point.ppl.0))
            .with_curve(curve(format!("{name}, weight averaging"), &|_| averaged).dashed());
    }
    if many { chart.with_reference("weight averaging", 1.0) } else { chart }
}

/// The curve, dashed where its colour is taken by an earlier method's.
fn apart(curve: Curve, place: usize) -> Curve {
    if place < N_COLOURS { curve } else { curve.dashed() }
}
