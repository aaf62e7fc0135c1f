//! The results of a run: `results.json` and the table.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::arguments::{Centre, Noise};
use crate::evaluation::{
    Intervals, Judged, Table, known_crps, optimum, persistence, seasonal_naive, squared_errors,
};
use crate::experiment::Experiment;

/// What forecasts have come to on the test part, in the units of the series.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) series: String,
    pub(crate) noise: Noise,
    pub(crate) horizon: usize,
    pub(crate) window: usize,
    pub(crate) season: Option<usize>,
    pub(crate) centre: Centre,
    pub(crate) seed: u64,
    pub(crate) mc_samples: usize,
    /// Epochs that were trained, and the one that was kept.
    pub(crate) epochs: usize,
    pub(crate) best_epoch: usize,
    /// Forecasts that were judged.
    pub(crate) n_test: usize,
    #[serde(flatten)]
    pub(crate) scores: Scores,
    /// Of each step ahead by itself.
    pub(crate) steps: Vec<Scores>,
}

/// Scores of all steps ahead, or of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Scores {
    /// By weight averaging, and by Monte Carlo.
    pub(crate) rmse: f64,
    pub(crate) rmse_mc: f64,
    pub(crate) rmse_persistence: f64,
    pub(crate) rmse_seasonal_naive: Option<f64>,
    /// Of the best forecast that there is, where the source is known.
    pub(crate) rmse_optimum: Option<f64>,
    pub(crate) crps_weight_averaging: f64,
    pub(crate) crps_mc: f64,
    pub(crate) crps_optimum: Option<f64>,
    pub(crate) coverage_90_weight_averaging: f64,
    pub(crate) coverage_90_mc: f64,
    pub(crate) coverage_90_conformal: f64,
    pub(crate) coverage_90_adaptive: f64,
    pub(crate) width_90_weight_averaging: f64,
    pub(crate) width_90_mc: f64,
    pub(crate) width_90_conformal: f64,
    /// None where an interval was infinite.
    pub(crate) width_90_adaptive: Option<f64>,
}

/// What was made of the test part, in the units of the model.
#[derive(Debug)]
pub(crate) struct Tested {
    pub(crate) observed: Table,
    pub(crate) averaged: Judged,
    pub(crate) monte_carlo: Judged,
    pub(crate) conformal: Intervals,
    pub(crate) adaptive: Intervals,
}

impl Tested {
    /// Coverage of each method by name.
    pub(crate) fn hits(&self) -> [(&'static str, Table); 4] {
        [
            ("weight averaging", &self.averaged.intervals),
            ("Monte Carlo", &self.monte_carlo.intervals),
            ("split conformal", &self.conformal),
            ("adaptive conformal", &self.adaptive),
        ]
        .map(|(name, intervals)| (name, intervals.hits(&self.observed)))
    }

    /// The scores of all steps, and those of each.
    pub(crate) fn scores(&self, experiment: &Experiment) -> Result<(Scores, Vec<Scores>)> {
        let horizon = experiment.sizes.horizon;
        let values = &experiment.series.values;
        let origins = &experiment.test.origins;
        let targets = origins.iter().flat_map(|&last| &values[last + 1..=last + horizon]);
        let targets = Table { horizon, values: targets.copied().collect() };
        let naive = squared_errors(&persistence(values, origins, horizon), &targets);
        let seasonal = experiment.season.map(|season| {
            squared_errors(&seasonal_naive(values, origins, horizon, season), &targets)
        });
        let best = experiment.source.as_ref().map(|source| -> Result<_> {
            let [mean, variance] = optimum(source, origins, horizon);
            let crps = known_crps(&mean, &variance, &targets)?;
            Ok((squared_errors(&mean, &targets), crps))
        });
        let best = best.transpose()?;

        let unit = experiment.standardisation.deviation;
        let [averaged, monte_carlo, conformal, adaptive] = self.hits().map(|(_, hits)| hits);
        let (wa, mc) = (&self.averaged, &self.monte_carlo);
        let widths = [&wa.intervals, &mc.intervals, &self.conformal, &self.adaptive]
            .map(|intervals| intervals.widths().map(|width| unit * width));
        let scores = |of: &dyn Fn(&Table) -> f64| {
            let rmse = |errors: &Table| of(errors).sqrt();
            let adaptive_width = of(&widths[3]);
            Scores {
                rmse: unit * rmse(&wa.squared_errors),
                rmse_mc: unit * rmse(&mc.squared_errors),
                rmse_persistence: rmse(&naive),
                rmse_seasonal_naive: seasonal.as_ref().map(rmse),
                rmse_optimum: best.as_ref().map(|(errors, _)| rmse(errors)),
                crps_weight_averaging: unit * of(&wa.crps),
                crps_mc: unit * of(&mc.crps),
                crps_optimum: best.as_ref().map(|(_, crps)| of(crps)),
                coverage_90_weight_averaging: of(&averaged),
                coverage_90_mc: of(&monte_carlo),
                coverage_90_conformal: of(&conformal),
                coverage_90_adaptive: of(&adaptive),
                width_90_weight_averaging: of(&widths[0]),
                width_90_mc: of(&widths[1]),
                width_90_conformal: of(&widths[2]),
                width_90_adaptive: adaptive_width.is_finite().then_some(adaptive_width),
            }
        };
        let steps = (0..horizon).map(|h| scores(&|table| table.by_step()[h]));
        Ok((scores(&Table::mean), steps.collect()))
    }
}

/// Prints the results, one line a step ahead and one for all.
pub(crate) fn print_table(results: &Results) {
    let Results { series, noise, window, n_test, .. } = results;
    let noise = match noise {
        Noise::Fitted => "fitted",
        Noise::Predicted => "predicted",
    };
    println!(
        "\n{series}, noise {noise}: {n_test} forecasts from {window} values each; 90 % asked\n"
    );
    println!(
        "{:<6} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>7} {:>7} {:>7} {:>7}",
        "ahead",
        "RMSE",
        "RMSE MC",
        "last value",
        "season",
        "optimum",
        "CRPS MC",
        "WA",
        "MC",
        "conf.",
        "adapt."
    );
    for (h, scores) in results.steps.iter().enumerate() {
        print_scores(&(h + 1).to_string(), scores);
    }
    print_scores("all", &results.scores);
}

fn print_scores(name: &str, scores: &Scores) {
    let optional = |value: Option<f64>| value.map_or("-".to_string(), significant);
    println!(
        "{name:<6} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>7.3} {:>7.3} {:>7.3} {:>7.3}",
        significant(scores.rmse),
        significant(scores.rmse_mc),
        significant(scores.rmse_persistence),
        optional(scores.rmse_seasonal_naive),
        optional(scores.rmse_optimum),
        significant(scores.crps_mc),
        scores.coverage_90_weight_averaging,
        scores.coverage_90_mc,
        scores.coverage_90_conformal,
        scores.coverage_90_adaptive,
    );
}

/// Four significant digits.
fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let decimals = 3 - value.abs().log10().floor() as i32;
    if (0..=6).contains(&decimals) {
        format!("{value:.*}", decimals as usize)
    } else {
        format!("{value:.3e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_whatever_their_size() {
        let texts = [0.0, 1.23456, 0.012_345_6, 123.456, 1234.56, 123_456.0, 1e-9].map(significant);
        let expected = ["0", "1.235", "0.01235", "123.5", "1235", "1.235e5", "1.000e-9"];
        assert_eq!(texts, expected);
    }
}
