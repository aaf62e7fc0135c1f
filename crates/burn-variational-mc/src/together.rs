//! Two statistics of the same draws.

use burn::tensor::Tensor;

use crate::{EarlyStop, Statistic};

/// Two statistics of one run: a model that is slow is asked once for both.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
/// use burn_variational_mc::{MonteCarlo, Quantiles, RealValues};
///
/// let model = LockedDropoutConfig::new(4, 0.5).init();
/// let input = Tensor::<3>::ones([2, 3, 4], &Device::flex());
/// let mc = MonteCarlo::new(50, MaskRng::seeded(1));
/// let statistics = (RealValues::new(), Quantiles::new(&[0.05, 0.95]));
/// let (prediction, quantiles) = mc.estimate(&model, &input, statistics).unwrap().into_value();
/// assert_eq!(prediction.n_draws(), 50);
/// assert_eq!(quantiles.len(), 2);
/// ```
impl<const D: usize, A: Statistic<D>, B: Statistic<D>> Statistic<D> for (A, B) {
    type Output = (A::Output, B::Output);

    fn push(&mut self, draw: Tensor<D>) {
        self.0.push(draw.clone());
        self.1.push(draw);
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
        self.1.merge(other.1);
    }

    fn append_rows(&mut self, other: Self) {
        self.0.append_rows(other.0);
        self.1.append_rows(other.1);
    }

    /// Settled where both are, or the one that can tell.
    fn is_settled(&self, stop: &EarlyStop) -> Option<bool> {
        match (self.0.is_settled(stop), self.1.is_settled(stop)) {
            (Some(first), Some(second)) => Some(first && second),
            (first, second) => first.or(second),
        }
    }

    fn finish(self) -> Self::Output {
        (self.0.finish(), self.1.finish())
    }
}
