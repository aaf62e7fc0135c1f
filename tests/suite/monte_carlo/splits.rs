//! Statistics do not depend on how draws and rows are cut into passes and batches.

use burn::tensor::{Device, Tensor};
use burn_variational::mc::{
    ClassProbabilities, ClassificationPrediction, LogMeanExp, Moments, MonteCarlo, Statistic,
};
use burn_variational::rnn::{StackDropout, VariationalLstm};
use cross_backend_tests::{on_every_device, relative_error};

use super::{ROW_BYTES, lstm, mc};

/// Products of other shapes round otherwise, by a few times 2⁻²⁴ of outputs under 1.
const TOLERANCE: f64 = 1e-6;

const N_ROWS: usize = 12;

fn input(device: &Device) -> Tensor<3> {
    let values: Vec<f32> = (0..N_ROWS * 18).map(|i| (i as f32 * 0.7).sin()).collect();
    Tensor::<1>::from_data(values.as_slice(), device).reshape([N_ROWS, 6, 3])
}

/// What a statistic says of the data in these batches.
fn values<S: Statistic<3>>(
    mc: &MonteCarlo,
    lstm: &VariationalLstm,
    batches: &[usize],
    statistic: S,
    say: impl Fn(S::Output) -> Vec<Tensor<3>>,
    device: &Device,
) -> Vec<f64> {
    let batches = input(device).split_with_sizes(batches.to_vec(), 0);
    let output = mc.estimate_batches(lstm, batches, statistic).unwrap().into_value();
    say(output)
        .into_iter()
        .flat_map(|said| said.into_data().iter::<f64>().collect::<Vec<_>>())
        .collect()
}

fn check<S: Statistic<3>>(
    statistic: S,
    say: impl Fn(S::Output) -> Vec<Tensor<3>> + Copy,
    device: &Device,
) {
    let lstm = lstm(StackDropout::variational_untied(0.3, 0.3), device);
    for mc in [mc(7), mc(7).with_function_samples()] {
        let say_of = |mc: &MonteCarlo, batches: &[usize]| {
            values(mc, &lstm, batches, statistic.clone(), say, device)
        };
        let expected = say_of(&mc, &[N_ROWS]);
        for max_rows in [1, 5, 30] {
            let got = say_of(&mc.clone().with_max_bytes(max_rows * ROW_BYTES), &[N_ROWS]);
            let error = relative_error(&got, &expected);
            assert!(error <= TOLERANCE, "in passes of {max_rows} rows: {error:e}");
        }
        for batches in [&[5, 5, 2][..], &[11, 1], &[1; N_ROWS]] {
            let error = relative_error(&say_of(&mc, batches), &expected);
            assert!(error <= TOLERANCE, "in batches of {batches:?}: {error:e}");
        }
    }
}

on_every_device! {
    fn statistics_do_not_depend_on_passes_or_batches(device: &Device) {
        check(Moments::new(), |moments| vec![moments.mean(), moments.variance()], device);
        check(LogMeanExp::new(), |log_mean| vec![log_mean], device);
        let say = |prediction: ClassificationPrediction<3>| {
            vec![prediction.probabilities(), prediction.variance()]
        };
        check(ClassProbabilities::new(), say, device);
    }

    fn runs_over_some_of_the_draws_merge_into_the_run_over_all(device: &Device) {
        let lstm = lstm(StackDropout::variational(0.3, 0.3), device);
        let run = |mc: MonteCarlo| mc.moments(&lstm, &input(device)).unwrap().into_value();
        let say = |moments: Moments<3>| -> Vec<f64> {
            let said = Tensor::cat(vec![moments.mean(), moments.variance()], 0);
            said.into_data().iter::<f64>().collect()
        };
        let mut merged = run(mc(3));
        merged.merge(run(mc(4).with_first_draw(3)));
        assert!(relative_error(&say(merged), &say(run(mc(7)))) <= TOLERANCE);
    }
}
