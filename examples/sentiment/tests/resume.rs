//! A run that was killed and resumed ends where an uninterrupted one ends.

mod program;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use program::{contents, program, run, write_reviews};
use tempfile::{TempDir, tempdir};

const ARGUMENTS: [&str; 6] = ["--data", "data", "--epochs", "3", "--mc-samples", "2"];

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    write_reviews(folder.path());
    folder
}

/// The text of the results without the lines that a clock has a say in.
fn results(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("out/results.json")).unwrap();
    text.lines().filter(|line| !line.contains("\"tokens_per_second\"")).map(String::from).collect()
}

/// The names of all files of a run.
fn names(folder: &Path) -> Vec<String> {
    let files = contents(&folder.join("out")).into_iter();
    files.map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// Kills a run as soon as it has said that so many epochs are over: about when their checkpoint is
/// written.
fn kill_after(n_epochs: usize, folder: &Path, arguments: &[&str]) {
    let mut child = program(folder, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut epochs = lines.map(Result::unwrap).filter(|line| line.contains(" epoch "));
    assert_eq!(epochs.by_ref().take(n_epochs).count(), n_epochs, "the run says what is over");
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_run_killed_in_any_method_ends_as_an_uninterrupted_one() {
    // In each of the three methods, of three epochs each.
    ends_as_uninterrupted(&ARGUMENTS, &[2, 5, 8]);
}

#[test]
fn a_learner_that_is_killed_goes_on_from_its_last_checkpoint() {
    let arguments = ["--data", "data", "--epochs", "4", "--mc-samples", "2", "--dashboard"];
    let arguments = [&arguments[..], &["--dropout", "variational"]].concat();
    ends_as_uninterrupted(&arguments, &[1, 3]);
}

fn ends_as_uninterrupted(arguments: &[&str], kills: &[usize]) {
    let whole = folder();
    assert!(run(whole.path(), arguments).status.success());
    let resume = [arguments, &["--resume"]].concat();
    for &n_epochs in kills {
        let killed = folder();
        kill_after(n_epochs, killed.path(), arguments);
        let without = run(killed.path(), arguments);
        let error = String::from_utf8(without.stderr).unwrap();
        assert!(error.contains("an interrupted run is here; go on with --resume"), "{error}");
        let output = run(killed.path(), &resume);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(results(killed.path()), results(whole.path()), "killed after {n_epochs} epochs");
        assert_eq!(names(killed.path()), names(whole.path()), "killed after {n_epochs} epochs");
    }
    let before = contents(whole.path());
    let output = run(whole.path(), &resume);
    assert!(output.status.success());
    assert_eq!(contents(whole.path()), before, "a resumed end changes nothing");
    assert!(String::from_utf8_lossy(&output.stdout).contains("variational"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_checkpoint() {
    let folder = folder();
    let long = ["--data", "data", "--dropout", "none", "--epochs", "1000"];
    let mut child = program(folder.path(), &long)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while n_checkpoints(folder.path()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its first checkpoint");
        thread::sleep(Duration::from_millis(1));
    }
    let interrupt = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(interrupt.expect("kill is there").success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(n_checkpoints(folder.path()) >= 1);
}

/// The whole checkpoints of the method without dropout.
#[cfg(unix)]
fn n_checkpoints(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder.join("out/checkpoints/none")) else { return 0 };
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("checkpoint-")).count()
}
