//! Trains on a noisy sine, and tells how often its intervals cover what they promise.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use anyhow::Result;
use burn::tensor::Device;
use burn_variational::dropout::MaskRng;
use burn_variational::mc::MonteCarlo;
use burn_variational::plot::{Curve, LineChart, PredictiveBand};
use calibration::{Coverage, NOISE, Regression, Rows, ShareCovered, inputs};

const SEED: u64 = 1;
const N_DRAWS: usize = 100;
const N_SPLITS: usize = 20;

fn main() -> Result<()> {
    let device = Device::flex();
    let rows = |n_rows, name| Rows::sampled(n_rows, name, SEED, &device);
    let model = Regression::train(&rows(1000, "training"), 3000, SEED);
    let mc = MonteCarlo::new(N_DRAWS, MaskRng::seeded(SEED));
    let [validation, calibration, test] =
        [(2_000, "validation"), (10_000, "calibration"), (10_000, "test")]
            .map(|(n_rows, name)| rows(n_rows, name));
    let coverage = Coverage::measure(&model, [&validation, &calibration, &test], &mc, SEED)?;

    println!("RMSE {:.4}, of which the noise is {NOISE}", coverage.rmse());
    println!("τ fitted {:.1}, true {:.1}\n", coverage.precision, NOISE.powi(-2));
    println!("level   total   noise alone   conformal, {N_SPLITS} splits");
    for level in [0.5, 0.9, 0.95] {
        let share = coverage.at(level, N_SPLITS)?;
        let (least, most) = (
            share.conformal.iter().copied().fold(f64::INFINITY, f64::min),
            share.conformal.iter().copied().fold(0.0, f64::max),
        );
        println!(
            "{level:5.2}   {:.3}   {:11.3}   {:.4}, from {least:.3} to {most:.3}",
            share.total,
            share.noise_alone,
            share.mean_conformal()
        );
    }
    let inside = epistemic_deviations(&model, &mc, &places(-3.0, 3.0))?;
    let outside = [places(-6.0, -3.0), places(3.0, 6.0)].concat();
    let outside = epistemic_deviations(&model, &mc, &outside)?;
    println!(
        "\nepistemic standard deviation: {:.3} where there was training data, {:.3} beyond",
        mean(&inside),
        mean(&outside)
    );
    coverage_chart(&coverage)?.save("coverage.png")?;
    regression_chart(&model, &mc, coverage.precision)?.save("regression.png")?;
    Ok(())
}

/// So many places between two.
fn places(from: f64, to: f64) -> Vec<f64> {
    const N: usize = 121;
    (0..N).map(|k| from + (to - from) * k as f64 / (N - 1) as f64).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn epistemic_deviations(model: &Regression, mc: &MonteCarlo, xs: &[f64]) -> Result<Vec<f64>> {
    let prediction = mc.regression(model, &inputs(xs, &Device::flex()))?;
    Ok(prediction.epistemic_variance().sqrt().into_data().iter::<f64>().collect())
}

/// The shares that are covered, against what is promised.
fn coverage_chart(coverage: &Coverage) -> Result<LineChart> {
    let levels = || (1..20).map(|k| f64::from(k) / 20.0);
    let shares = levels().map(|level| coverage.at(level, 1)).collect::<Result<Vec<_>>>()?;
    let curve = |name: &str, colour, of: fn(&ShareCovered) -> f64| {
        Curve::new(name, colour, shares.iter().map(|share| (share.level, of(share) - share.level)))
    };
    Ok(LineChart::new("Coverage of 10,000 test rows", "level", "share covered less level")
        .with_curve(curve("draws and noise", 0, |share| share.total))
        .with_curve(curve("noise alone", 1, |share| share.noise_alone))
        .with_curve(curve("conformal", 2, ShareCovered::mean_conformal))
        .with_reference("as promised", 0.0))
}

/// What is predicted, where there was training data and beyond.
fn regression_chart(model: &Regression, mc: &MonteCarlo, precision: f64) -> Result<PredictiveBand> {
    let xs = places(-6.0, 6.0);
    let prediction = mc.regression(model, &inputs(&xs, &Device::flex()))?.into_value();
    let prediction = prediction.with_precision(precision);
    let means: Vec<f64> = prediction.mean().into_data().iter().collect();
    let deviations: Vec<f64> = prediction.variance().sqrt().into_data().iter().collect();
    let points = xs.iter().zip(means).zip(deviations).map(|((x, mean), std)| (*x, mean, std));
    Ok(PredictiveBand::new("A sine, learned between -3 and 3")
        .with_prediction(points)
        .with_truth(xs.iter().map(|x| (*x, x.sin())))
        .with_training_range(-3.0, 3.0))
}
