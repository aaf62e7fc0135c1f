//! The program, run as a user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// The program with these arguments, ready to run in a folder.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_language-model"));
    program.current_dir(folder).args(arguments);
    program
}

/// Runs the program to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().expect("the program starts")
}

/// Writes a corpus of a few words to `data/`.
pub(crate) fn write_corpus(folder: &Path) {
    let data = folder.join("data");
    fs::create_dir_all(&data).unwrap();
    for (part, lines) in [("train", 120), ("valid", 30), ("test", 30)] {
        let line = |n: usize| {
            let noun = ["cat", "dog", "bird"][n % 3];
            let verb = ["sees", "likes"][n * n % 5 % 2];
            format!(" the {noun} {verb} the {} \n", ["cat", "dog", "bird"][(n / 3) % 3])
        };
        let text: String = (0..lines).map(line).collect();
        fs::write(data.join(format!("ptb.{part}.txt")), text).unwrap();
    }
}

/// Every file below a folder with a checksum of its content, by path.
pub(crate) fn contents(folder: &Path) -> Vec<(std::path::PathBuf, u32)> {
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
