//! What is kept of the draws of real values.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{EarlyStop, GaussianOutput, Moments, RegressionPrediction, Statistic};

/// Mean and variance of real values over the draws of a model, and of the noise that it predicts,
/// if it does. No draw is kept.
///
/// # Example
///
/// A model with a second head, whose draws are means and log variances:
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::{RealValues, Statistic};
///
/// let mut values = RealValues::with_predicted_noise();
/// for draw in [[1.0_f32, 2_f32.ln()], [3.0, 4_f32.ln()]] {
///     values.push(Tensor::<2>::from_data([draw], &Device::flex()));
/// }
/// let prediction = values.finish();
/// assert_eq!(prediction.mean().into_scalar::<f32>(), 2.0);
/// assert_eq!(prediction.epistemic_variance().into_scalar::<f32>(), 1.0);
/// assert!((prediction.aleatoric_variance().into_scalar::<f32>() - 3.0).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RealValues<const D: usize> {
    means: Moments<D>,
    /// Of `σ²_k`, where the model predicts it.
    noise: Option<Moments<D>>,
}

impl<const D: usize> RealValues<D> {
    /// Of no draw yet; draws are means, `[n_rows, ..]`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of no draw yet; draws are means and log variances, `[n_rows, .., 2 n_outputs]`, as
    /// [`GaussianOutput`] has them.
    pub fn with_predicted_noise() -> Self {
        Self { means: Moments::new(), noise: Some(Moments::new()) }
    }
}

/// What both have.
fn both<T>(a: &mut Option<T>, b: Option<T>) -> Option<(&mut T, T)> {
    assert!(
        a.is_some() == b.is_some(),
        "RealValues: draws with predicted noise and draws without do not belong together"
    );
    a.as_mut().zip(b)
}

impl<const D: usize> Statistic<D> for RealValues<D> {
    type Output = RegressionPrediction<D>;

    fn push(&mut self, draw: Tensor<D>) {
        match &mut self.noise {
            None => self.means.push(draw),
            Some(noise) => {
                let draw = GaussianOutput::from_tensor(draw);
                self.means.push(draw.mean);
                noise.push(draw.log_variance.exp());
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.means.merge(other.means);
        if let Some((noise, other)) = both(&mut self.noise, other.noise) {
            noise.merge(other);
        }
    }

    fn append_rows(&mut self, other: Self) {
        self.means.append_rows(other.means);
        if let Some((noise, other)) = both(&mut self.noise, other.noise) {
            noise.append_rows(other);
        }
    }

    fn is_settled(&self, stop: &EarlyStop) -> Option<bool> {
        self.means.is_settled(stop)
    }

    fn finish(self) -> RegressionPrediction<D> {
        RegressionPrediction::new(self.means, self.noise.map(|noise| noise.mean()))
    }
}
