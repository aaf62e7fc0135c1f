//! The program, run as a user runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program with these arguments, ready to run in a folder.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sentiment"));
    program.current_dir(folder).args(arguments);
    program
}

/// Runs the program to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().expect("the program starts")
}

/// Writes the reviews of two authors to `data/`, 30 each.
pub(crate) fn write_reviews(folder: &Path) {
    for (author, seed) in [("ann", 1), ("b+c", 2)] {
        let data = folder.join("data").join(author);
        fs::create_dir_all(&data).unwrap();
        let reviews = sentiment::writer::write(30, seed);
        let lines = |line: &dyn Fn(&sentiment::Review) -> String| {
            reviews.iter().map(|review| line(review) + "\n").collect::<String>()
        };
        let texts = lines(&|review| review.words.join(" "));
        let ratings = lines(&|review| review.rating.clamp(0.0, 1.0).to_string());
        fs::write(data.join(format!("subj.{author}")), texts).unwrap();
        fs::write(data.join(format!("rating.{author}")), ratings).unwrap();
    }
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
