//! The ratios to other frameworks' figures.

use std::path::Path;

use crate::timing::{Measurement, Pass};

/// Reads the lines of a file of figures.
pub(crate) fn read(path: &Path) -> Result<Vec<Measurement>, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let lines = text.lines().enumerate();
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| format!("{name}:{}: {error}", number + 1))
        })
        .collect()
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
