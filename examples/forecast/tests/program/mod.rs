//! The program, run as a user runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The quickest run there is of what [`write_series`] wrote.
pub(crate) const QUICK: [&str; 14] = [
    "--data",
    "series.csv",
    "--time",
    "month",
    "--target",
    "level",
    "--horizon",
    "3",
    "--window",
    "8",
    "--epochs",
    "2",
    "--mc-samples",
    "4",
];

/// Runs the program to its end in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_forecast"));
    program.current_dir(folder).args(arguments).output().expect("the program starts")
}

/// The value of a step of the series: a season of 6, and something that looks like noise.
pub(crate) fn value(step: usize) -> f64 {
    let season = (std::f64::consts::TAU * step as f64 / 6.0).sin();
    10.0 + 3.0 * season + 0.1 * (step * step * 7 % 11) as f64
}

/// Writes so many months of a series to `series.csv`, and two columns that are not read.
pub(crate) fn write_series(folder: &Path, n_steps: usize) {
    write_rows(folder, (0..n_steps).map(|step| format!("{},{}", step + 1, value(step))));
}

/// The same with rows of one's own.
pub(crate) fn write_rows(folder: &Path, rows: impl Iterator<Item = String>) {
    let mut text = "month,level,remark,empty\n".to_string();
    for row in rows {
        text += &row;
        text += ",x,\n";
    }
    fs::write(folder.join("series.csv"), text).unwrap();
}

/// Every file below a folder with a checksum of its content, by path.
pub(crate) fn contents(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            let checksum = crc32fast::hash(&fs::read(&path).unwrap());
            files.push((path, checksum));
        }
    }
    files.sort();
    files
}
