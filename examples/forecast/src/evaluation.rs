//! What forecasts have come to: errors, scores and coverage on the test part.

mod adaptive;
mod baseline;

use anyhow::Result;
use burn::tensor::{DType, Device, Tensor};
use burn_variational::mc::GaussianMixture;
use burn_variational::mc::calibration::{PredictionInterval, PredictiveMixture};

use crate::forecaster::{LEVEL, host};
use crate::windows::Windows;

pub(crate) use adaptive::{Forecasts, follow};
pub(crate) use baseline::{optimum, persistence, seasonal_naive};

/// Numbers of forecasts, row by row, `horizon` a row.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) horizon: usize,
    pub(crate) values: Vec<f64>,
}

impl Table {
    pub(crate) fn of(tensor: &Tensor<2>) -> Self {
        Self { horizon: tensor.dims()[1], values: host(tensor) }
    }

    /// The mean of all.
    pub(crate) fn mean(&self) -> f64 {
        mean(self.values.iter().copied())
    }

    /// The mean of each step ahead.
    pub(crate) fn by_step(&self) -> Vec<f64> {
        let step = |h| self.values.iter().skip(h).step_by(self.horizon).copied();
        (0..self.horizon).map(|h| mean(step(h))).collect()
    }

    /// Those of one forecast.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.horizon..(row + 1) * self.horizon]
    }

    /// What `f` makes of these and of those.
    pub(crate) fn with(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let pairs = self.values.iter().zip(&other.values);
        Self { horizon: self.horizon, values: pairs.map(|(a, b)| f(*a, *b)).collect() }
    }

    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { horizon: self.horizon, values: self.values.iter().map(|value| f(*value)).collect() }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0, 0.0), |(n, sum), value| (n + 1, sum + value));
    sum / f64::from(n)
}

/// Squared errors of these forecasts.
pub(crate) fn squared_errors(forecast: &Table, observed: &Table) -> Table {
    forecast.with(observed, |forecast, observed| (forecast - observed).powi(2))
}

/// Ends of intervals.
#[derive(Debug, Clone)]
pub(crate) struct Intervals {
    pub(crate) lower: Table,
    pub(crate) upper: Table,
}

impl Intervals {
    pub(crate) fn of(interval: &PredictionInterval<2>) -> Self {
        Self { lower: Table::of(&interval.lower()), upper: Table::of(&interval.upper()) }
    }

    /// 1 where the observed value is within, and else 0: the mean is the coverage.
    pub(crate) fn hits(&self, observed: &Table) -> Table {
        let above = self.lower.with(observed, |lower, y| f64::from(u8::from(lower <= y)));
        let below = self.upper.with(observed, |upper, y| f64::from(u8::from(y <= upper)));
        above.with(&below, |above, below| above * below)
    }

    pub(crate) fn widths(&self) -> Table {
        self.upper.with(&self.lower, |upper, lower| upper - lower)
    }
}

/// A predictive distribution of all forecasts of a part, beside what was observed.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// As a tensor and as a table.
    pub(crate) means: Tensor<2>,
    pub(crate) mean: Table,
    /// Of what will be observed.
    pub(crate) deviation: Table,
    /// Of the draws.
    pub(crate) epistemic_deviation: Table,
    /// Of 90 %.
    pub(crate) intervals: Intervals,
    pub(crate) squared_errors: Table,
    pub(crate) crps: Table,
}

impl Judged {
    pub(crate) fn new(mixture: &GaussianMixture<2>, windows: &Windows) -> Result<Self> {
        let observed = Table::of(&windows.targets);
        let moments = mixture.moments();
        let means = moments.mean();
        let mean = Table::of(&means);
        let scores = mixture.observed(&windows.targets)?.crps();
        Ok(Self {
            squared_errors: squared_errors(&mean, &observed),
            deviation: Table::of(&moments.variance().sqrt()),
            epistemic_deviation: Table::of(&moments.epistemic_variance().sqrt()),
            intervals: Intervals::of(&mixture.central_interval(LEVEL)),
            crps: Table { horizon: mean.horizon, values: scores.values().to_vec() },
            means,
            mean,
        })
    }
}

/// Means and variances that are known, beside what was observed: their scores.
pub(crate) fn known_crps(mean: &Table, variance: &Table, observed: &Table) -> Result<Table> {
    let tensor = |table: &Table| {
        Tensor::<1>::from_data(table.values.as_slice(), (&Device::flex(), DType::F64))
    };
    let gaussian =
        PredictiveMixture::gaussian(&tensor(mean), &tensor(variance), &tensor(observed))?;
    Ok(Table { horizon: mean.horizon, values: gaussian.crps().values().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_ahead_are_the_columns_of_forecasts() {
        let table = Table { horizon: 2, values: vec![1.0, 10.0, 3.0, 30.0] };
        assert_eq!((table.mean(), table.by_step()), (11.0, vec![2.0, 20.0]));
        assert_eq!(table.row(1), [3.0, 30.0]);
    }

    #[test]
    fn an_interval_hits_what_lies_within_ends_included() {
        let table = |values: [f64; 3]| Table { horizon: 1, values: values.to_vec() };
        let intervals = Intervals { lower: table([0.0; 3]), upper: table([1.0; 3]) };
        assert_eq!(intervals.hits(&table([0.0, 1.5, -0.5])).values, [1.0, 0.0, 0.0]);
        assert_eq!(intervals.widths().mean(), 1.0);
    }
}
