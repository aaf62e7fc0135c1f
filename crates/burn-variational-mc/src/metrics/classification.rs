//! Measures of predictions of classes.

use burn::tensor::{Int, Tensor};

use super::{Measure, RowMean};
use crate::calibration::{Binning, CalibrationError as Error, LabelledProbabilities, Scores};
use crate::host::on_host;
use crate::{ClassProbabilities, ClassificationPrediction, Statistic};

/// Predictions of a batch beside the classes that were observed.
#[derive(Debug, Clone)]
pub struct ClassificationInput {
    /// The predictions, `[batch_size, n_classes]`.
    pub prediction: ClassificationPrediction<2>,
    /// The classes, `[batch_size]`.
    pub classes: Tensor<1, Int>,
}

impl ClassificationInput {
    /// The prediction of one pass: its logits `[batch_size, n_classes]`.
    pub fn of_logits(logits: Tensor<2>, classes: Tensor<1, Int>) -> Self {
        let mut probabilities = ClassProbabilities::new();
        probabilities.push(logits);
        Self { prediction: probabilities.finish(), classes }
    }

    fn labelled(&self) -> Result<LabelledProbabilities, Error> {
        let log_probabilities = self.prediction.log_probabilities();
        LabelledProbabilities::from_log_probabilities(&log_probabilities, &self.classes)
    }

    /// A score of each row; NaN if one is not to be had.
    fn scores(&self, score: fn(&LabelledProbabilities) -> Scores) -> Vec<f64> {
        let scores = self.labelled().map(|labelled| score(&labelled).values().to_vec());
        scores.unwrap_or_else(|_| vec![f64::NAN; self.classes.dims()[0]])
    }
}

/// The share of rows whose most probable class was observed.
pub fn accuracy() -> RowMean<ClassificationInput> {
    RowMean::new("Accuracy", |input: &ClassificationInput| {
        let hits = input.prediction.predicted_class::<1>().equal(input.classes.clone());
        hits.into_data().iter::<bool>().map(f64::from).collect()
    })
    .where_higher_is_better()
}

/// Minus the logarithm of the probability of what was observed, in nats.
pub fn negative_log_likelihood() -> RowMean<ClassificationInput> {
    RowMean::new("NLL", |input: &ClassificationInput| {
        input.scores(LabelledProbabilities::negative_log_likelihood)
    })
}

/// The Brier score, `Σ_c (p_c - 1[c = y])²`.
pub fn brier_score() -> RowMean<ClassificationInput> {
    RowMean::new("Brier score", |input: &ClassificationInput| {
        input.scores(LabelledProbabilities::brier_score)
    })
}

/// The entropy of the mean probabilities, in nats: all that is uncertain.
pub fn predictive_entropy() -> RowMean<ClassificationInput> {
    of_prediction("Predictive entropy", ClassificationPrediction::predictive_entropy)
}

/// The mean entropy of the draws, in nats: the noise of the classes.
pub fn expected_entropy() -> RowMean<ClassificationInput> {
    of_prediction("Expected entropy", ClassificationPrediction::expected_entropy)
}

/// The mutual information of class and draw, in nats: what the model does not know. 0 for one pass.
pub fn mutual_information() -> RowMean<ClassificationInput> {
    of_prediction("Mutual information", ClassificationPrediction::mutual_information)
}

/// The share of draws against the class that most are for. 0 for one pass.
pub fn variation_ratio() -> RowMean<ClassificationInput> {
    of_prediction("Variation ratio", ClassificationPrediction::variation_ratio)
}

fn of_prediction(
    name: &str,
    measure: fn(&ClassificationPrediction<2>) -> Tensor<1>,
) -> RowMean<ClassificationInput> {
    RowMean::new(name, move |input: &ClassificationInput| on_host(&measure(&input.prediction)))
}

/// The expected calibration error of all rows of an epoch, whose bins all batches fill.
#[derive(Debug, Clone)]
pub struct CalibrationError {
    binning: Binning,
}

impl CalibrationError {
    /// With bins such as these.
    pub fn new(binning: Binning) -> Self {
        Self { binning }
    }
}

impl Measure for CalibrationError {
    type Input = ClassificationInput;
    /// None once the predictions of a batch were not finite.
    type Kept = Option<LabelledProbabilities>;

    fn name(&self) -> &str {
        match self.binning {
            Binning::EqualWidth(_) => "Calibration error",
            Binning::EqualMass(_) => "Adaptive calibration error",
        }
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn keep(&self, batch: &ClassificationInput) -> (Self::Kept, usize) {
        (batch.labelled().ok(), batch.classes.dims()[0])
    }

    fn append(&self, kept: &mut Self::Kept, rows: Self::Kept) {
        *kept = kept.take().zip(rows).map(|(mut kept, rows)| {
            kept.append(rows);
            kept
        });
    }

    fn value(&self, kept: &Self::Kept) -> f64 {
        let error = |kept: &LabelledProbabilities| {
            kept.reliability(self.binning).expected_calibration_error()
        };
        kept.as_ref().map_or(f64::NAN, error)
    }
}
