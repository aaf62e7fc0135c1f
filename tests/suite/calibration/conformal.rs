//! Conformal intervals are those of MAPIE.

use burn::tensor::{Device, Tensor};
use burn_variational::mc::calibration::{AdaptiveConformal, NormalisedConformal, SplitConformal};
use cross_backend_tests::{GoldenTensor, golden_cases, on_every_device};
use serde::Deserialize;

use super::{assert_all_near, assert_near};

#[derive(Deserialize)]
struct Split {
    level: f64,
    /// `[n_rows, horizon]`.
    predicted: GoldenTensor,
    /// `[n_rows, horizon]`.
    deviation: GoldenTensor,
    /// `[n_rows, horizon]`.
    observed: GoldenTensor,
    /// `[n_rows, horizon]`, which the intervals around the rows cover or not.
    others: GoldenTensor,
    expected: ExpectedOfSplit,
}

#[derive(Deserialize)]
struct ExpectedOfSplit {
    /// Of each step.
    radii: Vec<f64>,
    /// Of each step.
    factors: Vec<f64>,
    /// Of the normalised intervals, over all rows and steps.
    coverage: f64,
    /// Of the normalised intervals, over all rows and steps.
    mean_width: f64,
}

#[derive(Deserialize)]
struct Adaptive {
    level: f64,
    step_size: f64,
    /// Those to begin with, and those that follow.
    predicted: [GoldenTensor; 2],
    /// Those to begin with, and those that follow.
    observed: [GoldenTensor; 2],
    expected: ExpectedOfAdaptive,
}

#[derive(Deserialize)]
struct ExpectedOfAdaptive {
    upper: Vec<f64>,
    /// After each step.
    alphas: Vec<f64>,
}

on_every_device! {
    fn split_conformal_intervals_are_those_of_mapie(device: &Device) {
        for case in golden_cases::<Split>("calibration/conformal") {
            let [predicted, deviation, observed] =
                [&case.predicted, &case.deviation, &case.observed].map(|t| t.on::<2>(device));
            let conformal = SplitConformal::fit(&predicted, &observed, case.level).unwrap();
            assert_all_near(conformal.radii(), &case.expected.radii, "radii");
            let conformal =
                NormalisedConformal::fit(&predicted, &deviation, &observed, case.level).unwrap();
            assert_all_near(conformal.factors(), &case.expected.factors, "factors");
            let interval = conformal.interval(predicted, deviation);
            let coverage = interval.coverage(&case.others.on::<2>(device)).unwrap();
            assert_near(coverage, case.expected.coverage, "coverage");
            assert_near(interval.mean_width().unwrap(), case.expected.mean_width, "mean width");
        }
    }

    fn each_step_ahead_has_an_interval_of_its_own(device: &Device) {
        let case = &golden_cases::<Split>("calibration/conformal")[0];
        let [predicted, deviation, observed] =
            [&case.predicted, &case.deviation, &case.observed].map(|t| t.on::<2>(device));
        let conformal = SplitConformal::fit(&predicted, &observed, case.level).unwrap();
        let interval = conformal.interval(predicted.clone());
        let normalised =
            NormalisedConformal::fit(&predicted, &deviation, &observed, case.level).unwrap();
        let scaled = normalised.interval(predicted.clone(), deviation.clone());
        for step in 0..2 {
            let of_step = |tensor: &Tensor<2>| tensor.clone().slice_dim(1, step..step + 1);
            let [predicted, deviation, observed] =
                [&predicted, &deviation, &observed].map(of_step);
            let alone = SplitConformal::fit(&predicted, &observed, case.level).unwrap();
            let alone = alone.interval(predicted.clone());
            of_step(&interval.lower()).into_data().assert_eq(&alone.lower().into_data(), true);
            let alone =
                NormalisedConformal::fit(&predicted, &deviation, &observed, case.level).unwrap();
            let alone = alone.interval(predicted, deviation);
            of_step(&scaled.upper()).into_data().assert_eq(&alone.upper().into_data(), true);
        }
    }

    fn adaptive_conformal_intervals_are_those_of_mapie(device: &Device) {
        for case in golden_cases::<Adaptive>("calibration/adaptive") {
            let [before, predicted] = case.predicted.each_ref().map(|t| t.on::<1>(device));
            let [observed_before, observed] = case.observed.each_ref().map(|t| t.on::<1>(device));
            let conformal = AdaptiveConformal::new(&before, &observed_before, case.level).unwrap();
            let mut conformal = conformal.with_step_size(case.step_size);
            let mut upper = Vec::new();
            let steps = case.predicted[1].values.iter().zip(&case.observed[1].values);
            for ((&predicted, &observed), &alpha) in steps.zip(&case.expected.alphas) {
                let interval = conformal.interval(predicted);
                upper.push(interval.upper());
                conformal.observe(&interval, observed).unwrap();
                assert_near(conformal.alpha(), alpha, "α");
            }
            assert_all_near(&upper, &case.expected.upper, "upper");

            let conformal = AdaptiveConformal::new(&before, &observed_before, case.level).unwrap();
            let mut conformal = conformal.with_step_size(case.step_size);
            let intervals = conformal.follow(&predicted, &observed).unwrap();
            let upper: Vec<f64> = intervals.upper().into_data().iter::<f64>().collect();
            assert_all_near(&upper, &case.expected.upper, "upper, of a series");
        }
    }
}
