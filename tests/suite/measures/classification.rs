//! Measures of classes.

use burn::tensor::{Device, Int, Tensor};
use burn_variational::mc::{
    ClassProbabilities, ClassificationPrediction, mean_over_steps, sum_over_steps,
};
use burn_variational::prelude::*;
use cross_backend_tests::{GoldenTensor, golden_cases, on_every_device};
use serde::Deserialize;

use super::{Told, assert_measure, draws};

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
    joint_log_likelihood: Option<GoldenTensor>,
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
        let e = &case.expected;
        let entropy: Tensor<2> = predict::<3>(case, device).predictive_entropy();
        // What lies behind the end of a row must not matter.
        let steps = Lengths::new(lengths.clone(), entropy.dims()[1]).unwrap().mask(device);
        let padding = steps.bool_not();
        let entropy = entropy.mask_fill(padding.clone(), f32::NAN);
        let sums: Tensor<1> = sum_over_steps(entropy.clone(), lengths);
        let means: Tensor<1> = mean_over_steps(entropy, lengths);
        let outputs = draws::<3>(&case.logits, device).into_iter().map(|draw| {
            let dims = draw.dims();
            draw.mask_fill(padding.clone().unsqueeze_dim::<3>(2).expand(dims), f32::NAN)
        });
        let outputs: Vec<Tensor<3>> = outputs.collect();
        let (mc, input) = (MonteCarlo::new(outputs.len(), MaskRng::seeded(1)), outputs[0].clone());
        let classes = case.classes.on::<2>(device).int();
        let jointly = mc.joint_class_log_likelihood(&Told::new(outputs), &input, &classes, Some(lengths));
        for (got, expected, measure) in [
            (sums, &e.entropy_of_rows, "sums of entropies"),
            (means, &e.mean_entropy_of_rows, "means of entropies"),
            (jointly.unwrap().into_value(), &e.joint_log_likelihood, "joint log-likelihood"),
        ] {
            assert_measure(&got, &expected.as_ref().unwrap().values, measure);
        }
    }
}
