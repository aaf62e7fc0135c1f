//! Prediction intervals.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// An interval for each value, of what was drawn or of what will be observed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PredictionInterval<const D: usize> {
    lower: Tensor<D>,
    upper: Tensor<D>,
}

impl<const D: usize> PredictionInterval<D> {
    /// Between these, both included.
    ///
    /// # Panics
    ///
    /// If their dims differ.
    pub fn new(lower: Tensor<D>, upper: Tensor<D>) -> Self {
        assert!(
            lower.dims() == upper.dims(),
            "PredictionInterval: upper must have dims {:?}, got {:?}",
            lower.dims(),
            upper.dims()
        );
        Self { lower, upper }
    }

    /// Between the quantiles that leave out the same on both sides.
    pub(crate) fn central(level: f64, quantiles: impl FnOnce(&[f64]) -> Vec<Tensor<D>>) -> Self {
        check_level("PredictionInterval", "level", level);
        let ends = quantiles(&[0.5 * (1.0 - level), 0.5 * (1.0 + level)]);
        let [lower, upper] = ends.try_into().expect("as many quantiles as probabilities");
        Self::new(lower, upper)
    }

    /// The lower ends.
    pub fn lower(&self) -> Tensor<D> {
        self.lower.clone()
    }

    /// The upper ends.
    pub fn upper(&self) -> Tensor<D> {
        self.upper.clone()
    }
}

/// Checks what must lie between 0 and 1.
pub(crate) fn check_level(who: &str, what: &str, level: f64) {
    assert!(level > 0.0 && level < 1.0, "{who}: {what} must be in (0, 1), got {level}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    #[should_panic(expected = "PredictionInterval: upper must have dims [1], got [2]")]
    fn ends_of_other_dims_are_refused() {
        let ends = |dims: [usize; 1]| Tensor::<1>::zeros(dims, &Device::flex());
        let _ = PredictionInterval::new(ends([1]), ends([2]));
    }
}
