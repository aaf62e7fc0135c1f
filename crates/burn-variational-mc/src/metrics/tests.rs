use burn::tensor::{Device, Distribution, Int, Tensor};
use burn::train::metric::{
    Adaptor, LossInput, LossMetric, Metric, MetricMetadata, Numeric, NumericEntry,
};
use burn_variational_dropout::{LockedDropoutConfig, MaskRng};

use super::classification::{self, CalibrationError, ClassificationInput};
use super::regression::{self, RegressionInput};
use super::*;
use crate::MonteCarlo;
use crate::calibration::{Binning, LabelledProbabilities};

fn metadata() -> MetricMetadata {
    let progress = burn::data::dataloader::Progress::new(1, 1, None);
    MetricMetadata { progress, iteration: Some(1), lr: None }
}

/// The value of an epoch of these batches.
fn epoch<M: Metric + Numeric>(mut metric: M, batches: &[M::Input]) -> f64 {
    for batch in batches {
        metric.update(batch, &metadata()).unwrap();
    }
    let running = metric.running_value().unwrap().current();
    let entry = metric.compute().unwrap();
    assert_eq!(entry.serialized, NumericEntry::Final(running).serialize());
    running
}

/// Twelve draws of 20 rows, what was observed of them, and the same in batches of other sizes.
fn real_values() -> (RegressionInput, Vec<RegressionInput>) {
    let device = Device::flex();
    device.seed(1);
    let random = || Tensor::<2>::random([20, 2], Distribution::Normal(0.0, 1.0), &device);
    let draws: Vec<_> = (0..12).map(|_| random()).collect();
    let observed = random();
    let rows = |rows: std::ops::Range<usize>| {
        let cut = |tensor: &Tensor<2>| tensor.clone().slice_dim(0, rows.clone());
        RegressionInput::new(draws.iter().map(cut).collect(), cut(&observed), 4.0)
    };
    (rows(0..20), vec![rows(0..9), rows(9..10), rows(10..20)])
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{found}, not {expected}");
}

#[test]
fn real_values_of_batches_are_measured_as_those_of_the_whole() {
    let (whole, batches) = real_values();
    let batches: Vec<_> = batches.into_iter().map(ByMonteCarlo).collect();
    let mixture = whole.mixture.observed(&whole.observed).unwrap();
    let moments = whole.mixture.moments();
    let mean = |tensor: Tensor<2>| f64::from(tensor.mean().into_scalar::<f32>());
    let errors = (moments.mean() - whole.observed.clone()).square();
    for (measure, expected) in [
        (regression::rmse(), mean(errors).sqrt()),
        (regression::epistemic_deviation(), mean(moments.epistemic_variance()).sqrt()),
        (regression::negative_log_likelihood(), mixture.negative_log_likelihood().mean()),
        (regression::crps(), mixture.crps().mean()),
        (regression::coverage(0.5), mixture.pit().coverage(0.5)),
    ] {
        assert_near(epoch(drawn(measure), &batches), expected);
    }
}

#[test]
fn classes_of_batches_are_measured_as_those_of_the_whole() {
    let device = Device::flex();
    device.seed(2);
    let logits = Tensor::<2>::random([30, 3], Distribution::Normal(0.0, 2.0), &device);
    let classes = Tensor::<1, Int>::from_data([0_i64, 1, 2].repeat(10).as_slice(), &device);
    let rows = |rows: std::ops::Range<usize>| {
        let classes = classes.clone().slice_dim(0, rows.clone());
        ClassificationInput::of_logits(logits.clone().slice_dim(0, rows), classes)
    };
    let batches = [rows(0..4), rows(4..19), rows(19..30)].map(ByWeightAveraging);
    let prediction = rows(0..30).prediction;
    let labelled =
        LabelledProbabilities::from_log_probabilities(&prediction.log_probabilities(), &classes);
    let labelled = labelled.unwrap();
    let hits = prediction.predicted_class::<1>().equal(classes.clone());
    let hits = hits.float().mean().into_scalar::<f32>();
    let entropy = prediction.predictive_entropy::<1>().mean().into_scalar::<f32>();
    for (measure, expected) in [
        (classification::accuracy(), f64::from(hits)),
        (classification::negative_log_likelihood(), labelled.negative_log_likelihood().mean()),
        (classification::brier_score(), labelled.brier_score().mean()),
        (classification::predictive_entropy(), f64::from(entropy)),
        (classification::expected_entropy(), f64::from(entropy)),
        // Of a single pass.
        (classification::mutual_information(), 0.0),
        (classification::variation_ratio(), 0.0),
    ] {
        assert_near(epoch(averaged(measure), &batches), expected);
    }
    for binning in [Binning::EqualWidth(5), Binning::EqualMass(5)] {
        let expected = labelled.reliability(binning).expected_calibration_error();
        // The mean over batches is another number.
        let [first, ..] = &batches;
        let alone = epoch(averaged(CalibrationError::new(binning)), std::slice::from_ref(first));
        assert!((alone - expected).abs() > 0.01, "{alone}");
        assert_near(epoch(averaged(CalibrationError::new(binning)), &batches), expected);
    }
}

#[test]
fn a_validated_batch_has_both_predictions() {
    let device = Device::flex();
    device.seed(3);
    let model = (LockedDropoutConfig::new(4, 0.5).init(), StepMean);
    let input = Tensor::<3>::random([6, 3, 4], Distribution::Default, &device);
    // So few that their mean is not yet that of weight averaging.
    let mc = MonteCarlo::new(8, MaskRng::seeded(1));
    let observed = Tensor::<2>::zeros([6, 4], &device);
    let item = ValidatedRegression::new(&mc, &model, &input, observed, 1.0).unwrap();
    let by_averaging = epoch(averaged(regression::rmse()), &[item.adapt()]);
    let by_draws = epoch(drawn(regression::rmse()), &[item.adapt()]);
    // The mean over the steps of the inputs themselves, and of inputs that are dropped.
    let expected = input.clone().mean_dim(1).square().mean().into_scalar::<f32>();
    assert_near(by_averaging, f64::from(expected).sqrt());
    assert!((by_draws - by_averaging).abs() > 1e-3, "{by_draws}, {by_averaging}");
    let none = epoch(averaged(regression::epistemic_deviation()), &[item.adapt()]);
    let some = epoch(drawn(regression::epistemic_deviation()), &[item.adapt()]);
    assert!(none == 0.0 && some > 0.1, "{none}, {some}");
    let loss: LossInput = item.adapt();
    assert_near(epoch(LossMetric::new(), &[loss]), f64::from(expected) / 2.0);

    let classes = Tensor::<1, Int>::from_data([0_i64, 1, 2, 3, 0, 1].as_slice(), &device);
    let item = ValidatedClassification::new(&mc, &model, &input, classes).unwrap();
    let none = epoch(averaged(classification::mutual_information()), &[item.adapt()]);
    let some = epoch(drawn(classification::mutual_information()), &[item.adapt()]);
    assert!(none == 0.0 && some > 0.01, "{none}, {some}");
    let loss: LossInput = item.adapt();
    let nll = epoch(averaged(classification::negative_log_likelihood()), &[item.adapt()]);
    assert_near(epoch(LossMetric::new(), &[loss]), nll);
}

/// The mean over steps: `[batch_size, seq_length, units]` give `[batch_size, units]`.
struct StepMean;

impl burn_variational_dropout::VariationalModel for StepMean {
    type Input = Tensor<3>;
    type Masks = ();
    type Output = Tensor<2>;

    fn sample_masks(
        &self,
        _extent: &burn_variational_dropout::SequenceExtent,
        _draw: burn_variational_dropout::MaskDraw,
    ) {
    }

    fn run(&self, input: Tensor<3>, (): &()) -> Tensor<2> {
        input.mean_dim(1).squeeze_dim(1)
    }
}

#[test]
fn predictions_that_are_not_finite_make_their_epoch_nan() {
    let device = Device::flex();
    let logits = |value: f32| Tensor::<2>::from_data([[value, 0.0]], &device);
    let classes = || Tensor::<1, Int>::from_data([0_i64], &device);
    let batch = |value| ByWeightAveraging(ClassificationInput::of_logits(logits(value), classes()));
    let batches = [batch(1.0), batch(f32::NAN), batch(2.0)];
    let measures = classification::negative_log_likelihood();
    assert!(epoch(averaged(measures), &batches).is_nan());
    let error = CalibrationError::new(Binning::EqualWidth(5));
    assert!(epoch(averaged(error.clone()), &batches).is_nan());
    assert!(epoch(averaged(error), &batches[..1]).is_finite());
}

#[test]
fn a_metric_begins_every_epoch_anew() {
    let (whole, batches) = real_values();
    let mut metric = drawn(regression::rmse());
    metric.update(&ByMonteCarlo(batches[0].clone()), &metadata()).unwrap();
    metric.clear();
    assert!(metric.running_value().is_none() && metric.value().is_none());
    let expected = epoch(drawn(regression::rmse()), &[ByMonteCarlo(whole.clone())]);
    assert_near(epoch(metric, &[ByMonteCarlo(whole)]), expected);
}

#[test]
fn metrics_are_named_by_their_measure_and_by_how_it_was_predicted() {
    assert_eq!(*averaged(regression::rmse()).name(), "RMSE");
    assert_eq!(*drawn(regression::coverage(0.9)).name(), "Coverage of 0.9 by Monte Carlo");
}
