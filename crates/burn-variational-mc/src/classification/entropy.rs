//! Shannon's entropy.

use burn::tensor::Tensor;

/// `H = -Σ_c p_c log p_c` in nats, `[.., 1]` of `log p`, `[.., n_classes]`. An impossible class adds
/// nothing, for `p log p` goes to 0 with `p`.
pub(super) fn entropy<const D: usize>(log_probabilities: Tensor<D>) -> Tensor<D> {
    let probabilities = log_probabilities.clone().exp();
    let impossible = probabilities.clone().equal_elem(0.0);
    let terms = (probabilities * log_probabilities).mask_fill(impossible, 0.0);
    terms.sum_dim(D - 1).neg()
}
