//! Measures of a model, whatever passes its draws and its rows are cut into.

use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::mc::{
    ClassProbabilities, ClassificationPrediction, GaussianMixture, MonteCarlo, Quantiles,
};
use burn_variational::prelude::*;
use cross_backend_tests::on_every_device;

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
        let jointly = |max_rows| {
            let (mc, lengths) = (mc(max_rows), Some(&[6, 1, 3, 5, 6][..]));
            let noise = precision.clone();
            mc.joint_log_likelihood(&lstm, &input, &observed, lengths, noise).unwrap().into_value()
        };
        let of_rows = values(&jointly(1000));
        for max_rows in [1, 7, 1000] {
            let what = format!("passes of {max_rows} rows");
            let got = mc(max_rows).log_likelihood(&lstm, &input, &observed, precision.clone());
            assert_measure(&got.unwrap(), &expected, &what);
            assert_measure(&jointly(max_rows), &of_rows, &what);
        }
    }
}
