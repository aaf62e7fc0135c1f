//! Measures of classes.

use burn::tensor::{Device, Int, Tensor};
use burn_variational::mc::{
    ClassProbabilities, ClassificationPrediction, Statistic, mean_over_steps, sum_over_steps,
};
use burn_variational::rnn::Lengths;
use cross_backend_tests::{GoldenTensor, golden_cases, on_every_device};
use serde::Deserialize;

use super::{assert_measure, draws};

#[derive(Deserialize)]
struct Case {
    name: String,
    logits: GoldenTensor,
    classes: GoldenTensor,
    lengths: Option<Vec<usize>>,
    expected: Measures,
}

#[derive(Deserialize)]
struct Measures {
    probabilities: GoldenTensor,
    variance: GoldenTensor,
    predictive_entropy: GoldenTensor,
    expected_entropy: GoldenTensor,
    mutual_information: GoldenTensor,
    variation_ratio: GoldenTensor,
    majority_vote: GoldenTensor,
    predicted_class: GoldenTensor,
    margin: GoldenTensor,
    disagreement: GoldenTensor,
    log_likelihood: GoldenTensor,
    entropy_of_rows: Option<GoldenTensor>,
    mean_entropy_of_rows: Option<GoldenTensor>,
}

/// The prediction of half of the draws, merged with that of the others.
fn predict<const D: usize>(case: &Case, device: &Device) -> ClassificationPrediction<D> {
    let mut halves = [ClassProbabilities::new(), ClassProbabilities::new()];
    for (k, draw) in draws::<D>(&case.logits, device).into_iter().enumerate() {
        halves[k % 2].push(draw);
    }
    let [mut first, second] = halves;
    first.merge(second);
    first.finish()
}

/// Checks every measure of a prediction whose places have `R = D - 1` dimensions.
fn check<const D: usize, const R: usize>(case: &Case, device: &Device) {
    let prediction = predict::<D>(case, device);
    let Measures { probabilities, variance, .. } = &case.expected;
    let of = |measure: &str| format!("{}, {measure}", case.name);
    assert_measure(&prediction.probabilities(), &probabilities.values, &of("probabilities"));
    assert_measure(&prediction.variance(), &variance.values, &of("variance"));

    let classes: Tensor<R, Int> = case.classes.on::<R>(device).int();
    let e = &case.expected;
    let measures: [(Tensor<R>, &GoldenTensor, &str); 9] = [
        (prediction.predictive_entropy(), &e.predictive_entropy, "predictive entropy"),
        (prediction.expected_entropy(), &e.expected_entropy, "expected entropy"),
        (prediction.mutual_information(), &e.mutual_information, "mutual information"),
        (prediction.variation_ratio(), &e.variation_ratio, "variation ratio"),
        (prediction.majority_vote().float(), &e.majority_vote, "majority vote"),
        (prediction.predicted_class().float(), &e.predicted_class, "predicted class"),
        (prediction.margin(), &e.margin, "margin"),
        (prediction.disagreement(), &e.disagreement, "disagreement"),
        (prediction.log_likelihood(classes), &e.log_likelihood, "log-likelihood"),
    ];
    for (got, expected, measure) in measures {
        assert_eq!(got.dims()[..], expected.shape, "{}", of(measure));
        assert_measure(&got, &expected.values, &of(measure));
    }
}

on_every_device! {
    fn measures_of_classes_are_those_of_scipy(device: &Device) {
        let cases: Vec<Case> = golden_cases("measures/classification");
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["rows", "steps", "far apart"]);
        for case in &cases {
            match case.lengths {
                None => check::<2, 1>(case, device),
                Some(_) => check::<3, 2>(case, device),
            }
        }
    }

    fn measures_of_sequences_are_those_of_the_steps_that_count(device: &Device) {
        let cases: Vec<Case> = golden_cases("measures/classification");
        let case = cases.iter().find(|case| case.name == "steps").unwrap();
        let lengths = case.lengths.as_ref().unwrap();
        let entropy: Tensor<2> = predict::<3>(case, device).predictive_entropy();
        // What lies behind the end of a row must not matter.
        let steps = Lengths::new(lengths.clone(), entropy.dims()[1]).unwrap().mask(device);
        let entropy = entropy.mask_fill(steps.bool_not(), f32::NAN);
        let sums: Tensor<1> = sum_over_steps(entropy.clone(), lengths);
        let means: Tensor<1> = mean_over_steps(entropy, lengths);
        let Measures { entropy_of_rows, mean_entropy_of_rows, .. } = &case.expected;
        assert_measure(&sums, &entropy_of_rows.as_ref().unwrap().values, "sums");
        assert_measure(&means, &mean_entropy_of_rows.as_ref().unwrap().values, "means");
    }
}
