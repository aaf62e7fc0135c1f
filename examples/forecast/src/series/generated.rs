//! A series whose source is known, and with it the best forecast that there is.

use std::f64::consts::TAU;

use burn_variational::dropout::{MaskRng, WordStream};

use super::{Series, Time};

const N_STEPS: usize = 2400;
/// Always the same series: `--seed` is that of the model.
const SEED: u64 = 1;
const MEAN: f64 = 20.0;
/// Steps and amplitude.
const SEASONS: [(f64, f64); 2] = [(24.0, 5.0), (60.0, 2.0)];
/// What is left of a deviation from the seasons after a step.
const AUTOREGRESSION: f64 = 0.8;
/// The noise of a step is of this deviation, times or divided by `e^NOISE_RANGE` at most.
const NOISE: f64 = 0.5;
const NOISE_RANGE: f64 = 0.8;

/// Two seasons and deviations from them that are carried on:
///
/// ```text
/// y_t = 20 + 5 sin(2πt/24) + 2 sin(2πt/60) + u_t
/// u_t = 0.8 u_{t-1} + σ_t ε_t          σ_t = 0.5 exp(0.8 sin(2πt/24))
/// ```
///
/// with `ε_t` standard normal: the noise has a size of its own at each hour of the day.
#[derive(Debug, Clone)]
pub struct Generated {
    /// `u_t`.
    deviations: Vec<f64>,
}

/// What is known of a value by whoever knows its source and all values before the forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// Its expectation.
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
}

impl Generated {
    /// The series that it always is.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "there is no other to be told from")]
    pub fn new() -> Self {
        let draw = MaskRng::seeded(SEED).scope("generated series").draw(0);
        let steps = draw.rows(N_STEPS, 0, false).enumerate();
        let next = |before: &mut f64, (step, words): (usize, WordStream)| {
            *before = AUTOREGRESSION * *before + noise(step) * words.normal(0);
            Some(*before)
        };
        Self { deviations: steps.scan(0.0, next).collect() }
    }

    /// What is observed of it.
    #[must_use]
    pub fn series(&self) -> Series {
        let observed = |(step, deviation): (usize, &f64)| seasons(step) + deviation;
        Series {
            name: "generated".to_string(),
            time_name: "hour".to_string(),
            time: Time::Numbers((0..N_STEPS).map(|step| step as f64).collect()),
            values: self.deviations.iter().enumerate().map(observed).collect(),
            is_filled: vec![false; N_STEPS],
            n_dropped: 0,
        }
    }

    /// The best forecast of so many steps behind this one.
    #[must_use]
    pub fn optimum(&self, last: usize, horizon: usize) -> Vec<Optimum> {
        let ahead = last + 1..=last + horizon;
        let next = |u: &mut Optimum, step: usize| {
            u.mean *= AUTOREGRESSION;
            u.variance = AUTOREGRESSION.powi(2) * u.variance + noise(step).powi(2);
            Some(Optimum { mean: seasons(step) + u.mean, variance: u.variance })
        };
        let now = Optimum { mean: self.deviations[last], variance: 0.0 };
        ahead.scan(now, next).collect()
    }
}

fn seasons(step: usize) -> f64 {
    let season = |(length, amplitude): (f64, f64)| amplitude * (TAU * step as f64 / length).sin();
    MEAN + SEASONS.map(season).iter().sum::<f64>()
}

/// `σ_t`.
fn noise(step: usize) -> f64 {
    NOISE * (NOISE_RANGE * (TAU * step as f64 / SEASONS[0].0).sin()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_forecast_errs_as_much_as_it_says() {
        let (generated, series) = (Generated::new(), Generated::new().series());
        for ahead in [1, 3, 12] {
            let errors = (0..N_STEPS - ahead).map(|last| {
                let Optimum { mean, variance } = generated.optimum(last, ahead)[ahead - 1];
                (series.values[last + ahead] - mean).powi(2) / variance
            });
            let of_variance = errors.sum::<f64>() / (N_STEPS - ahead) as f64;
            // Errors `ahead` steps ahead have about N / ahead independent parts: six standard
            // errors of the mean of as many squares.
            let bound = 6.0 * (2.0 * ahead as f64 / N_STEPS as f64).sqrt();
            assert!((of_variance - 1.0).abs() < bound, "{ahead} ahead: {of_variance}");
        }
    }
}
