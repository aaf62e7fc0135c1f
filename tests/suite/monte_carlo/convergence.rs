//! The predictive mean against the number of draws.

use burn::tensor::Tensor;
use burn_variational::dropout::MaskRng;
use burn_variational::mc::MonteCarlo;
use burn_variational::rnn::{StackDropout, VariationalLstm};
use cross_backend_tests::flex;

use super::lstm;

/// Each number of draws is tried so often.
const N_REPEATS: usize = 200;

/// 5 % of each error, from 200 repeats, leaves a deviation of 0.01 for the slope over nine of them.
const SLOPE_TOLERANCE: f64 = 0.05;

/// The mean of each of these rows, all of one input, over draws of their own: the outputs of the
/// last step, `[n_rows, 4]`.
fn means(lstm: &VariationalLstm, mc: &MonteCarlo, n_rows: usize) -> Tensor<2> {
    let input = Tensor::<1>::from_data([0.9, -0.4, 0.2, -0.7, 0.5, 0.8], &flex());
    let input = input.reshape([1, 2, 3]).repeat_dim(0, n_rows);
    let moments = mc.moments(lstm, &input).expect("the stack draws masks");
    moments.mean().slice_dim(1, 1..2).squeeze_dim(1)
}

#[test]
fn the_error_of_the_predictive_mean_falls_with_the_root_of_the_draws() {
    let lstm = lstm(StackDropout::variational(0.4, 0.4), &flex());
    // A hundred thousand independent draws: a hundred of a thousand rows.
    let reference = means(&lstm, &MonteCarlo::new(100, MaskRng::seeded(2)), 1000).mean_dim(0);
    let mut first_draw = 0;
    let points = (0..=8).map(|power| {
        let n_draws = 1 << power;
        let mc = MonteCarlo::new(n_draws, MaskRng::seeded(3)).with_first_draw(first_draw);
        first_draw += n_draws as u64;
        let errors = means(&lstm, &mc, N_REPEATS) - reference.clone();
        let rmse = errors.square().mean().sqrt().into_scalar::<f32>();
        (f64::from(power), f64::from(rmse).log2())
    });
    let points: Vec<(f64, f64)> = points.collect();
    let n = points.len() as f64;
    let x_mean = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let covariance: f64 = points.iter().map(|(x, y)| (x - x_mean) * y).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let slope = covariance / variance;
    assert!((slope + 0.5).abs() <= SLOPE_TOLERANCE, "slope {slope} of {points:?}");
}
