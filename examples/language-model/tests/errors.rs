//! What goes wrong is told in one line, and nothing is overwritten.

mod program;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use program::{contents, program, run, write_corpus};
use tempfile::{TempDir, tempdir};

/// The quickest run there is.
const QUICK: [&str; 8] =
    ["--data", "data", "--dropout", "none", "--epochs", "1", "--mc-samples", "2"];

/// Runs the program, which must fail with this one line and change nothing.
fn fails_with(folder: &Path, arguments: &[&str], expected: &str) {
    let before = contents(folder);
    let output = run(folder, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?} must fail");
    assert_eq!(error.lines().count(), 1, "one line, and not {error:?}");
    assert!(error.contains(expected), "{error:?} must contain {expected:?}");
    assert_eq!(contents(folder), before, "{arguments:?} must change no file");
}

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    write_corpus(folder.path());
    folder
}

#[test]
fn no_such_directory() {
    let folder = folder();
    fails_with(folder.path(), &["--data", "nowhere"], "--data nowhere: no such directory");
}

#[test]
fn a_missing_file() {
    let folder = folder();
    fs::remove_file(folder.path().join("data/ptb.valid.txt")).unwrap();
    fails_with(folder.path(), &QUICK, "data/ptb.valid.txt: No such file");
}

#[test]
fn an_empty_file() {
    let folder = folder();
    fs::write(folder.path().join("data/ptb.test.txt"), "\n").unwrap();
    fails_with(folder.path(), &QUICK, "data/ptb.test.txt: the file is empty");
}

#[test]
fn what_a_learner_cannot_do() {
    let folder = folder();
    let awd = ["--dashboard", "--dropout", "awd"];
    fails_with(folder.path(), &awd, "--dropout awd: --dashboard has neither its windows");
    let ddp = ["--dashboard", "--devices", "2", "--parallel", "ddp"];
    fails_with(folder.path(), &ddp, "--parallel ddp: it reduces gradients by collectives");
}

#[test]
fn a_text_too_short_for_a_window() {
    let folder = folder();
    fs::write(folder.path().join("data/ptb.train.txt"), " the cat sees likes dog bird \n").unwrap();
    fails_with(folder.path(), &QUICK, "train text: 7 tokens are too few for 10 streams");
}

#[test]
fn a_word_outside_the_vocabulary() {
    let folder = folder();
    fs::write(folder.path().join("data/ptb.test.txt"), " the cat \n the newt \n").unwrap();
    fails_with(
        folder.path(),
        &QUICK,
        "data/ptb.test.txt:2: the word \"newt\" is not in the training text, which has no <unk>",
    );
}

#[test]
fn dropout_of_what_the_cell_does_not_have() {
    let folder = folder();
    for (cell, dropout, missing) in [
        ("gru", "rnn-drop", "cell"),
        ("rnn", "rnn-drop", "cell"),
        ("rnn", "semeniuta", "candidate"),
    ] {
        let arguments = ["--data", "data", "--cell", cell, "--dropout", dropout];
        let expected = format!("--dropout {dropout}: --cell {cell} has no {missing} to drop");
        fails_with(folder.path(), &arguments, &expected);
    }
}

#[test]
fn an_unknown_dropout() {
    let folder = folder();
    fails_with(folder.path(), &["--dropout", "out"], "invalid value 'out' for '--dropout");
}

#[test]
fn an_unknown_backend() {
    let folder = folder();
    fails_with(folder.path(), &["--backend", "abacus"], "invalid value 'abacus' for '--backend");
}

#[test]
fn a_backend_that_is_not_compiled_in() {
    if cfg!(feature = "cuda") {
        return;
    }
    let folder = folder();
    fails_with(
        folder.path(),
        &["--backend", "cuda"],
        "--backend cuda: not compiled in; build with --features cuda",
    );
}

#[test]
fn an_output_folder_that_is_a_file() {
    let folder = folder();
    fs::write(folder.path().join("taken"), "mine").unwrap();
    fails_with(folder.path(), &[&QUICK[..], &["--out", "taken"]].concat(), "--out taken: ");
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    // Not even root may make a folder here.
    let folder = folder();
    let out = "/proc/language-model";
    fails_with(
        folder.path(),
        &[&QUICK[..], &["--out", out]].concat(),
        "--out /proc/language-model",
    );
}

#[test]
fn files_of_another_configuration() {
    let folder = folder();
    assert!(run(folder.path(), &QUICK).status.success());
    let other = [&QUICK[..], &["--seed", "2"]].concat();
    let expected = "out/run.json: files of another configuration are here; choose another --out";
    fails_with(folder.path(), &other, expected);
    fails_with(folder.path(), &[&other[..], &["--resume"]].concat(), expected);
}

#[test]
fn files_that_the_program_did_not_write() {
    let folder = folder();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/results.json"), "mine").unwrap();
    fails_with(folder.path(), &QUICK, "out/results.json: a file that this program did not write");
}

/// A run that was killed after its first epoch.
fn interrupted(folder: &Path, arguments: &[&str]) {
    let mut child = program(folder, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let checkpoint = folder.join("out/checkpoints/none/checkpoint-1");
    while !checkpoint.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its first checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn newest_checkpoint(folder: &Path) -> std::path::PathBuf {
    let mut checkpoints: Vec<_> = fs::read_dir(folder.join("out/checkpoints/none"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("checkpoint-"))
        .collect();
    let number = |path: &std::path::PathBuf| -> u64 {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.strip_prefix("checkpoint-").unwrap().parse().unwrap()
    };
    checkpoints.sort_by_key(number);
    checkpoints.pop().unwrap()
}

const LONG: [&str; 6] = ["--data", "data", "--dropout", "none", "--epochs", "1000"];

#[test]
fn an_interrupted_run_that_is_not_resumed() {
    let folder = folder();
    interrupted(folder.path(), &LONG);
    fails_with(
        folder.path(),
        &LONG,
        "out/checkpoints: an interrupted run is here; go on with --resume or choose another --out",
    );
}

#[test]
fn a_checkpoint_of_another_model() {
    let (ours, theirs) = (folder(), folder());
    interrupted(ours.path(), &LONG);
    interrupted(theirs.path(), &[&LONG[..], &["--cell", "gru"]].concat());
    let place = newest_checkpoint(ours.path());
    for file in ["module.bpk", "optimizer.bpk", "progress.json", "manifest.json"] {
        fs::copy(newest_checkpoint(theirs.path()).join(file), place.join(file)).unwrap();
    }
    let resume = [&LONG[..], &["--resume"]].concat();
    fails_with(ours.path(), &resume, "the checkpoint is of another model");
}

#[test]
fn a_truncated_checkpoint() {
    let folder = folder();
    interrupted(folder.path(), &LONG);
    let module = newest_checkpoint(folder.path()).join("module.bpk");
    let bytes = fs::read(&module).unwrap();
    fs::write(&module, &bytes[..bytes.len() / 2]).unwrap();
    let resume = [&LONG[..], &["--resume"]].concat();
    fails_with(folder.path(), &resume, "module.bpk: the checkpoint is damaged: it has");
}
