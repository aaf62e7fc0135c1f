//! Measures of a model, whatever passes its draws and its rows are cut into.

use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::mc::{
    ClassProbabilities, ClassificationPrediction, GaussianMixture, MonteCarlo, Quantiles,
};
use burn_variational::prelude::*;
use cross_backend_tests::{is_cpu, on_every_device};

use super::{TOLERANCE, assert_measure, values};

const ROWS: usize = 5;
const CLASSES: usize = 4;
/// The bytes of a row of outputs: 6 steps.
const ROW_BYTES: usize = 6 * CLASSES * size_of::<f32>();
const PROBABILITIES: [f64; 3] = [0.05, 0.5, 0.95];

fn lstm(device: &Device) -> VariationalLstm {
    let dropout = StackDropout::variational(0.3, 0.3);
    VariationalLstmConfig::new(3, CLASSES, true).with_dropout(dropout).init(device)
}

fn uniform<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(dims, Distribution::Uniform(-1.0, 1.0), device)
}

fn mc(max_rows: usize) -> MonteCarlo {
    MonteCarlo::new(16, MaskRng::seeded(1)).with_max_bytes(max_rows * ROW_BYTES)
}

/// How many draws may vote for another class, place by place: those whose two most probable classes
/// are within the tolerance of each other.
fn ties(draws: &[Tensor<3>]) -> Vec<usize> {
    let on_host: Vec<Vec<f64>> = draws.iter().map(values).collect();
    let tied = |logits: &[f64]| {
        let mut sorted = logits.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[CLASSES - 1] - sorted[CLASSES - 2] <= TOLERANCE
    };
    let places = 0..on_host[0].len() / CLASSES;
    let of_place = |place: usize| {
        on_host.iter().filter(|draw| tied(&draw[place * CLASSES..][..CLASSES])).count()
    };
    places.map(of_place).collect()
}

/// The votes that one prediction has and the other has not, place by place.
fn differing_votes<const D: usize>(
    a: &ClassificationPrediction<D>,
    b: &ClassificationPrediction<D>,
) -> Vec<usize> {
    let [a, b] = [a, b].map(|p| p.votes().into_data().iter::<i64>().collect::<Vec<_>>());
    let places = a.chunks(CLASSES).zip(b.chunks(CLASSES));
    let differing = places.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).sum::<u64>());
    differing.map(|votes| votes as usize / 2).collect()
}

on_every_device! {
    fn measures_do_not_depend_on_the_passes_nor_on_the_split_of_rows(device: &Device) {
        let (lstm, input) = (lstm(device), uniform([ROWS, 6, 3], device));
        let statistics = || (ClassProbabilities::new(), Quantiles::new(&PROBABILITIES));
        let whole = mc(1000).estimate(&lstm, &input, statistics()).unwrap().into_value();
        let rows = |rows| input.clone().slice_dim(0, rows);
        let splits = [vec![rows(0..2), rows(2..5)], vec![rows(0..1), rows(1..4), rows(4..5)]];
        let passes = [1, 2, 7, 12].map(|max_rows| (mc(max_rows), vec![input.clone()]));
        let splits = splits.map(|split| (mc(1000), split));
        let ties = ties(&mc(1000).samples(&lstm, &input).unwrap());
        for (mc, batches) in passes.into_iter().chain(splits) {
            let got = mc.estimate_batches(&lstm, batches, statistics()).unwrap().into_value();
            for (differing, tied) in differing_votes(&got.0, &whole.0).iter().zip(&ties) {
                assert!(differing <= tied, "{differing} votes differ of {tied} ties");
            }
            for (got, whole) in got.1.iter().zip(&whole.1) {
                assert_measure(got, &values(whole), "quantiles");
            }
            let measures = |p: &ClassificationPrediction<3>| -> [Tensor<2>; 4] {
                [p.predictive_entropy(), p.expected_entropy(), p.mutual_information(), p.margin()]
            };
            for (got, whole) in measures(&got.0).iter().zip(measures(&whole.0)) {
                assert_measure(got, &values(&whole), "measures");
            }
        }
    }

    fn a_streamed_log_likelihood_is_that_of_the_draws_that_were_kept(device: &Device) {
        let (lstm, input) = (lstm(device), uniform([ROWS, 6, 3], device));
        let observed = uniform([ROWS, 6, CLASSES], device);
        // One for each row and output.
        let precision = uniform([ROWS, 1, CLASSES], device).add_scalar(1.5);
        let draws = mc(1000).samples(&lstm, &input).unwrap().into_value();
        let mixture = GaussianMixture::new(draws, precision.clone());
        let expected = values(&mixture.log_likelihood(&observed));
        for max_rows in [1, 7, 1000] {
            let got = mc(max_rows).log_likelihood(&lstm, &input, &observed, precision.clone());
            assert_measure(&got.unwrap(), &expected, &format!("passes of {max_rows} rows"));
        }
    }

    fn steps_are_more_likely_jointly_than_one_by_one(device: &Device) {
        // A row that is kept or dropped as a whole: 0 at both steps, or 2.
        let dropout = LockedDropoutConfig::new(1, 0.5).init();
        let input = Tensor::<3>::ones([ROWS, 2, 1], device);
        let observed = input.clone() * 2.0;
        let mc = MonteCarlo::new(64, MaskRng::seeded(1));
        let one_by_one = mc.log_likelihood(&dropout, &input, &observed, 100.0).unwrap();
        let jointly = mc.joint_log_likelihood(&dropout, &input, &observed, None, 100.0).unwrap();
        // With the share q of draws that are 2, log q + 2 log φ jointly, 2 log q + 2 log φ else.
        let peak = 0.5 * (100.0 / std::f64::consts::TAU).ln();
        let bound = if is_cpu(device) { 1e-5 } else { 1e-4 };
        for (jointly, steps) in values(&jointly).iter().zip(values(&one_by_one).chunks(2)) {
            assert!((steps[0] + steps[1] - (2.0 * jointly - 2.0 * peak)).abs() < bound);
            assert!(*jointly > steps[0] + steps[1] + 0.3);
        }
    }
}
