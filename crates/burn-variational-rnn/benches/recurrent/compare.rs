//! The ratios to other frameworks' figures.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::timing::{Measurement, Pass};

/// Reads the lines of a file of figures.
pub(crate) fn read(path: &Path) -> Result<Vec<Measurement>, String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    parse(&name, &text)
}

/// Runs a benchmark of other frameworks, which prints its figures, on one shape.
pub(crate) fn run(command: &str, shape: &str) -> Result<Vec<Measurement>, String> {
    let command = format!("{command} --shapes {shape}");
    let output = Command::new("sh").args(["-c", &command]).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command}: {}", output.status));
    }
    let figures = parse(&command, &String::from_utf8_lossy(&output.stdout))?;
    if figures.is_empty() { Err(format!("{command}: no figures")) } else { Ok(figures) }
}

fn parse(source: &str, text: &str) -> Result<Vec<Measurement>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| format!("{source}:{}: {error}", number + 1))
        })
        .collect()
}

/// One line for each pass, with the mean of its medians.
pub(crate) fn merge(figures: &[Measurement]) -> Vec<Measurement> {
    let mut merged: Vec<Measurement> = Vec::new();
    for line in figures {
        if merged.iter().any(|other| other.is_same_pass(line)) {
            continue;
        }
        let same = figures.iter().filter(|other| other.is_same_pass(line));
        let medians: Vec<f64> = same.map(|line| line.median_ms).collect();
        let median_ms = medians.iter().sum::<f64>() / medians.len() as f64;
        merged.push(Measurement { median_ms, ..line.clone() });
    }
    merged
}

/// The fastest of some figures.
fn fastest<'a>(
    figures: &'a [Measurement],
    shape: &str,
    pass: Pass,
    chosen: impl Fn(&str) -> bool,
) -> Option<&'a Measurement> {
    figures
        .iter()
        .filter(|line| line.shape == shape && line.pass == pass && chosen(&line.variant))
        .min_by(|a, b| a.median_ms.total_cmp(&b.median_ms))
}

/// Prints a table in Markdown: our LSTM with tied masks over the fastest of each kind.
pub(crate) fn print(ours: &[Measurement], peers: &[Measurement]) {
    println!(
        "\n| shape | pass | tied masks, ms | best masked peer | best plain peer | burn-nn | no mask | untied / tied | products alone / tied |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut shapes: Vec<&str> = ours.iter().map(|line| line.shape.as_str()).collect();
    shapes.dedup();
    for shape in shapes {
        for pass in [Pass::Train, Pass::Forward] {
            let Some(tied) = fastest(ours, shape, pass, |name| name == "LSTM, tied masks") else {
                continue;
            };
            let ratio = |peer: Option<&Measurement>| match peer {
                Some(peer) => format!(
                    "{:.2} of {:.2} ms ({}: {})",
                    tied.median_ms / peer.median_ms,
                    peer.median_ms,
                    peer.system,
                    peer.variant
                ),
                None => "–".into(),
            };
            let named = |name: &str| fastest(ours, shape, pass, |variant| variant == name);
            let over_tied = |name: &str| match named(name) {
                Some(line) => format!("{:.2}", line.median_ms / tied.median_ms),
                None => "–".into(),
            };
            println!(
                "| {shape} | {pass:?} | {:.2} | {} | {} | {} | {} | {} | {} |",
                tied.median_ms,
                ratio(fastest(peers, shape, pass, |name| name.contains("masks"))),
                ratio(fastest(peers, shape, pass, |name| name.contains("no dropout"))),
                ratio(named("Lstm, no dropout")),
                ratio(named("LSTM, no mask")),
                over_tied("LSTM, untied masks"),
                over_tied("LSTM, products alone"),
            );
        }
    }
}
