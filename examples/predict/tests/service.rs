//! The service, run as a program that asks it does.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::thread;

use burn::tensor::Device;
use clap::Parser;
use forecast::Forecaster;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

const N_DRAWS: usize = 20;
const SEED: u64 = 3;
const WINDOW: usize = 8;
const HORIZON: usize = 3;

/// A model of 8 steps that forecasts 3, trained for a moment.
static TRAINED: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempdir().unwrap();
    let data = folder.path().join("series.csv");
    let rows: Vec<_> = (0..100).map(|t| format!("{t},{}", value(t))).collect();
    fs::write(&data, format!("month,level\n{}\n", rows.join("\n"))).unwrap();
    let out = folder.path().join("out");
    let [data, out] = [data, out].map(|path| path.to_str().unwrap().to_string());
    let arguments = format!(
        "forecast --data {data} --out {out} --time month --target level --horizon {HORIZON} \
         --window {WINDOW} --epochs 2 --mc-samples 4"
    );
    forecast::run(&forecast::Arguments::parse_from(arguments.split(' '))).unwrap();
    folder
});

fn value(step: usize) -> f64 {
    10.0 + 3.0 * (step as f64).sin() + 0.1 * (step * step * 7 % 11) as f64
}

/// Steps of the series `[steps][features]`.
fn inputs(steps: std::ops::Range<usize>) -> Vec<Vec<f64>> {
    steps.map(|step| vec![value(step)]).collect()
}

fn model() -> PathBuf {
    TRAINED.path().join("out/model")
}

fn start() -> (Child, ChildStdin, ChildStdout) {
    let mut service = Command::new(env!("CARGO_BIN_EXE_predict"))
        .arg("--model")
        .arg(model())
        .args(["--mc-samples", &N_DRAWS.to_string(), "--seed", &SEED.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (stdin, stdout) = (service.stdin.take().unwrap(), service.stdout.take().unwrap());
    (service, stdin, stdout)
}

/// The answers to all of these lines.
fn ask(lines: &[u8]) -> Vec<Value> {
    let (mut service, mut stdin, mut stdout) = start();
    let mut text = String::new();
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(lines).unwrap());
        stdout.read_to_string(&mut text).unwrap();
    });
    assert!(service.wait().unwrap().success());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A line that asks for what follows these steps.
fn request(id: &Value, steps: std::ops::Range<usize>) -> String {
    json!({ "id": id, "inputs": inputs(steps) }).to_string() + "\n"
}

/// Asserts that an answer is this forecast of the model: but for its roundings in another batch.
fn assert_forecast(answer: &Value, id: &Value, inputs: &[Vec<f64>]) {
    let forecaster = Forecaster::load(model(), &Device::flex()).unwrap();
    let steps = forecaster.predict(inputs, N_DRAWS, SEED).unwrap();
    assert_eq!(answer["id"], *id);
    assert_eq!(answer.as_object().unwrap().len(), 5, "{answer}");
    for (h, step) in steps.iter().enumerate() {
        for (found, expected) in [
            (&answer["mean"][h], step.mean),
            (&answer["epistemic"][h], step.epistemic_deviation),
            (&answer["total"][h], step.total_deviation),
            (&answer["interval_90"][h][0], step.lower_90),
            (&answer["interval_90"][h][1], step.upper_90),
        ] {
            let found = found.as_f64().unwrap();
            let difference = (found - expected).abs();
            assert!(difference <= 1e-5 * expected.abs(), "step {h}: {found}, {expected}");
        }
        assert!(step.epistemic_deviation > 0.0 && step.total_deviation > step.epistemic_deviation);
    }
    for part in ["mean", "epistemic", "total", "interval_90"] {
        assert_eq!(answer[part].as_array().unwrap().len(), HORIZON, "{part}");
    }
}

#[test]
fn answers_are_the_forecasts_of_the_model_in_the_order_of_the_requests() {
    // More than are answered together, and ids of every kind.
    let ids = [json!("a"), json!(7), json!(null), json!({"of": [1, 2]}), json!(1.50)];
    let asked: Vec<_> = (0..150).map(|k| (&ids[k % ids.len()], k % 40)).collect();
    let lines: String = asked.iter().map(|(id, k)| request(id, *k..k + WINDOW)).collect();
    let answers = ask(lines.as_bytes());
    assert_eq!(answers.len(), asked.len());
    for ((id, k), answer) in asked.iter().zip(&answers).step_by(7) {
        assert_forecast(answer, id, &inputs(*k..k + WINDOW));
    }
}

#[test]
fn an_answer_does_not_depend_on_what_else_is_asked() {
    let alone = ask(request(&json!(0), 5..13).as_bytes());
    let among = ask((0..30).map(|k| request(&json!(k), k..k + 8)).collect::<String>().as_bytes());
    for h in 0..HORIZON {
        let [alone, among] =
            [&alone[0], &among[5]].map(|answer| answer["mean"][h].as_f64().unwrap());
        assert!((alone - among).abs() <= 1e-5 * alone.abs(), "{alone}, {among}");
    }
}

#[test]
fn the_last_steps_count_where_there_are_more_than_the_window_has() {
    let answers = ask(request(&json!(1), 0..20).as_bytes());
    assert_forecast(&answers[0], &json!(1), &inputs(12..20));
}

#[test]
fn a_request_is_answered_before_the_next_is_made() {
    let (mut service, mut stdin, stdout) = start();
    let mut answers = BufReader::new(stdout).lines();
    for id in 0..3 {
        stdin.write_all(request(&json!(id), 0..8).as_bytes()).unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(stdin);
    assert!(service.wait().unwrap().success());
    let mut said = String::new();
    service.stderr.unwrap().read_to_string(&mut said).unwrap();
    assert!(said.starts_with("3 requests, 0 of them errors"), "{said}");
}

#[test]
fn what_is_wrong_with_a_request_is_its_answer_and_the_next_is_answered() {
    let good = request(&json!("good"), 0..8);
    let of = |inputs: &str| format!(r#"{{"id": "bad", "inputs": {inputs}}}"#);
    let steps = |step: &str| of(&format!("[{}]", [step; WINDOW].join(",")));
    let long = "x".repeat(100_000_000);
    // What is asked, whether its id can still be read, and what is wrong with it.
    let cases = [
        ("hello".into(), false, "line 1: no JSON object"),
        (String::new(), false, "line 3: no JSON object"),
        ("[1, 2]".into(), false, "line 5: no JSON object"),
        (r#"{"id": "bad"}"#.into(), false, "line 7: missing field `inputs`"),
        (r#"{"id": 1, "input": []}"#.into(), false, "line 9: unknown field `input`"),
        (of("3"), true, "line 11: inputs: invalid type: integer `3`, expected a sequence"),
        (of("[]"), true, "line 13: a forecast is made of 8 steps, and there are 0"),
        (steps("[1, 2]"), true, "line 15: step 0 has 2 features, and must have 1"),
        (steps("[]"), true, "line 17: step 0 has 0 features, and must have 1"),
        (steps("[1e999]"), true, "line 19: inputs: number out of range"),
        (steps("[NaN]"), false, "line 21: expected value"),
        (steps("[null]"), true, "line 23: inputs: invalid type: null, expected f64"),
        (of(&format!("[{}[1e300]]", "[0],".repeat(7))), true, "line 25: 1e300 is too far from"),
        (long, false, "line 27: longer than 1048576 bytes"),
    ];
    let mut lines = Vec::new();
    for (line, _, _) in &cases {
        lines.extend(format!("{line}\n{good}").bytes());
    }
    lines.extend(b"{\"id\": \"\xff\"}\n");
    let answers = ask(&lines);
    assert_eq!(answers.len(), 2 * cases.len() + 1);
    let (last, pairs) = answers.split_last().unwrap();
    for ((line, has_id, message), answers) in cases.iter().zip(pairs.chunks(2)) {
        let line = &line[..line.len().min(80)];
        let error = answers[0]["error"].as_str().unwrap();
        assert!(error.starts_with(message), "{line}: {error}");
        assert_eq!(answers[0].as_object().unwrap().len(), 2, "{line}");
        assert_eq!(answers[0]["id"], if *has_id { json!("bad") } else { Value::Null }, "{line}");
        assert_forecast(&answers[1], &json!("good"), &inputs(0..8));
    }
    assert!(last["error"].as_str().unwrap().contains("invalid unicode"), "{last}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_that_is_too_long_is_not_kept() {
    let (mut service, mut stdin, stdout) = start();
    let mut answers = BufReader::new(stdout).lines();
    let status = format!("/proc/{}/status", service.id());
    let peak_kib = || -> u64 {
        let status = fs::read_to_string(&status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut ask = |line: &[u8]| {
        stdin.write_all(line).unwrap();
        answers.next().unwrap().unwrap()
    };
    ask(request(&json!(1), 0..8).as_bytes());
    let before = peak_kib();
    let long = [vec![b'x'; 100_000_000], vec![b'\n']].concat();
    assert!(ask(&long).contains("longer than"));
    let grown = peak_kib() - before;
    assert!(grown < 20_000, "100 MB of a line took {grown} KiB");
    drop(stdin);
    assert!(service.wait().unwrap().success());
}

#[test]
fn it_ends_once_nobody_reads_its_answers() {
    let (mut service, mut stdin, stdout) = start();
    drop(stdout);
    // It may have ended before all of it is written.
    let _ = stdin.write_all(request(&json!(1), 0..8).repeat(1000).as_bytes());
    assert!(service.wait().unwrap().success());
}

#[test]
fn a_model_that_is_not_there_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_predict"))
        .args(["--model", "nowhere"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "error: nowhere: there is no such folder of a model\n");
}
