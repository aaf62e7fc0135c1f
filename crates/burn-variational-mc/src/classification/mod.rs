//! Predictions over classes: probabilities averaged, never their logarithms.

mod ballot;
mod entropy;
mod likelihood;
mod prediction;
mod probabilities;

pub use prediction::ClassificationPrediction;
pub use probabilities::ClassProbabilities;

use burn::tensor::Tensor;
use burn_variational_dropout::VariationalModel;

use crate::{MonteCarlo, MonteCarloResult};

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
mod tests;
