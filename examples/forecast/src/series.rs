//! A time series: values in order, and when each was observed.

mod generated;
mod missing;
mod reader;

use anyhow::Result;

use crate::arguments::DataArguments;

pub use generated::{Generated, Optimum};
pub(crate) use reader::columns_of;

/// A time series of evenly spaced steps.
#[derive(Debug, Clone)]
pub struct Series {
    /// What its values are, as a column is named.
    pub name: String,
    /// What its time is.
    pub time_name: String,
    /// When each value was observed.
    pub time: Time,
    /// The values, all finite.
    pub values: Vec<f64>,
    /// Which of them were not observed but interpolated.
    pub is_filled: Vec<bool>,
    /// The rows that were left out, as their values were missing.
    pub n_dropped: usize,
}

/// When the values of a series were observed.
#[derive(Debug, Clone, PartialEq)]
pub enum Time {
    /// Numbers that grow.
    Numbers(Vec<f64>),
    /// What the file says, such as dates.
    Labels(Vec<String>),
}

impl Series {
    /// The series that the command line names, and the source of it where it is the generated one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read as a series.
    pub fn load(data: &DataArguments) -> Result<(Self, Option<Generated>)> {
        if let Some(file) = data.file()? {
            let rows = reader::read(&file)?;
            return Ok((missing::without(rows, &file, data.missing)?, None));
        }
        let generated = Generated::new();
        Ok((generated.series(), Some(generated)))
    }

    /// A checksum of its values, and of which are interpolated.
    pub(crate) fn crc32(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for (value, is_filled) in self.values.iter().zip(&self.is_filled) {
            hasher.update(&value.to_le_bytes());
            hasher.update(&[u8::from(*is_filled)]);
        }
        hasher.finalize()
    }

    /// What is worth knowing of how it was read: a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.n_dropped > 0 {
            notes.push(format!(
                "{} rows are left out: {} is missing in them; the others count as evenly spaced",
                self.n_dropped, self.name
            ));
        }
        let n_filled = self.is_filled.iter().filter(|is_filled| **is_filled).count();
        if n_filled > 0 {
            notes.push(format!(
                "{n_filled} missing values of {} are interpolated: the model reads them, no \
                 forecast is made from one or judged by one",
                self.name
            ));
        }
        if let Some((shortest, longest)) = self.time.uneven() {
            notes.push(format!(
                "the steps of {} are {shortest} to {longest} long: they count as evenly spaced",
                self.time_name
            ));
        }
        notes
    }
}

impl Time {
    /// The shortest and the longest step, if they differ as much as steps and gaps do.
    fn uneven(&self) -> Option<(f64, f64)> {
        let Self::Numbers(times) = self else { return None };
        let steps = || times.windows(2).map(|pair| pair[1] - pair[0]);
        let (shortest, longest) = (steps().reduce(f64::min)?, steps().reduce(f64::max)?);
        // February has 28 days and March 31.
        (longest > 1.5 * shortest).then_some((shortest, longest))
    }

    /// The place of a step on an axis of time: the number itself, or the number of the label.
    pub(crate) fn position(&self, step: usize) -> f64 {
        match self {
            Self::Numbers(times) => times.get(step).copied().unwrap_or_else(|| {
                let last = times.len() - 1;
                let length = (times[last] - times[0]) / last.max(1) as f64;
                times[last] + (step - last) as f64 * length
            }),
            Self::Labels(_) => step as f64,
        }
    }

    /// What a step is called: its number or label, and behind the last how many steps behind.
    pub(crate) fn label(&self, step: usize) -> String {
        match self {
            Self::Numbers(_) => format!("{}", (self.position(step) * 1e4).round() / 1e4),
            Self::Labels(labels) => labels.get(step).cloned().unwrap_or_else(|| {
                let last = labels.len() - 1;
                format!("{} + {}", labels[last], step - last)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_behind_its_end_at_its_mean_step() {
        let numbers = Time::Numbers(vec![1950.0, 1950.25, 1950.5]);
        assert_eq!((numbers.position(1), numbers.position(4)), (1950.25, 1951.0));
        assert_eq!(numbers.label(3), "1950.75");
        let labels = Time::Labels(["may", "june"].map(String::from).to_vec());
        assert_eq!((labels.label(0), labels.label(3)), ("may".into(), "june + 2".into()));
    }

    #[test]
    fn months_are_even_and_gaps_are_not() {
        let days = |days: &[f64]| Time::Numbers(days.to_vec()).uneven();
        assert_eq!(days(&[0.0, 31.0, 59.0, 90.0]), None);
        assert_eq!(days(&[0.0, 31.0, 90.0]), Some((31.0, 59.0)));
    }
}
