//! Dimensions that a measure does not have.

use burn::tensor::{Tensor, kind::Basic};

/// `[..]` of `[.., 1]`.
///
/// # Panics
///
/// If `R` is not `D - 1`.
pub(crate) fn without_last<const D: usize, const R: usize, K: Basic>(
    tensor: Tensor<D, K>,
) -> Tensor<R, K> {
    without_dim("a measure of each place", D - 1, tensor)
}

/// `[a, c]` of `[a, 1, c]`, where the dimension that goes has this place.
///
/// # Panics
///
/// If `R` is not `D - 1`; the message begins with `what`.
pub(crate) fn without_dim<const D: usize, const R: usize, K: Basic>(
    what: &str,
    dim: usize,
    tensor: Tensor<D, K>,
) -> Tensor<R, K> {
    assert!(
        R + 1 == D,
        "{what} has a dimension less than the {D} of its values: R must be {}, got {R}",
        D - 1
    );
    tensor.squeeze_dim(dim)
}
