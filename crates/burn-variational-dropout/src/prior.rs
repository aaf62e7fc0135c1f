//! How strongly the prior of the dropout posterior pulls on each weight.

use crate::site::check_probability;
use crate::{MaskScaling, SiteDropout};

/// The prior over weights whose posterior dropout approximates: the factors `λ` of the KL term.
///
/// The objective is the mean of `-log p` over the `n_terms` terms of the training set (for
/// regression `½ (y - ŷ)²`, that is divided by τ) plus `Σ λ ‖W‖²`, where
///
/// ```text
/// weights, unscaled masks      λ = (1 - p) l² / (2 N τ)
/// weights, inverted scaling    λ = l² / (2 N τ (1 - p))     as θ = (1 - p) m is what is stored
/// biases                       λ = l² / (2 N τ)
/// ```
///
/// `p` is the drop probability of what the weight multiplies, `l` the prior length scale, `N` the
/// number of terms and `τ` the precision of the observations, 1 for a softmax.
///
/// # Example
///
/// ```
/// use burn_variational_dropout::{DropoutPrior, MaskScaling};
///
/// let prior = DropoutPrior::new(2.0, 100).with_precision(10.0);
/// assert_eq!(prior.bias_lambda(), 4.0 / 2000.0);
/// assert_eq!(prior.weight_lambda(0.5, MaskScaling::Unscaled), 2.0 / 2000.0);
/// assert_eq!(prior.weight_lambda(0.5, MaskScaling::Inverted), 8.0 / 2000.0);
/// ```
///
/// # What `N` is for sequences
///
/// The bound on the evidence has `S`, the sum of `-log p` over all that the training set predicts,
/// and the KL term once. A loss is `S` divided by something, the KL term is divided by the same,
/// and that is `N`:
///
/// ```text
/// (S + Σ ½ l² ‖W‖²) / N  =  L + Σ λ ‖W‖²      N = S / L
/// ```
///
/// with `L` the mean of the loss over the training set. A sequence with one target is one term:
/// `N` sequences. A text has a term for each token that is predicted. Let it be cut into `n`
/// windows of `T` steps in `B` parallel streams, so that `n B T` tokens are predicted:
///
/// ```text
/// mean over tokens             L_w = 1/(B T) Σ_b Σ_t -log p      L = S / (n B T)    N = n B T
/// sum over steps, mean over    L_w = 1/B Σ_b Σ_t -log p          L = S / (n B)      N = n B
///   streams (Zaremba et al.)
/// ```
///
/// where `L_w` is the loss of a window and `L` its mean over the `n` windows. Zaremba's loss is `T`
/// times the other, and so is its `λ`: with the other's, the prior would be `T` times too weak.
/// Monte Carlo draws of a batch, averaged in the loss, do not change `N`.
///
/// ```
/// use burn_variational_dropout::DropoutPrior;
///
/// // The training text of the Penn Treebank, as Zaremba et al. cut it.
/// let (tokens, batch_size, seq_length) = (929_589, 20, 35);
/// let n_windows = (tokens / batch_size - 1) / seq_length;
/// assert_eq!(n_windows, 1_327);
///
/// // The mean over tokens.
/// let n_terms = n_windows * batch_size * seq_length;
/// assert_eq!(n_terms, 928_900);
/// let of_mean = DropoutPrior::new(1.0, n_terms).bias_lambda();
/// assert!((of_mean - 5.383e-7).abs() < 1e-10);
///
/// // The sum over steps, averaged over the streams.
/// let n_terms = n_windows * batch_size;
/// assert_eq!(n_terms, 26_540);
/// let of_sum = DropoutPrior::new(1.0, n_terms).bias_lambda();
/// assert!((of_sum - 1.884e-5).abs() < 1e-8);
/// assert!((of_sum / of_mean - 35.0).abs() < 1e-9);
/// ```
///
/// # References
///
/// Gal & Ghahramani 2016, arXiv 1512.05287, eq. 3; the factors follow Yarin Gal and Zoubin
/// Ghahramani, *Dropout as a Bayesian Approximation: Appendix*, 2015, arXiv 1506.02157. The windows
/// are those of Zaremba et al. 2014, arXiv 1409.2329.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropoutPrior {
    length_scale: f64,
    n_terms: usize,
    precision: f64,
}

impl DropoutPrior {
    /// A prior of this length scale, for a training set of so many terms, with precision 1.
    ///
    /// # Panics
    ///
    /// If the length scale is not positive and finite, or there is no term.
    pub fn new(length_scale: f64, n_terms: usize) -> Self {
        check_positive("length_scale", length_scale);
        assert!(n_terms > 0, "DropoutPrior: n_terms must be positive, got 0");
        Self { length_scale, n_terms, precision: 1.0 }
    }

    /// With observations of this precision (inverse variance).
    ///
    /// # Panics
    ///
    /// If the precision is not positive and finite.
    pub fn with_precision(mut self, precision: f64) -> Self {
        check_positive("precision", precision);
        self.precision = precision;
        self
    }

    /// `λ` of a weight matrix whose input is dropped with probability `prob`.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`.
    pub fn weight_lambda(&self, prob: f64, scaling: MaskScaling) -> f64 {
        check_probability("DropoutPrior", "prob", prob);
        match scaling {
            MaskScaling::Unscaled => (1.0 - prob) * self.bias_lambda(),
            MaskScaling::Inverted => self.bias_lambda() / (1.0 - prob),
        }
    }

    /// `λ` of a bias.
    pub fn bias_lambda(&self) -> f64 {
        self.length_scale.powi(2) / (2.0 * self.n_terms as f64 * self.precision)
    }

    /// `λ` of a weight matrix whose input a site drops, or drops nothing of.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`.
    pub fn site_lambda(&self, dropout: Option<SiteDropout>) -> f64 {
        dropout.map_or(self.bias_lambda(), |site| self.weight_lambda(site.prob, site.scaling))
    }

    /// `λ` of a weight as Gal's own scripts have it: the factor of unscaled masks, used with
    /// inverted scaling.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`.
    pub fn gal_weight_lambda(&self, prob: f64) -> f64 {
        self.weight_lambda(prob, MaskScaling::Unscaled)
    }
}

fn check_positive(field: &str, value: f64) {
    assert!(
        value > 0.0 && value.is_finite(),
        "DropoutPrior: {field} must be positive and finite, got {value}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gals_factor_is_that_of_unscaled_masks() {
        let prior = DropoutPrior::new(1e-2, 500);
        let unscaled = prior.weight_lambda(0.3, MaskScaling::Unscaled);
        assert_eq!(prior.gal_weight_lambda(0.3).to_bits(), unscaled.to_bits());
    }

    #[test]
    #[should_panic(expected = "DropoutPrior: length_scale must be positive and finite, got NaN")]
    fn a_length_scale_that_is_no_number_is_refused() {
        let _ = DropoutPrior::new(f64::NAN, 1);
    }

    #[test]
    #[should_panic(expected = "DropoutPrior: n_terms must be positive, got 0")]
    fn a_training_set_without_terms_is_refused() {
        let _ = DropoutPrior::new(1.0, 0);
    }

    #[test]
    #[should_panic(expected = "DropoutPrior: precision must be positive and finite, got 0")]
    fn no_precision_is_refused() {
        let _ = DropoutPrior::new(1.0, 1).with_precision(0.0);
    }

    #[test]
    #[should_panic(expected = "DropoutPrior: prob must be in [0, 1), got 1")]
    fn dropping_all_is_refused() {
        let _ = DropoutPrior::new(1.0, 1).weight_lambda(1.0, MaskScaling::Inverted);
    }
}
