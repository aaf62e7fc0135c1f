//! A run that was killed and resumed ends where an uninterrupted one ends.

mod program;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use program::{contents, program, run, write_corpus};
use tempfile::tempdir;

const ARGUMENTS: [&str; 6] = ["--data", "data", "--epochs", "3", "--mc-samples", "3"];

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

/// Starts a run and kills it as soon as it has said that so many epochs are over, however long they
/// take: about when their checkpoint is written.
fn kill_after(n_epochs: usize, folder: &Path, arguments: &[&str]) {
    let mut child = program(folder, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut epochs = lines.map(Result::unwrap).filter(|line| line.contains(" epoch "));
    assert_eq!(
        epochs.by_ref().take(n_epochs).count(),
        n_epochs,
        "the run says when an epoch is over"
    );
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Kills a run after so many epochs of all its methods, again and again, and resumes it. Returns what
/// it says on standard error when nobody kills it, and how many of the kills left a checkpoint.
fn ends_as_uninterrupted(arguments: &[&str], n_methods: usize, kills: &[usize]) -> (String, usize) {
    let whole = tempdir().unwrap();
    write_corpus(whole.path());
    let output = run(whole.path(), arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let expected = results(whole.path());
    assert_eq!(expected.iter().filter(|line| line.contains("\"method\"")).count(), n_methods);

    let killed_after = |n_epochs| {
        let killed = tempdir().unwrap();
        write_corpus(killed.path());
        kill_after(n_epochs, killed.path(), arguments);
        let has_checkpoint = killed.path().join("out/checkpoints").exists();
        let output = run(killed.path(), &[arguments, &["--resume"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(results(killed.path()), expected, "killed after {n_epochs} epochs");
        assert_eq!(names(killed.path()), names(whole.path()), "killed after {n_epochs} epochs");
        usize::from(has_checkpoint)
    };
    // Two at a time: alone, this is what all other tests wait for.
    let (some, others) = kills.split_at(kills.len() / 2);
    let killed = |kills: &[usize]| kills.iter().map(|&n_epochs| killed_after(n_epochs)).sum();
    let with_checkpoint = thread::scope(|scope| {
        let some = scope.spawn(|| -> usize { killed(some) });
        let others: usize = killed(others);
        some.join().expect("no kill panics") + others
    });
    (said, with_checkpoint)
}

#[test]
fn a_run_killed_at_ten_moments_ends_as_an_uninterrupted_one() {
    // Before the first epoch, and in each method.
    let kills = [0, 1, 2, 3, 4, 5, 6, 7, 9, 11];
    let (_, with_checkpoint) = ends_as_uninterrupted(&ARGUMENTS, 4, &kills);
    // From the second epoch on there is one of the first.
    assert!(with_checkpoint >= 8, "{with_checkpoint} of 10 kills left a checkpoint to go on from");
}

#[test]
fn a_learner_that_is_killed_goes_on_from_its_last_checkpoint() {
    let learner = ["--dashboard", "--dropout", "variational"];
    let (_, with_checkpoint) = ends_as_uninterrupted(&[&ARGUMENTS[..], &learner].concat(), 1, &[2]);
    assert_eq!(with_checkpoint, 1);
}

#[test]
fn an_awd_run_killed_before_and_while_it_averages_ends_as_an_uninterrupted_one() {
    let arguments = ["--data", "data", "--dropout", "awd", "--epochs", "20", "--mc-samples", "1"];
    let (said, with_checkpoint) = ends_as_uninterrupted(&arguments, 1, &[4, 17]);
    let mut lines = said.lines();
    let before = lines.by_ref().take_while(|line| !line.ends_with("averaging begins")).count();
    assert!((7..17).contains(&before), "averaging begins after {before} epochs: {said}");
    assert_eq!(with_checkpoint, 2);
}

#[test]
fn a_run_with_learned_rates_killed_and_resumed_ends_as_an_uninterrupted_one() {
    let arguments =
        ["--data", "data", "--dropout", "concrete", "--epochs", "4", "--mc-samples", "3"];
    let (_, with_checkpoint) = ends_as_uninterrupted(&arguments, 1, &[2, 3]);
    assert_eq!(with_checkpoint, 2);
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
        thread::sleep(Duration::from_millis(1));
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
