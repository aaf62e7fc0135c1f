//! Predictions over classes: probabilities averaged, never their logarithms.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use burn_variational_dropout::VariationalModel;
use serde::{Deserialize, Serialize};

use crate::{EarlyStop, LogMeanExp, Moments, MonteCarlo, MonteCarloResult, Statistic};

/// The predictive distribution over classes, which are the last dimension: `[n_rows, n_classes]`
/// for one prediction a row, `[n_rows, seq_length, n_classes]` for one a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClassificationPrediction<const D: usize> {
    log_probabilities: Tensor<D>,
    variance: Tensor<D>,
}

impl<const D: usize> ClassificationPrediction<D> {
    /// `p(y) = 1/K Σ_k softmax(logits_k)`, `[n_rows, .., n_classes]`.
    pub fn probabilities(&self) -> Tensor<D> {
        self.log_probabilities.clone().exp()
    }

    /// `log p(y)`, `[n_rows, .., n_classes]`: the logarithm of the averaged probabilities, by
    /// log-sum-exp, so that no probability underflows.
    pub fn log_probabilities(&self) -> Tensor<D> {
        self.log_probabilities.clone()
    }

    /// The variance of the probabilities over the draws, `[n_rows, .., n_classes]`.
    pub fn variance(&self) -> Tensor<D> {
        self.variance.clone()
    }

    /// `log p(y)` of the observed classes, place by place.
    ///
    /// # Shapes
    ///
    /// - classes, output: `[n_rows, ..]`, the dims of the prediction without the last
    ///
    /// # Panics
    ///
    /// If the classes have other dims.
    pub fn log_likelihood<const R: usize>(&self, classes: Tensor<R, Int>) -> Tensor<R> {
        let dims = self.log_probabilities.dims();
        assert!(
            classes.dims()[..] == dims[..D - 1],
            "ClassificationPrediction: classes must have dims {:?}, got {:?}",
            &dims[..D - 1],
            classes.dims()
        );
        let classes = classes.unsqueeze_dim::<D>(D - 1);
        self.log_probabilities.clone().gather(D - 1, classes).squeeze_dim(D - 1)
    }
}

/// Probabilities of classes, averaged over the draws of their logits `[n_rows, .., n_classes]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClassProbabilities<const D: usize> {
    log_mean: LogMeanExp<D>,
    moments: Moments<D>,
}

impl<const D: usize> ClassProbabilities<D> {
    /// Of no draw yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<const D: usize> Statistic<D> for ClassProbabilities<D> {
    type Output = ClassificationPrediction<D>;

    fn push(&mut self, logits: Tensor<D>) {
        let log_probabilities = log_softmax(logits, D - 1);
        self.moments.push(log_probabilities.clone().exp());
        self.log_mean.push(log_probabilities);
    }

    fn merge(&mut self, other: Self) {
        self.moments.merge(other.moments);
        self.log_mean.merge(other.log_mean);
    }

    fn append_rows(&mut self, other: Self) {
        self.moments.append_rows(other.moments);
        self.log_mean.append_rows(other.log_mean);
    }

    fn is_settled(&self, stop: &EarlyStop) -> Option<bool> {
        self.moments.is_settled(stop)
    }

    fn finish(self) -> ClassificationPrediction<D> {
        ClassificationPrediction {
            log_probabilities: self.log_mean.finish(),
            variance: self.moments.variance(),
        }
    }
}

impl MonteCarlo {
    /// Predicts classes from the logits of a model; no draw is kept.
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    ///
    /// # Panics
    ///
    /// If there is no row.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
    /// use burn_variational_mc::MonteCarlo;
    ///
    /// let model = LockedDropoutConfig::new(3, 0.5).init();
    /// let logits = Tensor::<3>::from_data([[[2.0, 0.0, 0.0]]], &Device::flex());
    /// let prediction = MonteCarlo::new(50, MaskRng::seeded(1)).classification(&model, &logits);
    /// let sum = prediction.unwrap().probabilities().sum().into_scalar::<f32>();
    /// assert!((sum - 1.0).abs() < 1e-5);
    /// ```
    pub fn classification<const D: usize, M: VariationalModel<Output = Tensor<D>>>(
        &self,
        model: &M,
        input: &M::Input,
    ) -> MonteCarloResult<ClassificationPrediction<D>> {
        self.estimate(model, input, ClassProbabilities::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// Two draws of known logits.
    fn predict(logits: [[f32; 2]; 2]) -> ClassificationPrediction<2> {
        let mut probabilities = ClassProbabilities::new();
        for logits in logits {
            probabilities.push(Tensor::from_data([logits], &Device::flex()));
        }
        probabilities.finish()
    }

    #[test]
    fn probabilities_are_averaged_and_not_their_logarithms() {
        // softmax(log 9, 0) = (0.9, 0.1) and softmax(0, log 9) = (0.1, 0.9): by symmetry the mean
        // is ½ either way, so take (0.9, 0.1) and (0.5, 0.5): mean 0.7, geometric mean 0.67.
        let prediction = predict([[9_f32.ln(), 0.0], [0.0, 0.0]]);
        let probabilities: Vec<f32> = prediction.probabilities().into_data().try_to_vec().unwrap();
        assert!((probabilities[0] - 0.7).abs() < 1e-6, "{probabilities:?}");
        let variance: Vec<f32> = prediction.variance().into_data().try_to_vec().unwrap();
        assert!((variance[0] - 0.04).abs() < 1e-6, "{variance:?}");
        let class = Tensor::<1, Int>::from_data([1], &Device::flex());
        let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
        assert!((log_likelihood - 0.3_f32.ln()).abs() < 1e-6, "{log_likelihood}");
    }

    #[test]
    fn a_probability_under_the_smallest_float_keeps_its_logarithm() {
        let prediction = predict([[0.0, 200.0], [0.0, 200.0]]);
        let class = Tensor::<1, Int>::from_data([0], &Device::flex());
        let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
        assert!((log_likelihood + 200.0).abs() < 1e-3, "{log_likelihood}");
    }

    #[test]
    fn an_impossible_class_stays_impossible() {
        let prediction = predict([[0.0, f32::NEG_INFINITY], [0.0, f32::NEG_INFINITY]]);
        let probabilities: Vec<f32> = prediction.probabilities().into_data().try_to_vec().unwrap();
        assert_eq!(probabilities, [1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "ClassificationPrediction: classes must have dims [1], got [2]")]
    fn classes_for_other_rows_are_refused() {
        let classes = Tensor::<1, Int>::from_data([0, 1], &Device::flex());
        let _ = predict([[0.0, 0.0], [0.0, 0.0]]).log_likelihood(classes);
    }
}
