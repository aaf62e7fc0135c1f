//! Adaptive conformal intervals that follow the test part.

use std::collections::VecDeque;

use anyhow::Result;
use burn::tensor::{DType, Device, Tensor};
use burn_variational::mc::calibration::AdaptiveConformal;

use super::{Intervals, Table};
use crate::forecaster::LEVEL;

/// A test part is some hundred steps: with the 0.005 of Gibbs and Candès' thousands, nothing would
/// be followed.
const STEP_SIZE: f64 = 0.02;

/// Forecasts in the order of time, and when they were made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forecasts<'a> {
    pub(crate) mean: &'a Table,
    pub(crate) observed: &'a Table,
    /// The last step before each.
    pub(crate) origins: &'a [usize],
}

/// An interval for each step ahead that begins with the errors of the calibration part, and takes in
/// what is observed in the test part as it comes to be: `h` steps after it was forecast `h` steps
/// ahead.
pub(crate) fn follow(calibration: Forecasts<'_>, test: Forecasts<'_>) -> Result<Intervals> {
    let horizon = test.mean.horizon;
    let empty = || Table { horizon, values: vec![0.0; test.mean.values.len()] };
    let mut intervals = Intervals { lower: empty(), upper: empty() };
    for h in 0..horizon {
        let column = |table: &Table| {
            let values: Vec<f64> = table.values.iter().skip(h).step_by(horizon).copied().collect();
            Tensor::<1>::from_data(values.as_slice(), (&Device::flex(), DType::F64))
        };
        let (predicted, observed) = (column(calibration.mean), column(calibration.observed));
        let mut conformal =
            AdaptiveConformal::new(&predicted, &observed, LEVEL)?.with_step_size(STEP_SIZE);
        let mut pending = VecDeque::new();
        for (row, &now) in test.origins.iter().enumerate() {
            while let Some((when, interval, value)) = pending.front().copied() {
                if when > now {
                    break;
                }
                conformal.observe(&interval, value)?;
                pending.pop_front();
            }
            let interval = conformal.interval(test.mean.row(row)[h]);
            intervals.lower.values[row * horizon + h] = interval.lower();
            intervals.upper.values[row * horizon + h] = interval.upper();
            pending.push_back((now + h + 1, interval, test.observed.row(row)[h]));
        }
    }
    Ok(intervals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_knows_what_was_observed_when_it_was_made_and_nothing_later() {
        let horizon = 2;
        let table = |values: Vec<f64>| Table { horizon, values };
        let origins: Vec<usize> = (0..100).collect();
        let (zeros, far) = (table(vec![0.0; 200]), table(vec![1000.0; 8]));
        // Errors 1 to 100 at both steps.
        let errors = table((1..=100).flat_map(|error| [f64::from(error); 2]).collect());
        let calibration = Forecasts { mean: &zeros, observed: &errors, origins: &origins };
        let mean = table(vec![0.0; 8]);
        let test = Forecasts { mean: &mean, observed: &far, origins: &[200, 201, 202, 203] };
        let upper = follow(calibration, test).unwrap().upper;
        let step = |h: usize| (0..4).map(|row| upper.row(row)[h]).collect::<Vec<_>>();
        // The rank is ⌈101 (1 - α)⌉: 91, 93, 95 and 97, as α falls from 0.1 by 0.018 for each miss.
        // Each takes the place of the smallest error.
        assert_eq!(step(0), [91.0, 94.0, 97.0, 100.0]);
        assert_eq!(step(1), [91.0, 91.0, 94.0, 97.0]);
    }
}
