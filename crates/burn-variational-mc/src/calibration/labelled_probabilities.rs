//! Predicted probabilities of classes beside the classes that were observed.

use burn::tensor::{Int, Tensor};

use super::read_back::{ReadBack, index_of, read_classes};
use super::reliability::TopClass;
use super::{Binning, CalibrationError, ReliabilityTable, Scores};

/// How far from 1 probabilities of a float type of this precision may sum: the logarithm of a
/// softmax is off by the rounding of its largest logit, hundreds of times that of the sum. Wider
/// types often hold what was computed in `f32`.
fn sum_tolerance(epsilon: f64) -> f64 {
    epsilon.max(f32::EPSILON.into()).sqrt()
}

/// Predicted probabilities `[.., n_classes]` beside the observed classes `[..]`: one prediction a
/// row, or one a step.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use burn_variational_mc::calibration::{Binning, LabelledProbabilities};
///
/// let device = Device::flex();
/// let probabilities = Tensor::<2>::from_data([[0.75, 0.25], [0.5, 0.5]], &device);
/// let classes = Tensor::<1, Int>::from_data([0, 1], &device);
/// let labelled = LabelledProbabilities::from_probabilities(&probabilities, &classes)?;
/// // (¼² + ¼²) and (½² + ½²).
/// assert_eq!(labelled.brier_score().values(), [0.125, 0.5]);
/// let table = labelled.reliability(Binning::EqualWidth(10));
/// assert_eq!(table.expected_calibration_error(), 0.5 * (1.0 - 0.75) + 0.5 * (0.5 - 0.0));
/// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LabelledProbabilities {
    n_classes: usize,
    /// Row-major, `n_classes` for each prediction.
    probabilities: Vec<f64>,
    /// Of each prediction's observed class.
    log_likelihoods: Vec<f64>,
    classes: Vec<usize>,
}

impl LabelledProbabilities {
    /// Of probabilities. Those that a float type cannot hold are 0 here, and their logarithm is
    /// -∞: see [`from_log_probabilities`](Self::from_log_probabilities).
    ///
    /// # Shapes
    ///
    /// - probabilities: `[.., n_classes]`
    /// - classes: `[..]`
    ///
    /// # Errors
    ///
    /// If a probability is negative, above 1 or NaN, those of a prediction do not sum to 1, or a
    /// class is none of the classes; naming the first.
    ///
    /// # Panics
    ///
    /// If the classes have other dims than the predictions.
    pub fn from_probabilities<const D: usize, const R: usize>(
        probabilities: &Tensor<D>,
        classes: &Tensor<R, Int>,
    ) -> Result<Self, CalibrationError> {
        Self::new(probabilities, classes, |p| p, f64::ln)
    }

    /// Of the logarithms of probabilities, as
    /// [`ClassificationPrediction::log_probabilities`](crate::ClassificationPrediction::log_probabilities)
    /// gives them: the likelihood of a class that is next to impossible is then finite.
    ///
    /// # Shapes
    ///
    /// - log probabilities: `[.., n_classes]`
    /// - classes: `[..]`
    ///
    /// # Errors
    ///
    /// As [`from_probabilities`](Self::from_probabilities), of their exponentials.
    ///
    /// # Panics
    ///
    /// If the classes have other dims than the predictions.
    pub fn from_log_probabilities<const D: usize, const R: usize>(
        log_probabilities: &Tensor<D>,
        classes: &Tensor<R, Int>,
    ) -> Result<Self, CalibrationError> {
        Self::new(log_probabilities, classes, f64::exp, |log_p| log_p)
    }

    fn new<const D: usize, const R: usize>(
        predicted: &Tensor<D>,
        classes: &Tensor<R, Int>,
        probability: fn(f64) -> f64,
        log_probability: fn(f64) -> f64,
    ) -> Result<Self, CalibrationError> {
        let epsilon = predicted.dtype().finfo().map_or(0.0, |float| float.epsilon);
        let read = ReadBack::any("probabilities", predicted)?;
        let classes = read_classes(classes, &read.dims)?;
        let n_classes = read.dims[D - 1];
        let probabilities: Vec<f64> = read.values.iter().map(|&v| probability(v)).collect();
        check(&probabilities, &read.dims, sum_tolerance(epsilon))?;
        let rows = read.values.chunks_exact(n_classes).zip(&classes);
        let log_likelihoods = rows.map(|(row, &class)| log_probability(row[class])).collect();
        Ok(Self { n_classes, probabilities, log_likelihoods, classes })
    }

    /// Adds the predictions of another batch, behind these.
    ///
    /// # Panics
    ///
    /// If they are of another number of classes.
    pub fn append(&mut self, other: Self) {
        assert!(
            other.n_classes == self.n_classes,
            "LabelledProbabilities: n_classes must be {}, got {}",
            self.n_classes,
            other.n_classes
        );
        self.probabilities.extend(other.probabilities);
        self.log_likelihoods.extend(other.log_likelihoods);
        self.classes.extend(other.classes);
    }

    /// The probabilities of each prediction, and its observed class.
    fn rows(&self) -> impl Iterator<Item = (&[f64], usize)> {
        self.probabilities.chunks_exact(self.n_classes).zip(self.classes.iter().copied())
    }

    /// `-log p(y)` of each observed class `y`, in nats; ∞ where it had no probability at all.
    pub fn negative_log_likelihood(&self) -> Scores {
        Scores::new(self.log_likelihoods.iter().map(|log_p| -log_p).collect())
    }

    /// Brier's score of each prediction, as he defined it, the sum over all `C` classes:
    ///
    /// ```text
    /// Σ_c (p_c - [y = c])²    in [0, 2]
    /// ```
    ///
    /// Of two classes it is twice what the score of the one of interest is.
    ///
    /// # References
    ///
    /// Glenn Brier, *Verification of Forecasts Expressed in Terms of Probability*, 1950.
    pub fn brier_score(&self) -> Scores {
        let score = |(row, observed): (&[f64], usize)| {
            let term = |(c, p): (usize, &f64)| (p - f64::from(u8::from(c == observed))).powi(2);
            row.iter().enumerate().map(term).sum()
        };
        Scores::new(self.rows().map(score).collect())
    }

    /// Confidence against accuracy in these bins, and by it the expected calibration error. Of
    /// classes that are equally probable the first is predicted.
    ///
    /// # Panics
    ///
    /// If there is to be no bin.
    pub fn reliability(&self, binning: Binning) -> ReliabilityTable {
        let top = |(row, observed): (&[f64], usize)| {
            let top = (1..row.len()).fold(0, |top, c| if row[c] > row[top] { c } else { top });
            TopClass { confidence: row[top], is_right: top == observed }
        };
        ReliabilityTable::new(self.rows().map(top).collect(), binning)
    }
}

/// Whether these are probabilities, the classes last.
fn check(probabilities: &[f64], dims: &[usize], tolerance: f64) -> Result<(), CalibrationError> {
    let (&n_classes, places) = dims.split_last().expect("a tensor has a dim");
    let is_probability = |p: &f64| (0.0..=1.0 + tolerance).contains(p);
    if let Some(place) = probabilities.iter().position(|p| !is_probability(p)) {
        let value = probabilities[place];
        return Err(CalibrationError::Probability { at: index_of(place, dims), value });
    }
    for (place, row) in probabilities.chunks_exact(n_classes).enumerate() {
        let sum: f64 = row.iter().sum();
        if (sum - 1.0).abs() > tolerance {
            return Err(CalibrationError::Sum { at: index_of(place, places), sum });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, TensorData};

    fn classes<const N: usize>(classes: [i32; N]) -> Tensor<1, Int> {
        Tensor::from_data(classes, &Device::flex())
    }

    fn refused(probabilities: [[f32; 2]; 2], observed: [i32; 2]) -> String {
        let probabilities = Tensor::<2>::from_data(probabilities, &Device::flex());
        let labelled =
            LabelledProbabilities::from_probabilities(&probabilities, &classes(observed));
        labelled.unwrap_err().to_string()
    }

    #[test]
    fn what_are_no_probabilities_is_an_error_that_names_row_and_value() {
        let half = [0.5, 0.5];
        assert_eq!(
            refused([half, [0.5, 0.75]], [0, 0]),
            "probabilities at [1] must sum to 1, got 1.25"
        );
        assert_eq!(
            refused([half, [1.25, -0.25]], [0, 0]),
            "probability at [1, 0] must be in [0, 1], got 1.25"
        );
        assert_eq!(
            refused([[1.0, -0.25], half], [0, 0]),
            "probability at [0, 1] must be in [0, 1], got -0.25"
        );
        assert_eq!(
            refused([half, [f32::NAN, 0.5]], [0, 0]),
            "probability at [1, 0] must be in [0, 1], got NaN"
        );
        assert_eq!(refused([half, half], [0, 2]), "class at [1] must be in 0..2, got 2");
        assert_eq!(refused([half, half], [-1, 0]), "class at [0] must be in 0..2, got -1");
    }

    #[test]
    fn logits_in_place_of_log_probabilities_are_an_error() {
        let logits = Tensor::<2>::from_data([[-1.0, -2.0]], &Device::flex());
        let error = LabelledProbabilities::from_log_probabilities(&logits, &classes([0]));
        assert!(matches!(error.unwrap_err(), CalibrationError::Sum { .. }));
    }

    #[test]
    fn no_prediction_is_an_error() {
        let data = TensorData::new(Vec::<f32>::new(), [0, 2]);
        let none = Tensor::<2>::from_data(data, &Device::flex());
        let none_observed =
            Tensor::<1, Int>::from_data(TensorData::new(Vec::<i32>::new(), [0]), &Device::flex());
        let error = LabelledProbabilities::from_probabilities(&none, &none_observed).unwrap_err();
        assert_eq!(error.to_string(), "probabilities: there must be at least one value, got none");
    }

    #[test]
    fn a_class_next_to_impossible_has_a_finite_likelihood_by_its_logarithm() {
        let log_probabilities = Tensor::<2>::from_data([[0.0, -200.0]], &Device::flex());
        let by_logarithm =
            LabelledProbabilities::from_log_probabilities(&log_probabilities, &classes([1]));
        assert_eq!(by_logarithm.unwrap().negative_log_likelihood().values(), [200.0]);
        let probabilities = log_probabilities.exp();
        let rounded = LabelledProbabilities::from_probabilities(&probabilities, &classes([1]));
        assert_eq!(rounded.unwrap().negative_log_likelihood().values(), [f64::INFINITY]);
    }

    #[test]
    fn half_precision_sums_to_one_as_closely_as_it_can() {
        // Of twenty classes as likely, 0.05 each in steps of 2⁻¹⁵ or 2⁻¹².
        for dtype in [DType::F16, DType::BF16] {
            let rows = Tensor::<2>::full([1, 20], 0.05, &Device::flex()).cast(dtype);
            let sum: f64 = rows.to_data().iter::<f64>().sum();
            assert!((sum - 1.0).abs() > 1e-4, "{sum}");
            assert!(LabelledProbabilities::from_probabilities(&rows, &classes([3])).is_ok());
        }
    }

    #[test]
    fn of_equal_probabilities_the_first_class_is_predicted() {
        let probabilities = Tensor::<2>::from_data([[0.5, 0.5], [0.5, 0.5]], &Device::flex());
        let labelled =
            LabelledProbabilities::from_probabilities(&probabilities, &classes([0, 1])).unwrap();
        assert_eq!(labelled.reliability(Binning::EqualWidth(1)).bins()[0].accuracy, 0.5);
    }

    #[test]
    #[should_panic(expected = "calibration: classes must have dims [1], got [2]")]
    fn classes_of_other_dims_are_refused() {
        let probabilities = Tensor::<2>::from_data([[0.5, 0.5]], &Device::flex());
        let _ = LabelledProbabilities::from_probabilities(&probabilities, &classes([0, 1]));
    }
}
