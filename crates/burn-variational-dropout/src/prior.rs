//! How strongly the prior of the dropout posterior pulls on each weight.

use burn::nn::Linear;

use crate::site_dropout::check_probability;
use crate::{KlTerm, MaskLifetime, MaskScaling, SiteDropout};

/// The prior over weights whose posterior dropout approximates: the factors `λ` of the KL term.
///
/// The objective is the mean of `-log p` over the `N` terms of the training set (for regression
/// `½ (y - ŷ)²`, that is divided by τ) plus `Σ λ ‖W‖²`, where
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
/// at rate 0 and precision 1, with `L` the mean of the loss over the training set. A sequence with
/// one target is one term: `N` sequences. A text has a term for each token that is predicted. Let
/// it be cut into `n` windows of `T` steps in `B` parallel streams, so that `n B T` tokens are
/// predicted:
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
    per_step_l2: Option<f64>,
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
        Self { length_scale, n_terms, precision: 1.0, per_step_l2: None }
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

    /// With plain L2 of this `λ` for the weights behind per-step sites.
    ///
    /// A mask that is another at every step is no draw of the weights, so the prior has no `λ` for
    /// them: what they get is a choice of its own, apart from length scale, terms and precision.
    ///
    /// # Panics
    ///
    /// If `lambda` is negative or not finite.
    pub fn with_per_step_l2(mut self, lambda: f64) -> Self {
        assert!(
            lambda >= 0.0 && lambda.is_finite(),
            "DropoutPrior: per_step_l2 must be finite and not negative, got {lambda}"
        );
        self.per_step_l2 = Some(lambda);
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

    /// What the KL divergence is multiplied by to stand beside the loss, `1 / (N τ)`.
    pub(crate) fn per_term(&self) -> f64 {
        1.0 / (self.n_terms as f64 * self.precision)
    }

    /// `λ` of a weight matrix whose input a site drops, or drops nothing of. The name of the site
    /// is for the message of an error.
    ///
    /// Gaussian noise counts as Bernoulli masks of its rate: the second moments are the same, but the
    /// entropy of that posterior depends on the weights (Kingma et al. 2015, arXiv 1506.02557), and is
    /// left out.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`, or the site drops per step and no plain L2 was asked for
    /// with [`with_per_step_l2`](Self::with_per_step_l2).
    ///
    /// # Example
    ///
    /// ```
    /// use burn_variational_dropout::{DropoutPrior, SiteDropout};
    ///
    /// let prior = DropoutPrior::new(1.0, 100).with_per_step_l2(1e-4);
    /// assert_eq!(prior.site_lambda("input", None), 0.005);
    /// assert_eq!(prior.site_lambda("input", Some(SiteDropout::new(0.5))), 0.01);
    /// assert_eq!(prior.site_lambda("input", Some(SiteDropout::new(0.5).per_step())), 1e-4);
    /// ```
    pub fn site_lambda(&self, name: &str, dropout: Option<SiteDropout>) -> f64 {
        let Some(site) = dropout else {
            return self.bias_lambda();
        };
        let lambda = self.weight_lambda(site.prob, site.scaling);
        // At rate 0 nothing varies from step to step.
        if site.lifetime == MaskLifetime::PerSequence || site.prob == 0.0 {
            return lambda;
        }
        self.per_step_l2.unwrap_or_else(|| {
            panic!(
                "DropoutPrior: {name} dropout must be per sequence to have a KL term, got PerStep; \
                 DropoutPrior::with_per_step_l2 asks for plain L2 instead"
            )
        })
    }

    /// The KL term of a linear layer whose input a site drops, or drops nothing of, with the paths
    /// `weight` and, where there is one, `bias`.
    ///
    /// # Panics
    ///
    /// As [`site_lambda`](Self::site_lambda).
    ///
    /// # Example
    ///
    /// ```
    /// use burn::nn::LinearConfig;
    /// use burn::tensor::Device;
    /// use burn_variational_dropout::{DropoutPrior, KlTerm, SiteDropout};
    ///
    /// let output = LinearConfig::new(2, 3).init(&Device::flex());
    /// let kl = DropoutPrior::new(1.0, 100).linear(&output, Some(SiteDropout::new(0.5)));
    /// assert_eq!(kl, KlTerm::new().with_param("weight", 0.01).with_param("bias", 0.005));
    /// ```
    pub fn linear(&self, linear: &Linear, dropout: Option<SiteDropout>) -> KlTerm {
        let weight = KlTerm::new().with_param("weight", self.site_lambda("linear input", dropout));
        match linear.bias {
            Some(_) => weight.with_param("bias", self.bias_lambda()),
            None => weight,
        }
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

    #[test]
    #[should_panic(
        expected = "DropoutPrior: recurrent dropout must be per sequence to have a KL term, got \
                    PerStep; DropoutPrior::with_per_step_l2 asks for plain L2 instead"
    )]
    fn a_site_that_drops_per_step_is_refused_by_its_name() {
        let per_step = SiteDropout::new(0.5).per_step();
        let _ = DropoutPrior::new(1.0, 1).site_lambda("recurrent", Some(per_step));
    }

    #[test]
    fn a_site_that_drops_nothing_may_do_so_per_step() {
        let prior = DropoutPrior::new(1.0, 1);
        let nothing = SiteDropout::new(0.0).per_step();
        let lambda = prior.site_lambda("input", Some(nothing));
        assert_eq!(lambda.to_bits(), prior.bias_lambda().to_bits());
    }

    #[test]
    #[should_panic(expected = "DropoutPrior: prob must be in [0, 1), got 1.5")]
    fn plain_l2_does_not_hide_a_bad_rate() {
        let prior = DropoutPrior::new(1.0, 1).with_per_step_l2(0.1);
        let _ = prior.site_lambda("input", Some(SiteDropout::new(1.5).per_step()));
    }

    #[test]
    #[should_panic(
        expected = "DropoutPrior: per_step_l2 must be finite and not negative, got -0.1"
    )]
    fn a_negative_plain_l2_is_refused() {
        let _ = DropoutPrior::new(1.0, 1).with_per_step_l2(-0.1);
    }
}
