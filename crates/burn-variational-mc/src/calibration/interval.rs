//! Prediction intervals, whatever made them.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// A prediction interval for every value, `[lower, upper]`.
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

    /// The lower ends.
    pub fn lower(&self) -> Tensor<D> {
        self.lower.clone()
    }

    /// The upper ends.
    pub fn upper(&self) -> Tensor<D> {
        self.upper.clone()
    }
}

/// # Panics
///
/// If it is no level of an interval.
pub(super) fn check_level(of: &str, level: f64) {
    assert!(level > 0.0 && level < 1.0, "{of}: level must be in (0, 1), got {level}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    #[should_panic(expected = "PredictionInterval: upper must have dims [1], got [2]")]
    fn ends_of_other_dims_are_refused() {
        let _ = PredictionInterval::new(
            Tensor::<1>::zeros([1], &Device::flex()),
            Tensor::zeros([2], &Device::flex()),
        );
    }
}
