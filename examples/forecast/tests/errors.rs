//! What goes wrong is told in one line, and nothing is overwritten.

mod program;

use std::fs;
use std::path::Path;

use program::{QUICK, contents, run, value, write_rows, write_series};
use tempfile::{TempDir, tempdir};

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
    write_series(folder.path(), 100);
    folder
}

/// The quickest run with other values of its options.
fn quick_but<'a>(others: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let pairs =
        QUICK.chunks_exact(2).filter(|pair| others.iter().all(|(name, _)| pair[0] != *name));
    let others = others.iter().flat_map(|(name, value)| [*name, *value]);
    pairs.flatten().copied().chain(others).collect()
}

#[test]
fn numbers_that_cannot_be() {
    let folder = folder();
    for option in ["--horizon", "--window", "--epochs", "--mc-samples"] {
        let expected = format!("invalid value '0' for '{option}");
        fails_with(folder.path(), &quick_but(&[(option, "0")]), &expected);
        assert_eq!(run(folder.path(), &quick_but(&[(option, "0")])).status.code(), Some(2));
    }
    fails_with(folder.path(), &quick_but(&[("--noise", "white")]), "invalid value 'white'");
    fails_with(folder.path(), &quick_but(&[("--season", "70")]), "--season 70: the training part");
}

#[test]
fn files_and_columns_that_are_not_there() {
    let folder = folder();
    fails_with(folder.path(), &quick_but(&[("--data", "no.csv")]), "--data no.csv: No such file");
    fails_with(folder.path(), &quick_but(&[("--data", ".")]), "--data .: is a folder");
    fails_with(
        folder.path(),
        &quick_but(&[("--target", "height")]),
        "--target height: no such column in series.csv; there are month, level, remark, empty",
    );
    fails_with(
        folder.path(),
        &quick_but(&[("--time", "day")]),
        "--time day: no such column in series.csv; there are month, level, remark, empty",
    );
    fails_with(
        folder.path(),
        &["--data", "series.csv"],
        "--data series.csv: name its columns by --time and --target; there are month, level",
    );
    fails_with(folder.path(), &["--target", "level"], "name it by --data");
}

#[test]
fn rows_that_are_none() {
    let folder = folder();
    let with_row = |line: usize, row: &str| {
        let rows = (0..100).map(|step| {
            if step + 2 == line { row.to_string() } else { format!("{},{}", step + 1, value(step)) }
        });
        write_rows(folder.path(), rows);
    };
    with_row(42, "41,high");
    fails_with(folder.path(), &QUICK, "series.csv:42: level is \"high\", which is not a number");
    with_row(42, "41,-inf");
    fails_with(folder.path(), &QUICK, "series.csv:42: level is -inf, and must be finite");
    with_row(42, "39.5,1");
    fails_with(folder.path(), &QUICK, "series.csv:42: month goes backwards: 39.5 after 40");
    with_row(42, ",1");
    fails_with(folder.path(), &QUICK, "series.csv:42: month is empty");
    with_row(42, "41");
    fails_with(folder.path(), &QUICK, "series.csv:42: 3 fields, and the header has 4");
}

#[test]
fn a_missing_value_of_which_it_is_not_said_what_to_do() {
    let folder = folder();
    for missing in ["", "NA", "NaN", "?", "."] {
        let rows = (0..100).map(|step| match step {
            40 => format!("41,{missing}"),
            _ => format!("{},{}", step + 1, value(step)),
        });
        write_rows(folder.path(), rows);
        fails_with(
            folder.path(),
            &QUICK,
            "series.csv:42: level is missing, one of 1 that are; --missing interpolate or \
             --missing drop",
        );
    }
}

#[test]
fn a_series_that_ends_with_missing_values_is_not_interpolated() {
    let folder = folder();
    let rows = (0..100).map(|step| match step {
        98.. => format!("{},", step + 1),
        _ => format!("{},{}", step + 1, value(step)),
    });
    write_rows(folder.path(), rows);
    fails_with(
        folder.path(),
        &quick_but(&[("--missing", "interpolate")]),
        "series.csv:100: level ends with missing values, and there is nothing after them",
    );
}

#[test]
fn a_series_that_is_too_short_or_does_not_vary() {
    let folder = folder();
    write_series(folder.path(), 60);
    fails_with(
        folder.path(),
        &QUICK,
        "the series has 60 values, and about 80 are needed for a window of 8 and a horizon of 3",
    );
    fails_with(folder.path(), &quick_but(&[("--horizon", "18446744073709551615")]), "60 values");
    write_series(folder.path(), 0);
    fails_with(folder.path(), &QUICK, "the series has 0 values");
    write_rows(folder.path(), (0..100).map(|step| format!("{step},0.1")));
    fails_with(folder.path(), &QUICK, "level is 0.1 in all of the training part");
}

#[test]
fn an_output_folder_that_is_not_ours() {
    let folder = folder();
    fs::write(folder.path().join("taken"), "mine").unwrap();
    fails_with(folder.path(), &quick_but(&[("--out", "taken")]), "--out taken: ");
    // Not even root may make a folder here.
    let out = "/proc/forecast";
    fails_with(folder.path(), &quick_but(&[("--out", out)]), "--out /proc/forecast");
    for name in ["model", "results.json", "forecast.png"] {
        let mine = tempdir().unwrap();
        write_series(mine.path(), 100);
        fs::create_dir_all(mine.path().join("out").join(name)).unwrap();
        let expected = format!("out/{name}: a file that this program did not write is here");
        fails_with(mine.path(), &QUICK, &expected);
    }
}

#[test]
fn files_of_another_configuration() {
    let folder = folder();
    assert!(run(folder.path(), &QUICK).status.success());
    let expected = "out/run.json: files of another configuration are here; choose another --out";
    fails_with(folder.path(), &quick_but(&[("--seed", "2")]), expected);
    fails_with(folder.path(), &quick_but(&[("--noise", "predicted")]), expected);
    write_series(folder.path(), 101);
    fails_with(folder.path(), &QUICK, expected);
}

#[test]
fn a_model_that_is_not_there_or_damaged() {
    let folder = folder();
    let predict = ["predict", "--data", "series.csv"];
    fails_with(folder.path(), &predict, "out/model: there is no such folder of a model");
    assert!(run(folder.path(), &QUICK).status.success());
    let of = |name: &str| folder.path().join("out/model").join(name);
    let [weights, description] =
        ["model.bvm", "model.json"].map(|name| fs::read(of(name)).unwrap());
    assert!(run(folder.path(), &predict).status.success());

    for damaged in [weights[..weights.len() / 2].to_vec(), {
        let mut changed = weights.clone();
        changed[weights.len() - 9] ^= 1;
        changed
    }] {
        fs::write(of("model.bvm"), damaged).unwrap();
        fails_with(folder.path(), &predict, "model.bvm: the saved model is damaged");
    }
    fs::remove_file(of("model.bvm")).unwrap();
    fails_with(folder.path(), &predict, "out/model/model.bvm: No such file");
    fs::write(of("model.bvm"), &weights).unwrap();

    let text = String::from_utf8(description).unwrap();
    let cases = [
        (text.replace("\"window\": 8", "\"window\": 9"), "model.json: was changed after model.bvm"),
        (text.replace("\"forecast\"", "\"sentiment\""), "is one of \"sentiment\", and must be of"),
        (text[..text.len() / 2].to_string(), "model.json: is not the description of a model"),
    ];
    for (changed, expected) in cases {
        assert_ne!(changed, text);
        fs::write(of("model.json"), changed).unwrap();
        fails_with(folder.path(), &predict, expected);
    }
    fs::remove_file(of("model.json")).unwrap();
    fails_with(folder.path(), &predict, "out/model/model.json: No such file");
}

#[test]
fn a_forecast_of_what_the_model_cannot_read() {
    let folder = folder();
    assert!(run(folder.path(), &QUICK).status.success());
    fails_with(folder.path(), &["predict"], "the model forecasts level: name a file with it");
    let predict = ["predict", "--data", "series.csv"];
    fails_with(
        folder.path(),
        &[&predict[..], &["--mc-samples", "0"]].concat(),
        "invalid value '0' for '--mc-samples",
    );
    fails_with(
        folder.path(),
        &[&predict[..], &["--picture", "series.csv"]].concat(),
        "--picture series.csv: is there already",
    );
    fails_with(
        folder.path(),
        &[&predict[..], &["--target", "height"]].concat(),
        "--target height: no such column",
    );
    write_series(folder.path(), 7);
    fails_with(folder.path(), &predict, "a forecast is made of 8 steps, and there are 7");
}
