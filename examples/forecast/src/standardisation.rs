//! The units that the model computes in.

use std::ops::Range;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::arguments::Centre;
use crate::parts::{Parts, Sizes, origins};
use crate::series::Series;

/// The share of the validation part that lies beyond the range of the training part from which on a
/// series is one that leaves its range.
const LEAVING: f64 = 0.1;

/// How the values of a series become numbers about 0 of deviation 1, and back: each window by its
/// own centre, all by one deviation, both of the training part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardisation {
    /// What is subtracted.
    pub centre: Centre,
    /// The mean of the training part.
    pub mean: f64,
    /// The standard deviation of what is left of the windows of the training part and of what
    /// follows them.
    pub deviation: f64,
}

impl Standardisation {
    /// That of the training part of a series, with what it says of the centre if none is given.
    ///
    /// # Errors
    ///
    /// If all values are the same.
    pub(crate) fn fit(
        series: &Series,
        parts: &Parts,
        sizes: Sizes,
        centre: Option<Centre>,
    ) -> Result<Self> {
        let train = &series.values[parts.train.clone()];
        let centre = centre.unwrap_or_else(|| natural_centre(&series.values, parts));
        ensure!(
            train.iter().any(|value| *value != train[0]),
            "{} is {} in all of the training part: there is nothing to learn",
            series.name,
            train[0]
        );
        let mean = train.iter().sum::<f64>() / train.len() as f64;
        let unscaled = Self { centre, mean, deviation: 1.0 };
        let (mut n, mut squares) = (0, 0.0);
        for last in origins(&parts.train, sizes) {
            let around = last + 1 - sizes.window..=last + sizes.horizon;
            let centre = unscaled.centre_of(series.values[last]);
            n += sizes.window + sizes.horizon;
            squares += train[around].iter().map(|value| (value - centre).powi(2)).sum::<f64>();
        }
        let deviation = (squares / n as f64).sqrt();
        ensure!(
            deviation > 0.0 && deviation.is_finite(),
            "{} varies by {deviation}, which cannot be computed with; scale its values",
            series.name
        );
        Ok(Self { deviation, ..unscaled })
    }

    /// What is subtracted from a window with this last value, and from what follows it.
    #[must_use]
    pub fn centre_of(&self, last: f64) -> f64 {
        match self.centre {
            Centre::Mean => self.mean,
            Centre::Last => last,
        }
    }
}

/// The last value if the validation part leaves the range of the training part, or else the mean.
fn natural_centre(values: &[f64], parts: &Parts) -> Centre {
    let [train, validation] = [&parts.train, &parts.validation]
        .map(|part: &Range<usize>| values[part.clone()].iter().copied());
    let low = train.clone().fold(f64::INFINITY, f64::min);
    let high = train.fold(f64::NEG_INFINITY, f64::max);
    let n_beyond = validation.filter(|value| !(low..=high).contains(value)).count();
    if n_beyond as f64 > LEAVING * parts.validation.len() as f64 {
        Centre::Last
    } else {
        Centre::Mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Time;

    const SIZES: Sizes = Sizes { window: 3, horizon: 2 };

    fn series(values: Vec<f64>) -> (Series, Parts) {
        let n = values.len();
        let parts = Parts::of(n);
        let series = Series {
            name: "y".into(),
            time_name: "t".into(),
            time: Time::Numbers((0..n).map(|step| step as f64).collect()),
            values,
            is_filled: vec![false; n],
            n_dropped: 0,
        };
        (series, parts)
    }

    #[test]
    fn a_series_that_stays_in_its_range_is_centred_at_its_mean() {
        let (series, parts) = series((0..100).map(|step| f64::from(step % 2) + 5.0).collect());
        let fitted = Standardisation::fit(&series, &parts, SIZES, None).unwrap();
        // 55 values, the first and the last 5.
        assert_eq!(fitted.centre, Centre::Mean);
        assert!((fitted.mean - (5.0 + 27.0 / 55.0)).abs() < 1e-12);
        assert!((fitted.deviation - 0.5).abs() < 1e-3);
        assert_eq!(fitted.centre_of(77.0), fitted.mean);
    }

    #[test]
    fn a_series_that_leaves_its_range_is_centred_at_the_last_value() {
        let (series, parts) = series((0..100).map(f64::from).collect());
        let fitted = Standardisation::fit(&series, &parts, SIZES, None).unwrap();
        assert_eq!((fitted.centre, fitted.centre_of(77.0)), (Centre::Last, 77.0));
        // -2, -1, 0, 1 and 2 around every last value.
        assert!((fitted.deviation - 2_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn nothing_of_the_parts_behind_the_training_part_is_read_but_whether_they_leave_its_range() {
        let values: Vec<f64> = (0..100).map(|step| f64::from(step * 7 % 10)).collect();
        let mut others = values.clone();
        others[55..].reverse();
        let [ours, theirs] = [values, others].map(|values| {
            let (series, parts) = series(values);
            Standardisation::fit(&series, &parts, SIZES, None).unwrap()
        });
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_constant_is_nothing_to_learn_from() {
        let (series, parts) = series(vec![3.0; 100]);
        let error = Standardisation::fit(&series, &parts, SIZES, None).unwrap_err().to_string();
        assert_eq!(error, "y is 3 in all of the training part: there is nothing to learn");
    }
}
