//! Passes in turns, against the first of them.

use burn::tensor::Device;

use crate::layers::Shape;
use crate::timing::{Run, in_turns};

const ROUNDS: usize = 9;

/// Prints the median of each pass, and of its ratios to the first, with their interval over the
/// rounds, one JSON object a line.
pub(crate) fn print(shape: Shape, passes: Vec<(&str, Run)>, device: &Device) {
    let (names, runs): (Vec<_>, Vec<_>) = passes.into_iter().unzip();
    let rounds: Vec<Vec<f64>> = (0..ROUNDS)
        .map(|_| in_turns(&runs, 3, device).iter().map(|seconds| seconds[1]).collect())
        .collect();
    for (k, name) in names.into_iter().enumerate() {
        let sorted = |of: &dyn Fn(&Vec<f64>) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (seconds, ratios) = (sorted(&|round| round[k]), sorted(&|round| round[k] / round[0]));
        println!(
            "{}",
            serde_json::json!({
                "system": "burn-variational",
                "shape": shape.name,
                "variant": name,
                "median_ms": seconds[ROUNDS / 2] * 1e3,
                "ratio": ratios[ROUNDS / 2],
                "interval": [ratios[0], ratios[ROUNDS - 1]],
            })
        );
    }
}
