//! Every method trains, and what it comes to is in the results.

mod program;

use std::fs;

use program::{contents, run, write_corpus};
use serde_json::Value;
use tempfile::tempdir;

const QUICK: [&str; 6] = ["--data", "data", "--epochs", "2", "--mc-samples", "2"];

/// The results of a run in a folder of its own, and what it said on the way.
fn results(arguments: &[&str]) -> (Vec<Value>, String) {
    let folder = tempdir().unwrap();
    write_corpus(folder.path());
    let output = run(folder.path(), &[&QUICK[..], arguments].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let results = fs::read(folder.path().join("out/results.json")).unwrap();
    let results: Vec<Value> = serde_json::from_slice(&results).unwrap();
    let mut files: Vec<_> = names(&results).iter().map(|name| format!("{name}.bvm")).collect();
    files.extend(
        ["learning-curves.png", "monte-carlo.png", "results.json", "run.json"].map(String::from),
    );
    files.sort();
    let found = contents(&folder.path().join("out")).into_iter();
    let found = found.map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned());
    assert_eq!(found.collect::<Vec<_>>(), files);
    (results, said)
}

fn names(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["method"].as_str().unwrap()).collect()
}

/// A corpus of eight types: at chance its perplexity is 8, and two epochs make it better or, with a
/// learning rate of 30 for some ten steps, somewhat worse.
const MOST: f64 = 100.0;

#[test]
fn every_method_trains_to_finite_perplexities() {
    let (results, said) = results(&["--dropout", "every"]);
    assert_eq!(
        names(&results),
        [
            "none",
            "naive",
            "variational",
            "variational-untied",
            "rnn-drop",
            "semeniuta",
            "zoneout",
            "weight-drop",
            "keras",
            "awd",
            "concrete"
        ]
    );
    for result in &results {
        let method = result["method"].as_str().unwrap();
        for text in ["train_ppl", "valid_ppl", "test_ppl"] {
            let ppl = result[text].as_f64().unwrap();
            assert!((1.0..MOST).contains(&ppl), "{method}: {text} {ppl}");
        }
        let drops_types =
            ["variational", "variational-untied", "awd", "concrete"].contains(&method);
        for (text, asked) in
            [("test_ppl_mc", method != "none"), ("test_ppl_mc_types_dropped", drops_types)]
        {
            let ppl = result[text].as_f64();
            assert_eq!(ppl.is_some(), asked, "{method}: {text}");
            assert!(ppl.is_none_or(|ppl| (1.0..MOST).contains(&ppl)), "{method}: {text} {ppl:?}");
        }
        for text in ["auroc_shuffled", "auroc_foreign_entropy"] {
            let auroc = result[text].as_f64();
            assert_eq!(auroc.is_some(), method != "none", "{method}: {text}");
            assert!(auroc.is_none_or(|auroc| (0.0..=1.0).contains(&auroc)), "{method}: {auroc:?}");
        }
        assert_eq!(result["learned_rates"].is_null(), method != "concrete");
    }
    let rates = results[10]["learned_rates"].as_object().unwrap();
    let sites = ["inputs.0", "inputs.1", "output", "recurrent.0", "recurrent.1", "types"];
    assert!(sites.iter().eq(rates.keys()), "{rates:?}");
    // They have moved from where they began, 0.4, 0.25 and 0.1.
    for (site, initial) in [("inputs.0", 0.4), ("recurrent.1", 0.25), ("types", 0.1)] {
        let rate = rates[site].as_f64().unwrap();
        assert!((rate - initial).abs() > 1e-3 && (0.0..1.0).contains(&rate), "{site}: {rate}");
    }
    assert_eq!(said.matches(" rates: ").count(), 2, "{said}");
    // 72 steps of 10 streams: three whole windows of 20, and for AWD-LSTM windows of any length.
    assert_eq!(results[0]["steps"], 6);
    assert_ne!(results[9]["steps"], 6);
}

#[test]
fn cells_leave_out_what_they_do_not_have_and_say_so() {
    let (results, said) = results(&["--dropout", "every", "--cell", "rnn"]);
    assert_eq!(results.len(), 9);
    assert!(!names(&results).contains(&"rnn-drop") && !names(&results).contains(&"semeniuta"));
    assert!(said.contains("rnn-drop is left out: --cell rnn has no cell to drop"), "{said}");
    assert!(said.contains("semeniuta is left out: --cell rnn has no candidate to drop"), "{said}");
}
