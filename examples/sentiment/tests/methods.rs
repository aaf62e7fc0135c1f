//! Every method trains, and what it comes to is in the results.

mod program;

use std::fs;
use std::path::Path;

use program::{contents, run, write_reviews};
use serde_json::Value;
use tempfile::tempdir;

/// The results of a run in a folder of its own, and the files that it wrote.
fn results(arguments: &[&str]) -> (Vec<Value>, Vec<String>) {
    let folder = tempdir().unwrap();
    write_reviews(folder.path());
    let output = run(folder.path(), arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let results = fs::read(folder.path().join("out/results.json")).unwrap();
    (serde_json::from_slice(&results).unwrap(), names(folder.path()))
}

/// The names of all files of a run.
fn names(folder: &Path) -> Vec<String> {
    let files = contents(&folder.join("out")).into_iter();
    files.map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// Standardised ratings have a deviation of 1: an error far above is none of a model that has learned
/// their mean.
const MOST: f64 = 3.0;

#[test]
fn every_method_of_both_cells_has_finite_results_of_its_own() {
    let quick = ["--data", "data", "--epochs", "2", "--mc-samples", "3"];
    for (cell, dropout, expected) in [
        ("lstm", "all", &["none", "naive", "variational"][..]),
        ("gru", "variational-untied", &["variational-untied"]),
    ] {
        let (results, files) =
            results(&[&quick[..], &["--cell", cell, "--dropout", dropout]].concat());
        let methods: Vec<_> =
            results.iter().map(|result| result["dropout"].as_str().unwrap()).collect();
        assert_eq!(methods, expected);
        let mut of_run: Vec<String> =
            ["calibration.png", "learning-curves.png", "rejection.png", "results.json", "run.json"]
                .map(String::from)
                .to_vec();
        for method in &methods {
            let of_draws = ["-error-bars.png", "-reviews.html", "-reviews.svg"];
            let endings = of_draws.iter().filter(|_| *method != "none").chain(&[".bvm"]);
            of_run.extend(endings.map(|ending| format!("{method}{ending}")));
        }
        of_run.sort();
        assert_eq!(files, of_run);
        for result in &results {
            check(result, cell);
        }
    }
}

fn check(result: &Value, cell: &str) {
    let drops = result["dropout"] != "none";
    assert_eq!((result["cell"].as_str(), result["epochs"].as_u64()), (Some(cell), Some(2)));
    // 44 training reviews, each a single piece, in buckets of up to 50 tokens and of up to 100.
    assert!((2..=4).contains(&result["steps"].as_u64().unwrap()), "{result}");
    let number = |name: &str, range: std::ops::RangeInclusive<f64>, is_there: bool| {
        let number = result[name].as_f64();
        assert_eq!(number.is_some(), is_there, "{name}: {result}");
        assert!(number.is_none_or(|number| range.contains(&number)), "{name}: {result}");
    };
    for name in ["rmse", "rmse_reviews"] {
        number(name, 0.0..=MOST, true);
        number(&format!("{name}_mc"), 0.0..=MOST, drops);
    }
    number("rmse_train", 0.0..=MOST, true);
    number("optimal_rmse", 0.0..=1.0, false);
    for (name, range) in
        [("log_likelihood", -20.0..=2.0), ("precision", 0.01..=1e3), ("coverage_90", 0.0..=1.0)]
    {
        number(name, range.clone(), true);
        number(&format!("{name}_mc"), range, drops);
    }
    for text in ["shuffled", "foreign", "unigram"] {
        number(&format!("auroc_{text}"), 0.0..=1.0, drops);
    }
    // Each review is a single piece.
    assert!(
        (result["rmse"].as_f64().unwrap() - result["rmse_reviews"].as_f64().unwrap()).abs() < 1e-6
    );
}

#[test]
fn a_learner_trains_on_two_devices() {
    for parallel in ["main", "sharded"] {
        let learner = ["--dashboard", "--devices", "2", "--parallel", parallel];
        let quick = ["--data", "data", "--epochs", "2", "--mc-samples", "3"];
        let (results, files) =
            results(&[&quick[..], &["--dropout", "variational"], &learner].concat());
        // 40 training reviews, 20 for each device: a batch each, in two epochs.
        assert_eq!(results[0]["steps"], 2, "{results:?}");
        check(&results[0], "lstm");
        // It is the dashboard that draws them.
        assert!(!files.contains(&"learning-curves.png".to_owned()), "{files:?}");
    }
}
