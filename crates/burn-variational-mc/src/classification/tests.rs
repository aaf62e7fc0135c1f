//! Measures of classes by hand, and what is refused.

use burn::tensor::{DType, Device, Int, Tensor, kind::Basic};
use burn_variational_dropout::{LockedDropoutConfig, MaskRng};

use super::*;
use crate::Statistic;

/// Two roundings of a value near 1.
const TOLERANCE: f32 = 2e-7;

/// Draws of known logits, of one row.
fn predict<const C: usize>(logits: &[[f32; C]]) -> ClassificationPrediction<2> {
    let mut probabilities = ClassProbabilities::new();
    for draw in logits {
        probabilities.push(Tensor::from_data([*draw], &Device::flex()));
    }
    probabilities.finish()
}

/// Draws of known probabilities, of one row.
fn predict_from<const C: usize>(probabilities: &[[f32; C]]) -> ClassificationPrediction<2> {
    let logits: Vec<_> = probabilities.iter().map(|draw| draw.map(f32::ln)).collect();
    predict(&logits)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn class<K: Basic>(tensor: Tensor<1, K>) -> i64 {
    tensor.into_data().iter::<i64>().next().unwrap()
}

#[test]
fn probabilities_are_averaged_and_not_their_logarithms() {
    // Mean 0.7, geometric mean 0.67.
    let prediction = predict_from(&[[0.9, 0.1], [0.5, 0.5]]);
    let probabilities = values(prediction.probabilities());
    assert!((probabilities[0] - 0.7).abs() < TOLERANCE, "{probabilities:?}");
    let variance = values(prediction.variance());
    assert!((variance[0] - 0.04).abs() < TOLERANCE, "{variance:?}");
    let class = Tensor::<1, Int>::from_data([1], &Device::flex());
    let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
    assert!((log_likelihood - 0.3_f32.ln()).abs() < 2.0 * TOLERANCE, "{log_likelihood}");
}

#[test]
fn a_probability_under_the_smallest_float_keeps_its_logarithm() {
    let prediction = predict(&[[0.0, 200.0], [0.0, 200.0]]);
    let class = Tensor::<1, Int>::from_data([0], &Device::flex());
    let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
    assert!((log_likelihood + 200.0).abs() < 1e-3, "{log_likelihood}");
}

#[test]
fn an_impossible_class_stays_impossible_and_adds_no_entropy() {
    let impossible = f32::NEG_INFINITY;
    let prediction = predict(&[[0.0, impossible, 0.0], [0.0, impossible, 0.0]]);
    let probabilities = values(prediction.probabilities());
    assert_eq!(probabilities[1], 0.0);
    let entropies: [Tensor<1>; 2] =
        [prediction.predictive_entropy(), prediction.expected_entropy()];
    for entropy in entropies {
        assert!((entropy.into_scalar::<f32>() - 2_f32.ln()).abs() < TOLERANCE);
    }
}

#[test]
fn equal_draws_tell_nothing_of_the_model() {
    let prediction = predict(&[[0.3, -1.2, 0.1]; 7]);
    assert!(prediction.mutual_information::<1>().into_scalar::<f32>() < 1e-6);
    assert_eq!(prediction.variation_ratio::<1>().into_scalar::<f32>(), 0.0);
    assert_eq!(values(prediction.variance()), [0.0; 3]);
}

#[test]
fn rounding_makes_no_information_negative() {
    for seed in 0_u8..50 {
        let logits = [f32::from(seed) * 0.37 - 9.0, 0.11, 2.0 - f32::from(seed) * 0.21];
        let information = predict(&[logits; 9]).mutual_information::<1>().into_scalar::<f32>();
        assert!((0.0..1e-6).contains(&information), "{information}");
    }
}

#[test]
fn the_majority_may_vote_against_the_mean() {
    // Three of five draws lean to class 0, two are sure of class 1.
    let (leaning, sure) = ([0.5, 0.25, 0.25], [0.0, 1.0, 0.0]);
    let prediction = predict_from(&[leaning, sure, leaning, leaning, sure]);
    // The means are 0.3, 0.55 and 0.15.
    assert_eq!(class(prediction.predicted_class()), 1);
    assert_eq!(class(prediction.majority_vote()), 0);
    assert_eq!(prediction.votes().into_data().iter::<i64>().collect::<Vec<_>>(), [3, 2, 0]);
    assert!((values(prediction.variation_ratio::<1>())[0] - 0.4).abs() < TOLERANCE);
    assert!((values(prediction.disagreement::<1>())[0] - 0.6).abs() < TOLERANCE);
    assert!((values(prediction.margin::<1>())[0] - 0.25).abs() < TOLERANCE);
}

#[test]
fn of_equal_classes_the_lowest_counts() {
    let prediction = predict(&[[1.0, 4.0, 4.0], [7.0, 0.0, 7.0]]);
    // The draws vote for 1 and for 0.
    assert_eq!(prediction.votes().into_data().iter::<i64>().collect::<Vec<_>>(), [1, 1, 0]);
    assert_eq!(class(prediction.majority_vote()), 0);
    let level = predict(&[[2.0, 2.0]; 2]);
    assert_eq!(class(level.predicted_class()), 0);
    assert_eq!(values(level.margin::<1>()), [0.0]);
}

#[test]
fn what_was_saved_merges_with_what_was_not() {
    let draws = [[0.1, 2.0, -1.0], [1.5, 0.3, 0.2], [0.0, 0.4, 3.0], [2.0, 2.5, 0.0]];
    let push = |draws: &[[f32; 3]]| {
        let mut probabilities = ClassProbabilities::<2>::new();
        for draw in draws {
            probabilities.push(Tensor::from_data([*draw], &Device::flex()));
        }
        probabilities
    };
    let saved = serde_json::to_string(&push(&draws[..1])).unwrap();
    let mut merged: ClassProbabilities<2> = serde_json::from_str(&saved).unwrap();
    merged.merge(push(&draws[1..]));
    let saved = serde_json::to_string(&merged.finish()).unwrap();
    let merged: ClassificationPrediction<2> = serde_json::from_str(&saved).unwrap();
    let whole = predict(&draws);
    assert_eq!(merged.n_draws(), 4);
    assert_eq!(merged.votes().into_data(), whole.votes().into_data());
    let measures = |p: &ClassificationPrediction<2>| {
        let places: [Tensor<1>; 3] = [p.expected_entropy(), p.mutual_information(), p.margin()];
        let places = places.into_iter().map(|place| values(place)[0]);
        [values(p.probabilities()), values(p.variance()), places.collect()].concat()
    };
    for (got, expected) in measures(&merged).iter().zip(measures(&whole)) {
        assert!((got - expected).abs() < 1e-6, "{got}, not {expected}");
    }
}

#[test]
fn measures_have_the_float_type_of_the_logits() {
    let mut probabilities = ClassProbabilities::<2>::new();
    for draw in [[0.9_f64, 0.1], [0.5, 0.5]] {
        probabilities.push(Tensor::from_data([draw.map(f64::ln)], (&Device::flex(), DType::F64)));
    }
    let prediction = probabilities.finish();
    let margin: Tensor<1> = prediction.margin();
    assert!((margin.into_scalar::<f64>() - 0.4).abs() < 1e-15);
    let ratio: Tensor<1> = prediction.variation_ratio();
    assert_eq!((ratio.dtype(), ratio.into_scalar::<f64>()), (DType::F64, 0.0));
}

#[test]
#[should_panic(expected = "ClassProbabilities: there must be at least one draw, got 0")]
fn no_draw_has_no_prediction() {
    let _ = ClassProbabilities::<2>::new().finish();
}

#[test]
#[should_panic(
    expected = "each place has a dimension less than the 2 of its values: R must be 1, got 2"
)]
fn a_measure_of_other_dimensions_is_refused() {
    let _: Tensor<2> = predict(&[[0.0, 0.0]]).predictive_entropy();
}

#[test]
#[should_panic(expected = "ClassificationPrediction: classes must have dims [1], got [2]")]
fn classes_for_other_rows_are_refused() {
    let classes = Tensor::<1, Int>::from_data([0, 1], &Device::flex());
    let _ = predict(&[[0.0, 0.0], [0.0, 0.0]]).log_likelihood(classes);
}

#[test]
#[should_panic(expected = "MonteCarlo: classes must have dims [2, 1], got [2, 3]")]
fn joint_classes_of_other_steps_are_refused() {
    let model = LockedDropoutConfig::new(2, 0.5).init();
    let logits = Tensor::<3>::zeros([2, 1, 2], &Device::flex());
    let classes = Tensor::<2, Int>::zeros([2, 3], &Device::flex());
    let mc = MonteCarlo::new(2, MaskRng::seeded(1));
    let _ = mc.joint_class_log_likelihood(&model, &logits, &classes, None);
}

#[test]
#[should_panic(expected = "MonteCarlo: classes must have 2 dimensions, got [2]")]
fn joint_classes_without_steps_are_refused() {
    let model = LockedDropoutConfig::new(2, 0.5).init();
    let logits = Tensor::<3>::zeros([2, 1, 2], &Device::flex());
    let classes = Tensor::<1, Int>::zeros([2], &Device::flex());
    let mc = MonteCarlo::new(2, MaskRng::seeded(1));
    let _ = mc.joint_class_log_likelihood(&model, &logits, &classes, None);
}
