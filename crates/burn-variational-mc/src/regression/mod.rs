//! Predictions of real values with Gaussian observation noise.

mod gaussian;
mod likelihood;
mod mixture;
mod mixture_quantile;
mod noise;
mod prediction;
mod values;

pub use gaussian::GaussianOutput;
pub use mixture::GaussianMixture;
pub use noise::{ObservationNoise, Precision};
pub use prediction::RegressionPrediction;
pub use values::RealValues;

use burn::tensor::Tensor;
use burn_variational_dropout::VariationalModel;

use crate::{MonteCarlo, MonteCarloResult};

impl MonteCarlo {
    /// Predicts real values from the outputs of a model, their mean and their variance; no draw is
    /// kept.
    ///
    /// What keeps them, for quantiles and intervals, is a
    /// [`GaussianMixture`] of [`samples`](Self::samples).
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
    /// // Any model: here, all that it does is drop.
    /// let model = LockedDropoutConfig::new(1, 0.5).init();
    /// let input = Tensor::<3>::ones([1, 1, 1], &Device::flex());
    /// let prediction = MonteCarlo::new(100, MaskRng::seeded(1)).regression(&model, &input).unwrap();
    /// let prediction = prediction.into_value().with_precision(25.0);
    /// // A draw is 0 or 2.
    /// assert!((prediction.mean().into_scalar::<f32>() - 1.0).abs() < 0.3);
    /// assert!((prediction.epistemic_variance().into_scalar::<f32>() - 1.0).abs() < 0.1);
    /// assert_eq!(prediction.aleatoric_variance().into_scalar::<f32>(), 0.04);
    /// ```
    pub fn regression<const D: usize, M: VariationalModel<Output = Tensor<D>>>(
        &self,
        model: &M,
        input: &M::Input,
    ) -> MonteCarloResult<RegressionPrediction<D>> {
        self.estimate(model, input, RealValues::new())
    }
}

#[cfg(test)]
mod tests;
