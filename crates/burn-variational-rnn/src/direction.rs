//! Which way sequences are read, and how what two ways gave is merged.

use burn::tensor::Tensor;
use burn_variational_kernels::side_by_side;
use serde::{Deserialize, Serialize};

/// Which way a layer reads its sequences. Outputs lie at the step that they belong to either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From each row's own last step to the first.
    Backward,
}

/// Which ways the layers of a stack read their sequences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Directions {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From each row's own last step to the first.
    Backward,
    /// Both, with parameters and masks of its own for each, merged after every layer.
    Both(MergeMode),
}

/// How the outputs of two directions become one, as in Keras' `Bidirectional`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergeMode {
    /// Side by side, forward first: twice as wide.
    #[default]
    Concat,
    /// `a + b`.
    Sum,
    /// `(a + b) / 2`.
    Average,
    /// `a ∘ b`.
    Multiply,
}

impl MergeMode {
    /// The width of what two directions of `d_hidden` units become.
    pub fn width(self, d_hidden: usize) -> usize {
        if self == Self::Concat { 2 * d_hidden } else { d_hidden }
    }

    /// Merges outputs `[…, d_hidden]`.
    ///
    /// # Panics
    ///
    /// If they have different dims.
    pub fn merge<const D: usize>(self, forward: Tensor<D>, backward: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Concat => side_by_side(forward, backward),
            Self::Sum => forward + backward,
            Self::Average => (forward + backward).div_scalar(2.0),
            Self::Multiply => forward * backward,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn two_directions_are_merged_as_they_are_named() {
        let row = |values: [f32; 2]| Tensor::<2>::from_data([values], &Device::flex());
        let merged = |mode: MergeMode| -> Vec<f32> {
            let merged = mode.merge(row([1.0, 2.0]), row([3.0, 5.0]));
            assert_eq!(merged.dims()[1], mode.width(2));
            merged.into_data().iter().collect()
        };
        assert_eq!(merged(MergeMode::Concat), [1.0, 2.0, 3.0, 5.0]);
        assert_eq!(merged(MergeMode::Sum), [4.0, 7.0]);
        assert_eq!(merged(MergeMode::Average), [2.0, 3.5]);
        assert_eq!(merged(MergeMode::Multiply), [3.0, 10.0]);
    }
}
