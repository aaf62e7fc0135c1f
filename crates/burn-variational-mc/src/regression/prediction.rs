//! Mean and variances of real values.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::noise::Precision;
use crate::Moments;

/// The mean and the variances of real values, `[n_rows, ..]`, whose draws were not kept.
///
/// With `ŷ_k` the mean that draw `k` of `K` gives and `σ²_k` the variance of the noise about it:
///
/// ```text
/// E[y] = 1/K Σ_k ŷ_k
/// Var[y] = 1/K Σ_k (ŷ_k - E[y])²     epistemic: what the model does not know
///        + 1/K Σ_k σ²_k              aleatoric: the noise of what is observed
/// ```
///
/// `σ²_k` is `1/τ` where a precision `τ` is given, and what the second head says where a model
/// predicts its noise.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::{RealValues, Statistic};
///
/// let mut values = RealValues::new();
/// for draw in [1.0, 3.0] {
///     values.push(Tensor::<1>::from_data([draw], &Device::flex()));
/// }
/// let prediction = values.finish().with_precision(4.0);
/// assert_eq!(prediction.epistemic_variance().into_scalar::<f32>(), 1.0);
/// assert_eq!(prediction.aleatoric_variance().into_scalar::<f32>(), 0.25);
/// assert_eq!(prediction.variance().into_scalar::<f32>(), 1.25);
/// ```
///
/// # References
///
/// Gal & Ghahramani 2016, arXiv 1506.02142, section 4; Kendall & Gal 2017, arXiv 1703.04977,
/// eq. 9.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegressionPrediction<const D: usize> {
    means: Moments<D>,
    /// With the dims of the means.
    noise: Option<Tensor<D>>,
}

impl<const D: usize> RegressionPrediction<D> {
    pub(super) fn new(means: Moments<D>, noise: Option<Tensor<D>>) -> Self {
        Self { means, noise }
    }

    /// With observation noise of this precision, in place of any there was.
    ///
    /// A precision fitted after training was not the `τ` of the λ of that training: see
    /// [`GaussianOutput`](crate::GaussianOutput).
    ///
    /// # Panics
    ///
    /// If the precision is not positive and finite, or its dims are neither 1 nor those of the
    /// values.
    pub fn with_precision(mut self, precision: impl Into<Precision<D>>) -> Self {
        self.noise = Some(precision.into().variance_of(&self.means.mean()));
        self
    }

    /// The number of draws, `K`.
    pub fn n_draws(&self) -> usize {
        self.means.count()
    }

    /// `E[y] = 1/K Σ_k ŷ_k`.
    pub fn mean(&self) -> Tensor<D> {
        self.means.mean()
    }

    /// `1/K Σ_k (ŷ_k - E[y])²`: what more data would take away.
    pub fn epistemic_variance(&self) -> Tensor<D> {
        self.means.variance()
    }

    /// `1/K Σ_k σ²_k`: what no data takes away. 0 where no noise was given or predicted.
    pub fn aleatoric_variance(&self) -> Tensor<D> {
        self.noise.clone().unwrap_or_else(|| self.means.mean().zeros_like())
    }

    /// The total variance `Var[y]`, of what will be observed: epistemic plus aleatoric. Where no
    /// noise was given or predicted it is the epistemic one alone.
    pub fn variance(&self) -> Tensor<D> {
        self.epistemic_variance() + self.aleatoric_variance()
    }
}
