//! Statistics of many draws with a large mean, against plain `f64`.

use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::dropout::MaskRng;
use burn_variational::mc::{LogMeanExp, Moments, Statistic};
use cross_backend_tests::{is_cpu, on_every_device, relative_error};

/// The rounding of a result to `f32` is 6e-8, and that of an `exp` a few times as much on a GPU;
/// nothing may add up over the draws.
const TOLERANCE: f64 = 1e-6;

const N_VALUES: usize = 3;

/// A GPU that software plays takes ten milliseconds for each: of so few, sums of `f32` alone would
/// be off by 1e-5 already.
fn n_draws(device: &Device) -> usize {
    if is_cpu(device) { 10_000 } else { 200 }
}

/// So many draws with this mean and deviation, `[n_draws, N_VALUES]`, as `f32` holds them.
fn draws(n_draws: usize, mean: f64, deviation: f64) -> Vec<f32> {
    let words = MaskRng::seeded(9).draw(0).rows(1, 0, false).next().expect("one row");
    let normal = |i: usize| words.normal(2 * i as u64);
    (0..n_draws * N_VALUES).map(|i| (mean + deviation * normal(i)) as f32).collect()
}

/// What a statistic makes of them on a device, half of them by each of two that are merged.
fn pushed<S: Statistic<1>>(draws: &[f32], empty: S, device: &Device) -> S::Output {
    let n_draws = draws.len() / N_VALUES;
    let all = TensorData::new(draws.to_vec(), [n_draws, N_VALUES]);
    let all = Tensor::<2>::from_data(all, device);
    let [mut first, second] = [0..n_draws / 2, n_draws / 2..n_draws].map(|half| {
        let mut statistic = empty.clone();
        for draw in half {
            statistic.push(all.clone().slice_dim(0, draw..draw + 1).squeeze_dim(0));
        }
        statistic
    });
    first.merge(second);
    first.finish()
}

/// `1/K Σ f(x_k)` of each value.
fn means(draws: &[f32], f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let n_draws = draws.len() / N_VALUES;
    let values = |value: usize| draws.iter().skip(value).step_by(N_VALUES).map(|&x| f64::from(x));
    let mean = |value| values(value).map(|x| f(value, x)).sum::<f64>() / n_draws as f64;
    (0..N_VALUES).map(mean).collect()
}

fn list(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

on_every_device! {
    fn moments_of_many_draws_are_those_of_f64(device: &Device) {
        for (mean, deviation) in [(1000.0, 0.1), (1000.0, 1.0), (0.0, 1.0)] {
            let draws = draws(n_draws(device), mean, deviation);
            let moments = pushed(&draws, Moments::new(), device);
            let expected_means = means(&draws, |_, x| x);
            let deviations = means(&draws, |value, x| (x - expected_means[value]).powi(2));
            let error = relative_error(&list(moments.mean()), &expected_means);
            assert!(error <= TOLERANCE, "mean of {mean} ± {deviation}: {error:e}");
            let error = relative_error(&list(moments.variance()), &deviations);
            assert!(error <= TOLERANCE, "variance of {mean} ± {deviation}: {error:e}");
        }
    }

    fn log_means_of_many_draws_are_those_of_f64(device: &Device) {
        for (mean, deviation) in [(1000.0, 0.1), (-1000.0, 1.0), (-3.0, 1.0)] {
            let draws = draws(n_draws(device), mean, deviation);
            let expected = means(&draws, |_, x| (x - mean).exp());
            let expected: Vec<f64> = expected.into_iter().map(|sum| mean + sum.ln()).collect();
            let error = relative_error(&list(pushed(&draws, LogMeanExp::new(), device)), &expected);
            assert!(error <= TOLERANCE, "{mean} ± {deviation}: {error:e}");
        }
    }
}
