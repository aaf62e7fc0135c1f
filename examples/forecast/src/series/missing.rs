//! What becomes of values that are missing.

use anyhow::{Result, bail};

use super::reader::Rows;
use super::{Series, Time};
use crate::arguments::{DataFile, Missing};

/// The series of these rows, none of whose values is missing.
///
/// # Errors
///
/// If one is, and nothing is to be done about it, or the first or the last is to be interpolated.
pub(super) fn without(rows: Rows, file: &DataFile<'_>, missing: Option<Missing>) -> Result<Series> {
    let n_missing = rows.values.iter().filter(|value| value.is_none()).count();
    let (time, values, is_filled) = match missing {
        None => {
            if let Some(row) = rows.values.iter().position(Option::is_none) {
                bail!(
                    "{}:{}: {} is missing, one of {n_missing} that are; --missing interpolate \
                     or --missing drop says what to do about them",
                    file.path.display(),
                    rows.lines[row],
                    file.target
                );
            }
            let values: Vec<f64> = rows.values.into_iter().flatten().collect();
            let is_filled = vec![false; values.len()];
            (rows.time, values, is_filled)
        }
        Some(Missing::Drop) => {
            let kept: Vec<bool> = rows.values.iter().map(Option::is_some).collect();
            let values: Vec<f64> = rows.values.into_iter().flatten().collect();
            let is_filled = vec![false; values.len()];
            (rows.time.keeping(&kept), values, is_filled)
        }
        Some(Missing::Interpolate) => {
            let is_filled = rows.values.iter().map(Option::is_none).collect();
            (rows.time.clone(), interpolated(&rows, file)?, is_filled)
        }
    };
    Ok(Series {
        name: file.target.to_string(),
        time_name: file.time.to_string(),
        time,
        values,
        is_filled,
        n_dropped: if missing == Some(Missing::Drop) { n_missing } else { 0 },
    })
}

impl Time {
    /// That of the rows that are kept.
    fn keeping(self, kept: &[bool]) -> Self {
        fn of<T>(times: Vec<T>, kept: &[bool]) -> Vec<T> {
            times.into_iter().zip(kept).filter_map(|(time, kept)| kept.then_some(time)).collect()
        }
        match self {
            Self::Numbers(times) => Self::Numbers(of(times, kept)),
            Self::Labels(labels) => Self::Labels(of(labels, kept)),
        }
    }
}

/// The values with a straight line from row to row across each gap.
fn interpolated(rows: &Rows, file: &DataFile<'_>) -> Result<Vec<f64>> {
    let mut values = Vec::with_capacity(rows.values.len());
    let mut row = 0;
    while row < rows.values.len() {
        if let Some(value) = rows.values[row] {
            values.push(value);
            row += 1;
            continue;
        }
        let gap = rows.values[row..].iter().take_while(|value| value.is_none()).count();
        let (before, after) = (values.last().copied(), rows.values.get(row + gap));
        let (Some(before), Some(&Some(after))) = (before, after) else {
            let (end, beside) = if row == 0 { ("begins", "before") } else { ("ends", "after") };
            bail!(
                "{}:{}: {} {end} with missing values, and there is nothing {beside} them to \
                 interpolate from; remove these rows, or leave all such out by --missing drop",
                file.path.display(),
                rows.lines[row],
                file.target
            );
        };
        let share = |n: usize| n as f64 / (gap + 1) as f64;
        values.extend((1..=gap).map(|n| before + share(n) * (after - before)));
        row += gap;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn series(values: &[Option<f64>], missing: Option<Missing>) -> Result<Series> {
        let n = values.len();
        let time = Time::Numbers((0..n).map(|row| row as f64).collect());
        let rows = Rows { time, values: values.to_vec(), lines: (2..n + 2).collect() };
        let path = PathBuf::from("series.csv");
        without(rows, &DataFile { path: &path, time: "t", target: "y" }, missing)
    }

    #[test]
    fn gaps_are_crossed_in_a_straight_line() {
        let values = [Some(1.0), None, None, Some(4.0), Some(2.0), None, Some(3.0)];
        let series = series(&values, Some(Missing::Interpolate)).unwrap();
        assert_eq!(series.values, [1.0, 2.0, 3.0, 4.0, 2.0, 2.5, 3.0]);
        assert_eq!(series.is_filled, [false, true, true, false, false, true, false]);
        assert_eq!(series.n_dropped, 0);
    }

    #[test]
    fn rows_are_left_out_with_their_time() {
        let series = series(&[None, Some(1.0), None, Some(2.0)], Some(Missing::Drop)).unwrap();
        assert_eq!((series.values, series.n_dropped), (vec![1.0, 2.0], 2));
        assert_eq!(series.time, Time::Numbers(vec![1.0, 3.0]));
    }

    #[test]
    fn a_missing_value_is_an_error_unless_it_is_said_what_to_do() {
        let error = series(&[Some(1.0), None, None], None).unwrap_err().to_string();
        assert_eq!(
            error,
            "series.csv:3: y is missing, one of 2 that are; --missing interpolate or --missing \
             drop says what to do about them"
        );
    }

    #[test]
    fn nothing_is_made_up_beyond_the_ends() {
        let refused = |values: &[Option<f64>]| {
            series(values, Some(Missing::Interpolate)).unwrap_err().to_string()
        };
        assert!(refused(&[None, Some(1.0)]).starts_with("series.csv:2: y begins with missing"));
        let error = refused(&[Some(1.0), None, None]);
        assert!(error.starts_with("series.csv:3: y ends with missing"), "{error}");
    }
}
