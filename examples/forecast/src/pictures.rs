//! The pictures of a run and of a forecast.

use burn_variational::plot::{Curve, FanChart, LineChart, UncertaintyError};

use crate::evaluation::Table;
use crate::experiment::{Experiment, Outcome};
use crate::forecaster::{LEVEL, StepForecast};
use crate::report::Tested;
use crate::series::{Series, Time};
use crate::training::Losses;

/// The steps before a forecast that are drawn: so many horizons, and not fewer than so many steps.
const HISTORY: usize = 3;
const LEAST_HISTORY: usize = 24;
/// How many deviations a Gaussian's 90 % lie within.
const NINETY: f64 = 1.645;

/// The last forecast of the test part, with what was observed before it and after.
pub(crate) fn last_forecast(experiment: &Experiment, outcome: &Outcome) -> FanChart {
    let (series, judged) = (&experiment.series, &outcome.tested.monte_carlo);
    let last = *experiment.test.origins.last().expect("a part has a forecast");
    let row = experiment.test.len() - 1;
    let standardisation = &experiment.standardisation;
    let centre = standardisation.centre_of(series.values[last]);
    let level = |table: &Table, h: usize| centre + standardisation.deviation * table.row(row)[h];
    let steps = (0..experiment.sizes.horizon).map(|h| {
        let epistemic = standardisation.deviation * judged.epistemic_deviation.row(row)[h];
        Fan {
            mean: level(&judged.mean, h),
            epistemic_deviation: epistemic,
            lower: level(&judged.intervals.lower, h),
            upper: level(&judged.intervals.upper, h),
        }
    });
    let title = format!("{}: the last forecast of the test part", series.name);
    let truth = (last + 1..=last + experiment.sizes.horizon)
        .map(|step| (series.time.position(step), series.values[step]));
    fan_chart(&title, series, last, steps).with_truth(truth)
}

/// What follows the end of a series.
pub(crate) fn forecast(series: &Series, steps: &[StepForecast]) -> FanChart {
    let last = series.values.len() - 1;
    let fans = steps.iter().map(|step| Fan {
        mean: step.mean,
        epistemic_deviation: step.epistemic_deviation,
        lower: step.lower_90,
        upper: step.upper_90,
    });
    let title = format!("{}: forecast", series.name);
    fan_chart(&title, series, last, fans)
}

/// What is drawn of one step ahead.
struct Fan {
    mean: f64,
    epistemic_deviation: f64,
    lower: f64,
    upper: f64,
}

/// A forecast behind the step `last`, and what was observed before it.
fn fan_chart(
    title: &str,
    series: &Series,
    last: usize,
    steps: impl ExactSizeIterator<Item = Fan>,
) -> FanChart {
    let position = |step: usize| series.time.position(step);
    let first = (last + 1).saturating_sub(LEAST_HISTORY.max(HISTORY * steps.len()));
    let history = (first..=last).map(|step| (position(step), series.values[step]));
    let steps: Vec<_> = steps.zip(last + 1..).map(|(fan, step)| (position(step), fan)).collect();
    let epistemic = steps.iter().map(|(x, fan)| {
        let reach = NINETY * fan.epistemic_deviation;
        (*x, fan.mean - reach, fan.mean + reach)
    });
    let chart = FanChart::new(title)
        .with_labels(series.time_name.as_str(), series.name.as_str())
        .with_history(history)
        .with_interval(LEVEL, steps.iter().map(|(x, fan)| (*x, fan.lower, fan.upper)))
        .with_epistemic_interval(LEVEL, epistemic)
        .with_mean(steps.iter().map(|(x, fan)| (*x, fan.mean)));
    match &series.time {
        Time::Numbers(_) => chart,
        Time::Labels(_) => {
            let time = series.time.clone();
            chart.with_x_labels(move |step| time.label(step.round().max(0.0) as usize))
        }
    }
}

/// The share that intervals hold of each step ahead.
pub(crate) fn coverage(tested: &Tested) -> LineChart {
    let title = "What 90 % intervals hold of the test part";
    let chart = LineChart::new(title, "steps ahead", "share within");
    let chart =
        tested.hits().into_iter().enumerate().fold(chart, |chart, (group, (name, hits))| {
            let points = hits.by_step().into_iter().zip(1..);
            chart.with_curve(Curve::new(
                name,
                group,
                points.map(|(share, h)| (f64::from(h), share)),
            ))
        });
    chart.with_reference("asked", LEVEL)
}

/// The deviation that is forecast against the error that was made.
pub(crate) fn uncertainty_error(experiment: &Experiment, tested: &Tested) -> UncertaintyError {
    let unit = experiment.standardisation.deviation;
    let judged = &tested.monte_carlo;
    let errors = tested.observed.with(&judged.mean, |observed, mean| unit * (observed - mean));
    let deviations = judged.deviation.map(|deviation| unit * deviation);
    let title = format!("{}: forecasts of the test part", experiment.series.name);
    UncertaintyError::new(title)
        .with_rows(deviations.values.into_iter().zip(errors.values))
        .with_gaussian_reference()
}

/// The losses of each epoch.
pub(crate) fn learning_curves(outcome: &Outcome) -> LineChart {
    let curve = |name, losses: &[f64]| {
        let points = losses.iter().zip(1..).map(|(loss, epoch)| (f64::from(epoch), *loss));
        // What has diverged cannot be drawn.
        let points: Vec<_> = points.filter(|(_, loss)| loss.is_finite()).collect();
        Curve::new(name, 0, points)
    };
    let Losses { train, validation } = &outcome.losses;
    LineChart::new("Learning curves", "epoch", "loss")
        .with_curve(curve("training part (as trained)", train).dashed())
        .with_curve(curve("validation part", validation))
}
