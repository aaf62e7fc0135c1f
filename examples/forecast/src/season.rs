//! The length of a season, found where a series is most like itself.

/// Autocorrelations under this are no season.
const LEAST: f64 = 0.2;

/// The lag of the highest autocorrelation of the values, a straight line taken from them, behind the
/// first lag at which it is negative: before that neighbours are alike, season or not. None if it is
/// never negative within a third of the values, or never high again.
pub(crate) fn season_of(values: &[f64]) -> Option<usize> {
    let values = detrended(values);
    let correlations: Vec<f64> =
        (0..=values.len() / 3).map(|lag| autocorrelation(&values, lag)).collect();
    let first = correlations.iter().position(|correlation| *correlation < 0.0)?;
    let behind = correlations.iter().enumerate().skip(first);
    let (lag, highest) = behind.max_by(|a, b| a.1.total_cmp(b.1))?;
    (*highest > LEAST).then_some(lag)
}

/// What is left of values without the straight line nearest to them.
fn detrended(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let centre = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n;
    let steps = || values.iter().enumerate().map(|(step, value)| (step as f64 - centre, *value));
    let slope = steps().map(|(step, value)| step * (value - mean)).sum::<f64>()
        / steps().map(|(step, _)| step * step).sum::<f64>();
    steps().map(|(step, value)| value - mean - slope * step).collect()
}

/// The correlation of values, of mean 0, with those so many steps behind.
fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let of = |lag: usize| values.iter().zip(&values[lag..]).map(|(a, b)| a * b).sum::<f64>();
    of(lag) / of(0)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn a_season_is_found_beside_a_trend() {
        let value = |step: i32| 0.3 * f64::from(step) + (TAU * f64::from(step) / 12.0).sin();
        let values: Vec<_> = (0..200).map(value).collect();
        assert_eq!(season_of(&values), Some(12));
    }

    #[test]
    fn what_has_no_season_has_none() {
        let trend: Vec<_> = (0..100).map(f64::from).collect();
        assert_eq!(season_of(&trend), None);
        assert_eq!(season_of(&[1.0; 30]), None);
        assert_eq!(season_of(&[]), None);
        // An erratic sequence of period 101, which is more than a third of what there is.
        let erratic: Vec<_> = (0..200).map(|step| f64::from(step * step % 101)).collect();
        assert_eq!(season_of(&erratic), None);
    }
}
