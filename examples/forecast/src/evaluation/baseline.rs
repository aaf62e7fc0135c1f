//! Forecasts that need no model, and the best that there is, in the units of the series.

use super::Table;
use crate::series::Generated;

/// The last value, for all steps.
pub(crate) fn persistence(values: &[f64], origins: &[usize], horizon: usize) -> Table {
    let forecast = origins.iter().flat_map(|&last| vec![values[last]; horizon]);
    Table { horizon, values: forecast.collect() }
}

/// What was observed at the same place in the last season.
pub(crate) fn seasonal_naive(
    values: &[f64],
    origins: &[usize],
    horizon: usize,
    season: usize,
) -> Table {
    let forecast = origins
        .iter()
        .flat_map(|&last| (0..horizon).map(move |h| values[last + 1 + h % season - season]));
    Table { horizon, values: forecast.collect() }
}

/// The best means and their variances, of whoever knows the source.
pub(crate) fn optimum(source: &Generated, origins: &[usize], horizon: usize) -> [Table; 2] {
    let optima: Vec<_> = origins.iter().flat_map(|&last| source.optimum(last, horizon)).collect();
    let mean = optima.iter().map(|optimum| optimum.mean).collect();
    let variance = optima.iter().map(|optimum| optimum.variance).collect();
    [mean, variance].map(|values| Table { horizon, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naive_forecasts_repeat_the_last_value_and_the_last_season() {
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(persistence(&values, &[5], 3).values, [5.0, 5.0, 5.0]);
        // Steps 6, 7, 8 and 9 with a season of 3: 3, 4, 5 and 3 again.
        assert_eq!(seasonal_naive(&values, &[5], 4, 3).values, [3.0, 4.0, 5.0, 3.0]);
    }
}
