//! A series as a CSV file has it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};

use super::Time;
use crate::arguments::DataFile;

/// What stands for a value that is missing, in lower case.
const MISSING: [&str; 9] = ["", "na", "n/a", "nan", "null", "none", "?", ".", "-"];

/// The rows of a file, in order, whose values may be missing.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) time: Time,
    pub(super) values: Vec<Option<f64>>,
    /// Of each row, counted from 1.
    pub(super) lines: Vec<usize>,
}

/// The names of the columns of a file, if it can be read.
pub(crate) fn columns_of(path: &Path) -> Option<Vec<String>> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_path(path).ok()?;
    Some(reader.headers().ok()?.iter().map(String::from).collect())
}

/// Reads the two columns.
///
/// # Errors
///
/// If there is no such file or column, a row has other fields than the header, a value is no finite
/// number, or a time does not come after the one before.
pub(super) fn read(file: &DataFile<'_>) -> Result<Rows> {
    let path = file.path.display();
    ensure!(!file.path.is_dir(), "--data {path}: is a folder, and must be a CSV file");
    let text = fs::read(file.path).with_context(|| format!("--data {path}"))?;
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_slice());
    let header = reader.headers().map_err(|error| told(&error, file, &text))?.clone();
    let time_column = column(&header, file, "--time", file.time)?;
    let target_column = column(&header, file, "--target", file.target)?;

    let (mut times, mut values, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| told(&error, file, &text))?;
        let line = line_of(record.position(), &text);
        let time = &record[time_column];
        ensure!(!time.is_empty(), "{path}:{line}: {} is empty, and must say when", file.time);
        let value = value_of(&record[target_column])
            .map_err(|what| anyhow!("{path}:{line}: {} {what}", file.target))?;
        times.push(time.to_string());
        values.push(value);
        lines.push(line);
    }
    Ok(Rows { time: time_of(times, &lines, file)?, values, lines })
}

fn column(header: &StringRecord, file: &DataFile<'_>, option: &str, name: &str) -> Result<usize> {
    header.iter().position(|column| column == name).with_context(|| {
        let columns: Vec<_> = header.iter().collect();
        let path = file.path.display();
        format!("{option} {name}: no such column in {path}; there are {}", columns.join(", "))
    })
}

/// The value of a field, if there is one, or what is wrong with it.
fn value_of(field: &str) -> Result<Option<f64>, String> {
    if MISSING.contains(&field.to_lowercase().as_str()) {
        return Ok(None);
    }
    match field.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        Ok(_) => Err(format!("is {field}, and must be finite")),
        Err(_) => Err(format!("is {field:?}, which is not a number")),
    }
}

/// Numbers, if all are, which must grow, or else labels.
fn time_of(times: Vec<String>, lines: &[usize], file: &DataFile<'_>) -> Result<Time> {
    let number = |time: &String| time.parse::<f64>().ok().filter(|number| number.is_finite());
    let Some(numbers) = times.iter().map(number).collect::<Option<Vec<f64>>>() else {
        return Ok(Time::Labels(times));
    };
    if let Some(row) = (1..numbers.len()).find(|&row| numbers[row] <= numbers[row - 1]) {
        let (before, time) = (&times[row - 1], &times[row]);
        let (path, line, name) = (file.path.display(), lines[row], file.time);
        if numbers[row] < numbers[row - 1] {
            bail!("{path}:{line}: {name} goes backwards: {time} after {before}; sort the rows");
        }
        bail!("{path}:{line}: {name} is {time} again: a series has one row for each time");
    }
    Ok(Time::Numbers(numbers))
}

/// An error of the reader, with the line that it is in.
fn told(error: &csv::Error, file: &DataFile<'_>, text: &[u8]) -> anyhow::Error {
    let path = file.path.display();
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = line_of(pos.as_ref(), text);
            anyhow!("{path}:{line}: {len} fields, and the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { pos, .. } => {
            anyhow!("{path}:{}: is not UTF-8 text", line_of(pos.as_ref(), text))
        }
        _ => anyhow!("{path}: {error}"),
    }
}

/// The line of a position, from 1: not the reader's own, which counts from the end of the record
/// before, where blank lines may follow.
fn line_of(position: Option<&csv::Position>, text: &[u8]) -> usize {
    let start = position.map_or(0, |position| position.byte() as usize).min(text.len());
    let blank = text[start..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    text[..start + blank].split(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn rows(text: &str) -> Result<Rows> {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("series.csv");
        fs::write(&path, text).unwrap();
        let read = read(&DataFile { path: &path, time: "t", target: "y" });
        read.map_err(|error| {
            let told = format!("{error:#}").replace(&path.display().to_string(), "series.csv");
            anyhow!(told)
        })
    }

    fn refused(text: &str) -> String {
        rows(text).unwrap_err().to_string()
    }

    #[test]
    fn columns_go_by_name_and_values_may_be_missing() {
        let text =
            "y, other ,t\n 1.5 ,a,1950\nNA,b,1951\n,c,1952\n?,d,1953\n.,e,1954\nNaN,f,1955\n";
        let rows = rows(text).unwrap();
        assert_eq!(rows.values, [Some(1.5), None, None, None, None, None]);
        assert_eq!(rows.time, Time::Numbers((1950..1956).map(f64::from).collect()));
        assert_eq!(rows.lines, [2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn time_that_is_not_all_numbers_is_labels() {
        let rows = rows("t,y\n1958-03-29,1\nlater,2\n3,3\n").unwrap();
        let labels = ["1958-03-29", "later", "3"].map(String::from).to_vec();
        assert_eq!(rows.time, Time::Labels(labels));
    }

    #[test]
    fn the_line_is_named_behind_blank_lines_and_carriage_returns() {
        assert_eq!(
            refused("t,y\r\n1,1\r\n\r\n\r\n2,two\r\n"),
            "series.csv:5: y is \"two\", which is not a number"
        );
        assert_eq!(
            refused("t,y\n1,1\n2,two\n"),
            "series.csv:3: y is \"two\", which is not a number"
        );
    }

    #[test]
    fn what_is_no_series_is_refused() {
        assert_eq!(refused("t,y\n1,1\n2,inf\n"), "series.csv:3: y is inf, and must be finite");
        assert_eq!(refused("t,y\n1,1\n2\n"), "series.csv:3: 1 fields, and the header has 2");
        assert_eq!(refused("t,y\n1,1\n,2\n"), "series.csv:3: t is empty, and must say when");
        assert_eq!(
            refused("t,y\n1,1\n3,2\n2,2\n"),
            "series.csv:4: t goes backwards: 2 after 3; sort the rows"
        );
        assert_eq!(
            refused("t,y\n1,1\n1,2\n"),
            "series.csv:3: t is 1 again: a series has one row for each time"
        );
        assert_eq!(
            refused("when,y\n1,1\n"),
            "--time t: no such column in series.csv; there are when, y"
        );
        assert_eq!(refused(""), "--time t: no such column in series.csv; there are ");
    }
}
