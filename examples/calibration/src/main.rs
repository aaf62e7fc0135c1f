//! Trains on a noisy sine, and prints how often its intervals cover what they promise.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use anyhow::Result;
use burn::tensor::Device;
use burn_variational::dropout::MaskRng;
use burn_variational::mc::MonteCarlo;
use burn_variational::plot::{Curve, LineChart, PredictiveBand};
use calibration::{Coverage, NOISE, Regression, Rows, inputs};

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
    Ok(())
}
