//! A run from a file to its results, and forecasts of the model that it saved.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use forecast::{Forecaster, NoiseModel};
use program::{QUICK, contents, run, value, write_rows, write_series};
use serde_json::Value;
use tempfile::tempdir;

fn results(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("out/results.json")).unwrap()).unwrap()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_run_writes_its_results_pictures_and_model_and_a_second_run_the_same() {
    let folder = tempdir().unwrap();
    write_series(folder.path(), 100);
    for noise in ["fitted", "predicted"] {
        let out = format!("out-{noise}");
        let arguments = [&QUICK[..], &["--noise", noise, "--out", &out]].concat();
        succeeds(folder.path(), &arguments);
        let files = contents(&folder.path().join(&out));
        let names: Vec<_> =
            files.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect();
        let expected = [
            "coverage.png",
            "forecast.png",
            "learning-curves.png",
            "model.bvm",
            "model.json",
            "results.json",
            "run.json",
            "uncertainty-error.png",
        ];
        assert_eq!(names, expected);
        succeeds(folder.path(), &arguments);
        // Parameters have new names in each run, which Burn saves with them.
        let but_names = |files: Vec<(PathBuf, u32)>| {
            files.into_iter().filter(|(path, _)| !path.ends_with("model.bvm")).collect::<Vec<_>>()
        };
        let again = contents(&folder.path().join(&out));
        assert_eq!(but_names(again), but_names(files.clone()), "{noise}");
    }
}

#[test]
fn results_are_those_of_the_forecasts_of_the_test_part() {
    let folder = tempdir().unwrap();
    write_series(folder.path(), 100);
    succeeds(folder.path(), &QUICK);
    let results = results(folder.path());
    for (name, expected) in [("noise", "fitted"), ("series", "level"), ("centre", "mean")] {
        assert_eq!(results[name], expected);
    }
    for (name, expected) in [("horizon", 3), ("window", 8), ("season", 6), ("seed", 1)] {
        assert_eq!(results[name], expected, "{name}");
    }
    // The last 15 of 100 values have 13 forecasts of 3.
    assert_eq!(results["n_test"], 13);
    let squares = (84..97)
        .flat_map(|last| (1..=3).map(move |ahead| (value(last + ahead) - value(last)).powi(2)));
    let rmse_persistence = (squares.sum::<f64>() / 39.0).sqrt();
    // The values are written as they are, and read back to the last bit.
    let near = |name: &str, expected: f64| {
        let got = results[name].as_f64().unwrap();
        assert!((got - expected).abs() < 1e-9, "{name} is {got}, not {expected}");
    };
    near("rmse_persistence", rmse_persistence);
    let squares = (84..97).flat_map(|last| {
        (1..=3).map(move |ahead| (value(last + ahead) - value(last + ahead - 6)).powi(2))
    });
    near("rmse_seasonal_naive", (squares.sum::<f64>() / 39.0).sqrt());
    assert!(results["rmse_optimum"].is_null());

    let steps = results["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    for name in ["weight_averaging", "mc", "conformal", "adaptive"] {
        let coverage = format!("coverage_90_{name}");
        let of = |scores: &Value| scores[&coverage].as_f64().unwrap();
        let mean = steps.iter().map(of).sum::<f64>() / 3.0;
        assert!((of(&results) - mean).abs() < 1e-12, "{name}");
        assert!((0.0..=1.0).contains(&mean), "{name}");
    }
    for name in ["rmse", "rmse_mc", "crps_mc", "crps_weight_averaging"] {
        let got = results[name].as_f64().unwrap();
        // The deviation of the series, of which nothing that has been standardised is far.
        assert!(got > 0.0 && got < 3.0 * 2.2, "{name} is {got}");
    }
}

#[test]
fn a_saved_model_forecasts_what_it_did_before_it_was_saved() {
    let folder = tempdir().unwrap();
    write_series(folder.path(), 100);
    for noise in ["fitted", "predicted"] {
        let out = format!("out-{noise}");
        succeeds(folder.path(), &[&QUICK[..], &["--noise", noise, "--out", &out]].concat());
        let model = folder.path().join(out).join("model");
        let forecaster = Forecaster::load(&model, &Device::flex()).unwrap();
        let config = forecaster.config();
        assert_eq!((config.target.as_str(), config.time.as_str()), ("level", "month"));
        match (&config.noise, noise) {
            (NoiseModel::Fitted(precisions), "fitted") => assert_eq!(precisions.len(), 3),
            (NoiseModel::Predicted, "predicted") => {}
            (other, _) => panic!("{noise} became {other:?}"),
        }

        let inputs: Vec<_> = (0..100).map(|step| vec![value(step)]).collect();
        let steps = forecaster.predict(&inputs, 50, 1).unwrap();
        // The last ones count.
        assert_eq!(forecaster.predict(&inputs[92..], 50, 1).unwrap(), steps);
        for (step, n) in steps.iter().zip(1..) {
            assert_eq!(step.step, n);
            assert!(step.lower_90 < step.mean && step.mean < step.upper_90);
            assert!(step.epistemic_deviation > 0.0);
            assert!(step.total_deviation > step.epistemic_deviation);
            // A mixture is no Gaussian, but its 90 % are within some 1.645 deviations.
            let reach = (step.upper_90 - step.lower_90) / step.total_deviation;
            assert!((2.0 * 1.645 - reach).abs() < 0.4, "{reach} deviations");
            let middle = f64::midpoint(step.lower_90_conformal, step.upper_90_conformal);
            // In f32, on values about 10.
            assert!((middle - step.mean).abs() < 1e-4);
        }
        let refused =
            |inputs: &[Vec<f64>]| forecaster.predict(inputs, 50, 1).unwrap_err().to_string();
        assert_eq!(refused(&inputs[..7]), "a forecast is made of 8 steps, and there are 7");
        assert_eq!(refused(&vec![vec![1.0, 2.0]; 8]), "step 0 has 2 features, and must have 1");
        let mut broken = inputs.clone();
        broken[99] = vec![f64::NAN];
        assert_eq!(refused(&broken), "step 99 is NaN, and must be finite");
        let none = forecaster.predict(&inputs, 0, 1).unwrap_err().to_string();
        assert_eq!(none, "a forecast is made of at least one draw, and 0 were asked");
    }
}

#[test]
fn the_program_prints_what_comes_next_and_draws_it() {
    let folder = tempdir().unwrap();
    write_series(folder.path(), 100);
    succeeds(folder.path(), &QUICK);
    let predict = ["predict", "--data", "series.csv", "--mc-samples", "5"];
    let json = succeeds(folder.path(), &[&predict[..], &["--picture", "next.png"]].concat());
    let printed: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&printed["target"], &printed["after"]), (&"level".into(), &"100".into()));
    let steps = printed["steps"].as_array().unwrap();
    let times: Vec<_> = steps.iter().map(|step| step["time"].as_str().unwrap()).collect();
    assert_eq!(times, ["101", "102", "103"]);
    let picture = fs::read(folder.path().join("next.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));

    let table = succeeds(folder.path(), &[&predict[..], &["--format", "csv"]].concat());
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("time,step,mean,epistemic_deviation,total_deviation,lower_90"));
    assert_eq!(lines.len(), 4);
    let fields: Vec<_> = lines[1].split(',').collect();
    assert_eq!(fields[..2], ["101", "1"]);
    assert_eq!(fields[2].parse::<f64>().unwrap(), steps[0]["mean"].as_f64().unwrap());
    assert_eq!(fields.len(), lines[0].split(',').count());
}

#[test]
fn missing_values_are_interpolated_or_left_out_and_it_is_said() {
    let folder = tempdir().unwrap();
    let rows = (0..110).map(|step| match step {
        20 | 21 => format!("day {step},NA"),
        105 => format!("day {step},"),
        _ => format!("day {step},{}", value(step)),
    });
    write_rows(folder.path(), rows);
    for (missing, told, n_test) in [
        ("interpolate", "3 missing values of level are interpolated", 11),
        ("drop", "3 rows are left out: level is missing in them", 14),
    ] {
        let out = format!("out-{missing}");
        let arguments = [&QUICK[..], &["--missing", missing, "--out", &out]].concat();
        let output = run(folder.path(), &arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains(told), "{said}");
        let results = fs::read(folder.path().join(out).join("results.json")).unwrap();
        let results: Value = serde_json::from_slice(&results).unwrap();
        // Of 110 values the last 17 are tested, in 15 forecasts, of which the three of day 105 and
        // the one from it are not judged; of 107 the last 16, in 14.
        assert_eq!(results["n_test"], n_test, "{missing}");
    }
}

#[test]
fn a_series_that_grows_is_forecast_beyond_what_was_trained_on() {
    let folder = tempdir().unwrap();
    let rows = (0..200).map(|step| format!("{step},{}", 1000.0 + 2.0 * step as f64 + value(step)));
    write_rows(folder.path(), rows);
    let mut arguments = QUICK.to_vec();
    arguments[11] = "60";
    succeeds(folder.path(), &arguments);
    let results = results(folder.path());
    assert_eq!(results["centre"], "last");
    // Sixty steps of 2 beyond the training part: a model of levels would be off by a hundred.
    let (rmse, naive) = (&results["rmse"], &results["rmse_persistence"]);
    assert!(rmse.as_f64().unwrap() < naive.as_f64().unwrap(), "{rmse} and {naive}");
}
