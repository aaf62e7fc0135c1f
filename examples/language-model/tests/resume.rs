//! A run that was killed and resumed ends where an uninterrupted one ends.

mod program;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use program::{contents, program, run, write_corpus};
use tempfile::tempdir;

const ARGUMENTS: [&str; 6] = ["--data", "data", "--epochs", "4", "--mc-samples", "3"];

/// The text of the results without the lines that a clock has a say in.
fn results(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("out/results.json")).unwrap();
    let (speeds, rest): (Vec<_>, Vec<_>) =
        text.lines().map(String::from).partition(|line| line.contains("\"tokens_per_second\""));
    assert_eq!(speeds.len(), rest.iter().filter(|line| line.contains("\"method\"")).count());
    rest
}

/// The names of all files of a run.
fn names(folder: &Path) -> Vec<String> {
    let files = contents(&folder.join("out")).into_iter();
    files.map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// Moments without a pattern in `[0, 1)`: the fractions of multiples of the golden ratio.
fn moments() -> impl Iterator<Item = f64> {
    (1..=10).map(|n| (f64::from(n) * 0.618_033_988_75).fract())
}

#[test]
fn a_run_killed_at_ten_moments_ends_as_an_uninterrupted_one() {
    let whole = tempdir().unwrap();
    write_corpus(whole.path());
    let start = Instant::now();
    let output = run(whole.path(), &ARGUMENTS);
    let duration = start.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = results(whole.path());
    assert_eq!(expected.iter().filter(|line| line.contains("\"method\"")).count(), 4);

    let mut with_checkpoint = 0;
    for moment in moments() {
        let killed = tempdir().unwrap();
        write_corpus(killed.path());
        let mut child = program(killed.path(), &ARGUMENTS)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(duration.mul_f64(moment));
        // On Unix this is SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        with_checkpoint += usize::from(killed.path().join("out/checkpoints").exists());
        let output = run(killed.path(), &[&ARGUMENTS[..], &["--resume"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(results(killed.path()), expected, "killed at {moment:.2} of the run");
        assert_eq!(names(killed.path()), names(whole.path()), "killed at {moment:.2} of the run");
    }
    assert!(with_checkpoint >= 5, "{with_checkpoint} of 10 kills left a checkpoint to go on from");
}

#[test]
fn a_rerun_replaces_its_own_files_and_a_resumed_end_changes_none() {
    let folder = tempdir().unwrap();
    write_corpus(folder.path());
    let quick = [&ARGUMENTS[..], &["--dropout", "variational"]].concat();
    assert!(run(folder.path(), &quick).status.success());
    let first = results(folder.path());
    assert!(run(folder.path(), &quick).status.success());
    assert_eq!(results(folder.path()), first);

    let before = contents(folder.path());
    let output = run(folder.path(), &[&quick[..], &["--resume"]].concat());
    assert!(output.status.success());
    assert_eq!(contents(folder.path()), before);
    assert!(String::from_utf8_lossy(&output.stdout).contains("variational"));
    let expected =
        ["learning-curves.png", "monte-carlo.png", "results.json", "run.json", "variational.bvm"];
    assert_eq!(names(folder.path()), expected);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_checkpoint() {
    let folder = tempdir().unwrap();
    write_corpus(folder.path());
    let long = ["--data", "data", "--dropout", "none", "--epochs", "1000"];
    let mut child = program(folder.path(), &long)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while !folder.path().join("out/checkpoints/none/checkpoint-1").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = std::process::Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status()
        .expect("kill is there");
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let checkpoints = fs::read_dir(folder.path().join("out/checkpoints/none")).unwrap();
    assert!(checkpoints.count() >= 1);
}
