//! What is kept of the draws of logits.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use serde::{Deserialize, Serialize};

use super::ballot::Ballot;
use super::entropy::entropy;
use crate::{ClassificationPrediction, EarlyStop, LogMeanExp, Moments, Statistic};

/// Probabilities of classes over the draws of their logits `[n_rows, .., n_classes]`: their mean,
/// their variance, their entropies and the votes of the draws. No draw is kept.
///
/// Logits are logarithms of probabilities up to a constant: of a model that ends in a softmax,
/// push the logarithm of its output.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::{ClassProbabilities, Statistic};
///
/// let mut probabilities = ClassProbabilities::new();
/// for draw in [[0.9_f32, 0.1], [0.5, 0.5]] {
///     probabilities.push(Tensor::<2>::from_data([draw], &Device::flex()).log());
/// }
/// let mean = probabilities.finish().probabilities().into_data();
/// mean.assert_approx_eq::<f32>(&[[0.7, 0.3]].into(), burn::tensor::Tolerance::absolute(1e-6));
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClassProbabilities<const D: usize> {
    log_mean: LogMeanExp<D>,
    moments: Moments<D>,
    entropy: Moments<D>,
    ballot: Ballot<D>,
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
        let log_probabilities = log_softmax(logits.clone(), D - 1);
        self.ballot.cast(logits);
        self.entropy.push(entropy(log_probabilities.clone()));
        self.moments.push(log_probabilities.clone().exp());
        self.log_mean.push(log_probabilities);
    }

    fn merge(&mut self, other: Self) {
        self.ballot.merge(other.ballot);
        self.entropy.merge(other.entropy);
        self.moments.merge(other.moments);
        self.log_mean.merge(other.log_mean);
    }

    fn append_rows(&mut self, other: Self) {
        self.ballot.append_rows(other.ballot);
        self.entropy.append_rows(other.entropy);
        self.moments.append_rows(other.moments);
        self.log_mean.append_rows(other.log_mean);
    }

    fn is_settled(&self, stop: &EarlyStop) -> Option<bool> {
        self.moments.is_settled(stop)
    }

    fn finish(self) -> ClassificationPrediction<D> {
        ClassificationPrediction {
            n_draws: self.log_mean.n_draws(),
            votes: self.ballot.votes(),
            expected_entropy: self.entropy.mean(),
            variance: self.moments.variance(),
            log_probabilities: self.log_mean.finish(),
        }
    }
}
