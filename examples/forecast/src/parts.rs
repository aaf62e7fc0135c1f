//! The parts of a series in the order of time, and the windows in them.

use std::ops::Range;

use anyhow::{Result, ensure};

use crate::series::Series;

/// The shares of the three last parts; what comes before them is trained on.
const SHARE: f64 = 0.15;
/// Forecasts of a calibration part that a conformal interval of 90 % needs.
const CALIBRATION_FORECASTS: usize = 9;

/// The parts of a series, one after the other. A forecast is of a part if all that it forecasts is:
/// no two parts share a target. What a forecast is made of may be of the parts before, as it is in
/// use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Weights are fitted to it.
    pub(crate) train: Range<usize>,
    /// Epoch and precision are chosen on it.
    pub(crate) validation: Range<usize>,
    /// Conformal intervals are made of it, and nothing else.
    pub(crate) calibration: Range<usize>,
    /// Everything is judged by it.
    pub(crate) test: Range<usize>,
}

/// The sizes of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Values that a forecast is made of.
    pub(crate) window: usize,
    /// Values that are forecast.
    pub(crate) horizon: usize,
}

impl Parts {
    /// The parts of a series of so many values.
    pub(crate) fn of(n_values: usize) -> Self {
        let held_out = (SHARE * n_values as f64).round() as usize;
        let [train, validation, calibration] = [3, 2, 1].map(|parts| n_values - parts * held_out);
        Self {
            train: 0..train,
            validation: train..validation,
            calibration: validation..calibration,
            test: calibration..n_values,
        }
    }

    /// # Errors
    ///
    /// If a part is too short for forecasts of these sizes, saying how long the series must be.
    pub(crate) fn check(&self, sizes: Sizes) -> Result<()> {
        let Sizes { window, horizon } = sizes;
        let long = |n: usize| n.checked_add(horizon);
        let enough = |part: &Range<usize>, n: Option<usize>| n.is_some_and(|n| part.len() >= n);
        let n_values = self.test.end;
        let fits = enough(&self.train, long(window))
            && enough(&self.validation, Some(horizon))
            && enough(&self.calibration, long(CALIBRATION_FORECASTS - 1))
            && enough(&self.test, Some(horizon));
        let needed = || {
            // Two more, as the other parts may be rounded up.
            let train = window.saturating_add(horizon).saturating_add(2);
            let train = train as f64 / (1.0 - 3.0 * SHARE);
            let calibration = horizon.saturating_add(CALIBRATION_FORECASTS) as f64 / SHARE;
            train.max(calibration).ceil()
        };
        ensure!(
            fits,
            "the series has {n_values} values, and about {} are needed for a window of {window} \
             and a horizon of {horizon}: {} are left to train on, and 15 % each for validation, \
             calibration and test",
            needed(),
            self.train.len()
        );
        Ok(())
    }
}

/// The last steps before the forecasts of a part, in order: of all whose targets are of it and whose
/// window is of the series.
pub(crate) fn origins(part: &Range<usize>, sizes: Sizes) -> Vec<usize> {
    let Sizes { window, horizon } = sizes;
    // The first target follows the last step of the window.
    let first = part.start.max(window) - 1;
    (first..part.end.saturating_sub(horizon)).collect()
}

/// Those of them that can be judged: an interpolated value knows what comes next, and is none that
/// was observed.
pub(crate) fn observed_origins(
    name: &str,
    part: &Range<usize>,
    sizes: Sizes,
    series: &Series,
) -> Result<Vec<usize>> {
    let all = origins(part, sizes);
    let is_observed =
        |last: &usize| !series.is_filled[*last..=last + sizes.horizon].contains(&true);
    let n_all = all.len();
    let observed: Vec<_> = all.into_iter().filter(is_observed).collect();
    let needed = if name == "calibration" { CALIBRATION_FORECASTS } else { 1 };
    ensure!(
        observed.len() >= needed,
        "the {name} part has {} forecasts that begin at an observed value and are of observed \
         values alone, of {n_all}, and {needed} are needed: too much of {} is missing",
        observed.len(),
        series.name
    );
    Ok(observed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Time;

    const SIZES: Sizes = Sizes { window: 4, horizon: 3 };

    #[test]
    fn parts_follow_each_other_and_hold_every_value_once() {
        let parts = Parts::of(100);
        let bounds = [parts.train, parts.validation, parts.calibration, parts.test];
        assert_eq!(bounds, [0..55, 55..70, 70..85, 85..100]);
        for n_values in 0..50 {
            let parts = Parts::of(n_values);
            assert_eq!(parts.train.end, parts.validation.start);
            assert_eq!(parts.calibration.end, parts.test.start);
            assert_eq!(parts.test.end, n_values);
        }
    }

    #[test]
    fn no_two_parts_share_a_target_and_none_is_lost_but_at_the_borders() {
        let parts = Parts::of(100);
        let parts = [parts.train, parts.validation, parts.calibration, parts.test];
        let mut of = vec![None; 100];
        for (n, part) in parts.iter().enumerate() {
            for last in origins(part, SIZES) {
                assert!(last + 1 >= SIZES.window);
                for target in &mut of[last + 1..=last + SIZES.horizon] {
                    assert!(target.is_none_or(|before| before == n), "{last}");
                    *target = Some(n);
                }
            }
        }
        // The first window is nobody's target.
        assert!(of[..4].iter().all(Option::is_none) && of[4..].iter().all(Option::is_some));
    }

    #[test]
    fn a_series_that_is_too_short_is_told_how_long_it_must_be() {
        assert!(Parts::of(100).check(SIZES).is_ok());
        let error = Parts::of(60).check(SIZES).unwrap_err().to_string();
        assert_eq!(
            error,
            "the series has 60 values, and about 80 are needed for a window of 4 and a horizon of \
             3: 33 are left to train on, and 15 % each for validation, calibration and test"
        );
        let endless = Sizes { window: 4, horizon: usize::MAX };
        assert!(Parts::of(100).check(endless).is_err());
        assert!(Parts::of(0).check(SIZES).is_err());
        // What is said to be enough is.
        for sizes in [SIZES, Sizes { window: 90, horizon: 5 }, Sizes { window: 2, horizon: 40 }] {
            let error = Parts::of(1).check(sizes).unwrap_err().to_string();
            let needed = error.split("about ").nth(1).unwrap().split(' ').next().unwrap();
            assert!(Parts::of(needed.parse().unwrap()).check(sizes).is_ok(), "{error}");
        }
    }

    #[test]
    fn forecasts_from_or_of_interpolated_values_are_not_judged() {
        let mut is_filled = vec![false; 20];
        is_filled[12] = true;
        let series = Series {
            name: "y".into(),
            time_name: "t".into(),
            time: Time::Numbers((0..20).map(f64::from).collect()),
            values: vec![0.0; 20],
            is_filled,
            n_dropped: 0,
        };
        assert_eq!(origins(&(8..20), SIZES), (7..17).collect::<Vec<_>>());
        let observed = observed_origins("test", &(8..20), SIZES, &series).unwrap();
        assert_eq!(observed, [7, 8, 13, 14, 15, 16]);
        let error = observed_origins("calibration", &(8..20), SIZES, &series).unwrap_err();
        assert!(error.to_string().starts_with("the calibration part has 6 forecasts that begin"));
    }
}
