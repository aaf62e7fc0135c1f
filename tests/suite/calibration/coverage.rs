//! Intervals of a generated regression with known noise cover as often as they say.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::mc::calibration::{
    NormalisedConformal, ObservedDraws, PredictiveMixture, SplitConformal,
};
use cross_backend_tests::flex;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

const N_ROWS: usize = 10_000;
const LEVELS: [f64; 3] = [0.5, 0.9, 0.95];

/// Three standard errors of a share of [`N_ROWS`] independent rows.
fn binomial_error(share: f64) -> f64 {
    3.0 * (share * (1.0 - share) / N_ROWS as f64).sqrt()
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (TAU * rng.random::<f64>()).cos()
}

fn column(values: Vec<f64>, device: &Device) -> Tensor<1> {
    let dims = [values.len()];
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// Rows whose predictive distribution is known: one of the draws is the mean of what is observed, each
/// as probably as the others, and the noise around it has precision 25.
struct Regression {
    draws: Vec<Tensor<1>>,
    observed: Tensor<1>,
}

const PRECISION: f64 = 25.0;

impl Regression {
    fn generate(rng: &mut ChaCha8Rng, device: &Device) -> Self {
        const N_DRAWS: usize = 8;
        let mut draws = vec![Vec::new(); N_DRAWS];
        let mut observed = Vec::new();
        for _ in 0..N_ROWS {
            let x = rng.random_range(-3.0..3.0_f64);
            // The draws spread with the distance from the origin.
            for draw in &mut draws {
                draw.push(x.sin() + 0.2 * x.abs() * normal(rng));
            }
            let mean = draws[rng.random_range(0..N_DRAWS)].last().expect("the row's");
            observed.push(mean + normal(rng) / PRECISION.sqrt());
        }
        let draws = draws.into_iter().map(|draw| column(draw, device)).collect();
        Self { draws, observed: column(observed, device) }
    }

    fn observed_draws(&self) -> ObservedDraws {
        ObservedDraws::new(&self.draws, &self.observed).unwrap()
    }
}

#[test]
fn the_total_interval_covers_what_it_says_and_one_without_its_epistemic_part_does_not() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let regression = Regression::generate(&mut rng, &flex());
    let total = regression.observed_draws().with_precision(PRECISION).pit();

    let mean = regression.draws.iter().cloned().reduce(|sum, draw| sum + draw).unwrap() / 8.0;
    let noise = mean.full_like(1.0 / PRECISION);
    let aleatoric = PredictiveMixture::gaussian(&mean, &noise, &regression.observed).unwrap();
    for level in LEVELS {
        let error = (total.coverage(level) - level).abs();
        assert!(error < binomial_error(level), "{level}: off by {error}");
        // By 5 points and more, far beyond the error of a share.
        let without = aleatoric.pit().coverage(level);
        assert!(without < level - 0.05, "{level}: {without} without the epistemic part");
    }
    // Pearson's statistic of ten bins is under 27.9 in 999 of 1000 cases where all are as probable.
    let expected = N_ROWS as f64 / 10.0;
    let histogram = total.histogram(10).into_iter();
    let pearson = histogram.map(|count| (count as f64 - expected).powi(2) / expected).sum::<f64>();
    assert!(pearson < 27.9, "{pearson}");
}

#[test]
fn the_precision_of_the_noise_is_found_again() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let draws = Regression::generate(&mut rng, &flex()).observed_draws();
    let precision = draws.fit_precision().unwrap();
    // With one draw the standard error is √(2/n), 1.4 %; which draw it was is not known here, so it
    // is a few times that.
    assert!((precision / PRECISION - 1.0).abs() < 0.1, "{precision}");
    // What the data were drawn from scores better than what is near it, on average over so many.
    let crps = |precision| draws.clone().with_precision(precision).crps().mean();
    let best = crps(PRECISION);
    assert!(best < crps(PRECISION / 2.0) && best < crps(PRECISION * 2.0));
}

#[test]
fn conformal_intervals_cover_what_they_say_over_twenty_splits_whatever_the_model() {
    // A model that is wrong: it predicts 0, and noise of one size where there are two.
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let device = flex();
    let mut rows: Vec<[f64; 2]> = Vec::new();
    for _ in 0..2 * N_ROWS {
        let x = rng.random_range(-3.0..3.0_f64);
        rows.push([1.0 + x.abs(), x.sin() + 0.1 * x.abs() * normal(&mut rng)]);
    }
    let mut sums = [[0.0; 2]; LEVELS.len()];
    for _ in 0..20 {
        rows.shuffle(&mut rng);
        let half = |from: usize, of: usize| {
            column(rows[from..from + N_ROWS].iter().map(|row| row[of]).collect(), &device)
        };
        let [deviation, observed] = [half(0, 0), half(0, 1)];
        let [test_deviation, test_observed] = [half(N_ROWS, 0), half(N_ROWS, 1)];
        let zeros = observed.zeros_like();
        for (level, sums) in LEVELS.into_iter().zip(&mut sums) {
            let split = SplitConformal::fit(&zeros, &observed, level).unwrap();
            let normalised =
                NormalisedConformal::fit(&zeros, &deviation, &observed, level).unwrap();
            let intervals = [
                split.interval(zeros.clone()),
                normalised.interval(zeros.clone(), test_deviation.clone()),
            ];
            for (interval, sum) in intervals.iter().zip(sums) {
                let coverage = interval.coverage(&test_observed).unwrap();
                assert!((coverage - level).abs() < 0.025, "{level}: {coverage} in a split");
                *sum += coverage;
            }
        }
    }
    for (level, sums) in LEVELS.into_iter().zip(sums) {
        for mean in sums.map(|sum| sum / 20.0) {
            assert!((mean - level).abs() < 0.005, "{level}: {mean} over the splits");
        }
    }
}
