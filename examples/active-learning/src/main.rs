//! Compares ways to choose the rows to label; see the README.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use active_learning::{Comparison, Experiment, LearningCurve, MeanInterval, Strategy};
use anyhow::{Context, Result};
use burn::tensor::Device;
use burn_variational::mc::acquisition::Acquisition;
use burn_variational::plot::{Curve, LineChart};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Compares ways to choose the rows to label, by the accuracy that they lead to.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of seeds, each with data, first rows and weights of its own
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..))]
    seeds: u64,
    /// Rounds of labelling
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Folder for results.json and learning-curves.png
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

const STRATEGIES: [(&str, Strategy); 6] = [
    ("random", Strategy::Random),
    ("BALD", Strategy::TopK(Acquisition::MutualInformation)),
    ("BALD, stochastic", Strategy::Stochastic(Acquisition::MutualInformation)),
    ("entropy", Strategy::TopK(Acquisition::PredictiveEntropy)),
    ("variation ratio", Strategy::TopK(Acquisition::VariationRatio)),
    ("margin", Strategy::TopK(Acquisition::Margin)),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let experiment = Experiment {
        n_pool: 1000,
        n_first: 20,
        n_per_round: 10,
        n_rounds: arguments.rounds as usize,
        n_steps: 200,
        n_draws: 20,
    };
    let device = Device::flex();
    let style = ProgressStyle::with_template("{msg:20} {bar:30} {pos}/{len}  {eta} left")?;
    let bar = ProgressBar::new(STRATEGIES.len() as u64 * arguments.seeds).with_style(style);
    let mut curves: BTreeMap<&str, Vec<LearningCurve>> = BTreeMap::new();
    for (name, strategy) in STRATEGIES {
        for seed in 1..=arguments.seeds {
            bar.set_message(name);
            curves.entry(name).or_default().push(experiment.run(strategy, seed, &device)?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();

    println!(
        "area under the curve of accuracy, mean of {} seeds with its 95 % interval\n",
        arguments.seeds
    );
    println!("{:18} {:>15}   {:>19}", "", "area", "more than random");
    let mut chart =
        LineChart::new("Active learning", "labelled rows", "accuracy on balanced test rows");
    let mut results = Vec::new();
    for (colour, (name, strategy)) in STRATEGIES.into_iter().enumerate() {
        let comparison = Comparison::new(&curves[name], &curves["random"]);
        let show = |value: MeanInterval| format!("{:.3} ± {:.3}", value.mean, value.radius);
        let gain = if strategy == Strategy::Random { String::new() } else { show(comparison.gain) };
        println!("{name:18} {:>15}   {gain:>19}", show(comparison.area));
        chart = chart.with_curve(mean_curve(name, colour, &curves[name]));
        results.push(json!({
            "strategy": name, "area": comparison.area, "gain": comparison.gain,
            "curves": curves[name],
        }));
    }
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot create {}", arguments.out.display()))?;
    let path = arguments.out.join("results.json");
    std::fs::write(&path, serde_json::to_string_pretty(&results)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    chart.save(arguments.out.join("learning-curves.png"))?;
    Ok(())
}

/// The mean over the seeds; that of random rows and of BALD with its 95 % interval.
fn mean_curve(name: &str, colour: usize, curves: &[LearningCurve]) -> Curve {
    let points = (0..curves[0].points.len()).map(|k| {
        let accuracies: Vec<f64> = curves.iter().map(|curve| curve.points[k].1).collect();
        (curves[0].points[k].0 as f64, MeanInterval::of(&accuracies))
    });
    let points: Vec<_> = points.collect();
    let curve = Curve::new(name, colour, points.iter().map(|(n, accuracy)| (*n, accuracy.mean)));
    if !["random", "BALD"].contains(&name) {
        return curve;
    }
    curve.with_band(points.iter().map(|(n, accuracy)| (*n, [accuracy.lower(), accuracy.upper()])))
}
