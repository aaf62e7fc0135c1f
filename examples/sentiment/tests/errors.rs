//! What goes wrong is told in one line, and nothing is overwritten.

mod program;

use std::fs;
use std::path::Path;

use program::{contents, run, write_reviews};
use tempfile::{TempDir, tempdir};

/// The quickest run there is.
const QUICK: [&str; 6] = ["--data", "data", "--dropout", "none", "--epochs", "1"];

/// Runs the program, which must fail with this code and this one line, and change nothing.
fn fails_with(folder: &Path, arguments: &[&str], code: i32, expected: &str) {
    let before = contents(folder);
    let output = run(folder, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "one line, and not {error:?}");
    assert!(error.contains(expected), "{error:?} must contain {expected:?}");
    assert_eq!(contents(folder), before, "{arguments:?} must change no file");
}

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    write_reviews(folder.path());
    folder
}

#[test]
fn no_such_directory() {
    let folder = folder();
    fails_with(folder.path(), &["--data", "nowhere"], 1, "--data nowhere: no such directory");
}

#[test]
fn a_rating_that_is_none_is_named_with_its_line() {
    let folder = folder();
    let path = folder.path().join("data/b+c/rating.b+c");
    let ratings = fs::read_to_string(&path).unwrap();
    let second = ratings.lines().nth(1).unwrap();
    fs::write(&path, ratings.replacen(&format!("\n{second}\n"), "\nfive stars\n", 1)).unwrap();
    let expected =
        "data/b+c/rating.b+c:2: a rating must be a number from 0 to 1, got \"five stars\"";
    fails_with(folder.path(), &QUICK, 1, expected);
}

#[test]
fn arguments_that_cannot_be() {
    let folder = folder();
    let cases = [
        (["--dropout", "out"], "invalid value 'out' for '--dropout"),
        (["--cell", "rnn"], "invalid value 'rnn' for '--cell"),
        (["--epochs", "0"], "invalid value '0' for '--epochs"),
        (["--mc-samples", "1"], "invalid value '1' for '--mc-samples"),
        (["--prob", "1"], "invalid value '1' for '--prob"),
        (["--length-scale", "0"], "invalid value '0' for '--length-scale"),
        (["--max-reviews", "3"], "invalid value '3' for '--max-reviews"),
        (["--backend", "abacus"], "invalid value 'abacus' for '--backend"),
    ];
    for (arguments, expected) in cases {
        fails_with(folder.path(), &arguments, 2, expected);
    }
}

#[test]
fn a_backend_that_is_not_compiled_in() {
    if cfg!(feature = "cuda") {
        return;
    }
    let expected = "--backend cuda: not compiled in; build with --features cuda";
    fails_with(folder().path(), &["--backend", "cuda"], 1, expected);
}

#[test]
fn files_of_another_configuration_and_of_others_stay() {
    let folder = folder();
    assert!(run(folder.path(), &QUICK).status.success());
    let expected = "out/run.json: files of another configuration are here; choose another --out";
    for other in [["--seed", "2"], ["--max-reviews", "50"], ["--cell", "gru"], ["--prob", "0.3"]] {
        fails_with(folder.path(), &[&QUICK[..], &other].concat(), 1, expected);
    }
    let mine = folder.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("none-reviews.html"), "mine").unwrap();
    let expected = "mine/none-reviews.html: a file that this program did not write is here";
    fails_with(folder.path(), &[&QUICK[..], &["--out", "mine"]].concat(), 1, expected);
}
