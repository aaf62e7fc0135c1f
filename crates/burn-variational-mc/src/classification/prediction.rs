//! What the draws say of each place: the classes, and how sure they are.

use burn::tensor::{FloatDType, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::ballot::{lowest_argmax, one_hot};
use super::entropy::entropy;
use crate::shape::without_last;

/// The predictive distribution over classes, which are the last dimension: `[n_rows, n_classes]`
/// for one prediction a row, `[n_rows, seq_length, n_classes]` for one a step.
///
/// With `p_k` the probabilities of draw `k` of `K`, and `v_c` the number of draws whose most
/// probable class is `c`:
///
/// ```text
/// p_c = 1/K Σ_k p_kc                        mean probabilities
/// ŷ = argmax_c p_c                          predicted class
/// H[p] = -Σ_c p_c log p_c                   predictive entropy: all that is uncertain
/// E[H] = 1/K Σ_k H[p_k]                     expected entropy: the noise of the classes (aleatoric)
/// I = H[p] - E[H]                           mutual information: what the model does not know
///                                           (epistemic); 0 where all draws agree
/// margin = p_ŷ - max_{c ≠ ŷ} p_c            small where two classes compete
/// majority vote = argmax_c v_c
/// variation ratio = 1 - max_c v_c / K
/// disagreement = 1 - v_ŷ / K                the share of the votes against the prediction
/// ```
///
/// Entropies are in nats: divide by `ln 2` for bits. Of equal probabilities or votes the lowest
/// class counts.
///
/// What belongs to a place and not to a class has a dimension less than the prediction, `R`, which
/// the place of use says: `let entropy: Tensor<1> = prediction.predictive_entropy();`. Steps of
/// sequences are reduced by [`sum_over_steps`](crate::sum_over_steps) and
/// [`mean_over_steps`](crate::mean_over_steps).
///
/// # Example
///
/// Draws that are all sure, and do not agree: the noise is small, and the model does not know.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::{ClassProbabilities, Statistic};
///
/// let mut probabilities = ClassProbabilities::new();
/// for draw in [[0.99_f32, 0.01], [0.01, 0.99]] {
///     probabilities.push(Tensor::<2>::from_data([draw], &Device::flex()).log());
/// }
/// let prediction = probabilities.finish();
/// let [total, noise, knowledge]: [Tensor<1>; 3] = [
///     prediction.predictive_entropy(),
///     prediction.expected_entropy(),
///     prediction.mutual_information(),
/// ];
/// let [total, noise, knowledge] = [total, noise, knowledge].map(|h| h.into_scalar::<f32>());
/// assert!((total - 2_f32.ln()).abs() < 1e-6);
/// assert!(noise < 0.06 && knowledge > 0.63);
/// ```
///
/// # References
///
/// - Neil Houlsby, Ferenc Huszár, Zoubin Ghahramani and Máté Lengyel, *Bayesian Active Learning for
///   Classification and Preference Learning*, 2011, arXiv 1112.5745: the mutual information (BALD).
/// - Yarin Gal, *Uncertainty in Deep Learning*, 2016, section 3.3.1: variation ratio, entropies.
/// - Linton Freeman, *Elementary Applied Statistics*, 1965: the variation ratio.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClassificationPrediction<const D: usize> {
    pub(super) n_draws: usize,
    pub(super) log_probabilities: Tensor<D>,
    pub(super) variance: Tensor<D>,
    /// `[n_rows, .., 1]`.
    pub(super) expected_entropy: Tensor<D>,
    pub(super) votes: Tensor<D, Int>,
}

impl<const D: usize> ClassificationPrediction<D> {
    /// The number of draws, `K`.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// `p = 1/K Σ_k softmax(logits_k)`, `[n_rows, .., n_classes]`.
    pub fn probabilities(&self) -> Tensor<D> {
        self.log_probabilities.clone().exp()
    }

    /// `log p`, `[n_rows, .., n_classes]`: the logarithm of the averaged probabilities, by
    /// log-sum-exp, so that no probability underflows.
    pub fn log_probabilities(&self) -> Tensor<D> {
        self.log_probabilities.clone()
    }

    /// The variance of the probability of each class over the draws, `1/K Σ_k (p_kc - p_c)²`,
    /// `[n_rows, .., n_classes]`.
    pub fn variance(&self) -> Tensor<D> {
        self.variance.clone()
    }

    /// The number of draws that voted for each class, `v_c`, `[n_rows, .., n_classes]`.
    pub fn votes(&self) -> Tensor<D, Int> {
        self.votes.clone()
    }

    /// The predicted class `ŷ = argmax_c p_c`, `[n_rows, ..]`; of equal ones the lowest.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn predicted_class<const R: usize>(&self) -> Tensor<R, Int> {
        without_last(self.prediction())
    }

    /// The class with the most votes, `argmax_c v_c`, `[n_rows, ..]`; of equal ones the lowest.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn majority_vote<const R: usize>(&self) -> Tensor<R, Int> {
        without_last(lowest_argmax(self.vote_shares()))
    }

    /// `H[p] = -Σ_c p_c log p_c`, `[n_rows, ..]`, in nats: the uncertainty of a class drawn from the
    /// prediction, from whatever source.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn predictive_entropy<const R: usize>(&self) -> Tensor<R> {
        without_last(entropy(self.log_probabilities.clone()))
    }

    /// `E[H] = 1/K Σ_k H[p_k]`, `[n_rows, ..]`, in nats: the part of the predictive entropy that
    /// would stay if the model were known.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn expected_entropy<const R: usize>(&self) -> Tensor<R> {
        without_last(self.expected_entropy.clone())
    }

    /// `I = H[p] - E[H]`, `[n_rows, ..]`, in nats: what a class observed there would tell of the
    /// model (BALD). It is 0 where rounding would make it negative.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn mutual_information<const R: usize>(&self) -> Tensor<R> {
        let entropy = entropy(self.log_probabilities.clone());
        without_last((entropy - self.expected_entropy.clone()).clamp_min(0.0))
    }

    /// `1 - max_c v_c / K`, `[n_rows, ..]`: the share of the votes that the class with the most of
    /// them did not get.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn variation_ratio<const R: usize>(&self) -> Tensor<R> {
        without_last(self.vote_shares().max_dim(D - 1).neg().add_scalar(1.0))
    }

    /// `1 - v_ŷ / K`, `[n_rows, ..]`: the share of the votes against the predicted class. It is the
    /// variation ratio, or more where the class of the mean is not that of the majority.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn disagreement<const R: usize>(&self) -> Tensor<R> {
        let agree = self.vote_shares().gather(D - 1, self.prediction());
        without_last(agree.neg().add_scalar(1.0))
    }

    /// The mean probability of the predicted class less that of the next, `[n_rows, ..]`.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn margin<const R: usize>(&self) -> Tensor<R> {
        let probabilities = self.probabilities();
        let largest = probabilities.clone().max_dim(D - 1);
        let predicted = one_hot(self.prediction(), probabilities.dims());
        let others = probabilities.mask_fill(predicted, 0.0);
        without_last(largest - others.max_dim(D - 1))
    }

    /// `log p` of the observed classes, place by place.
    ///
    /// # Shapes
    ///
    /// - classes, output: `[n_rows, ..]`, the dims of the prediction without the last
    ///
    /// # Panics
    ///
    /// If the classes have other dims.
    pub fn log_likelihood<const R: usize>(&self, classes: Tensor<R, Int>) -> Tensor<R> {
        let dims = self.log_probabilities.dims();
        assert!(
            classes.dims()[..] == dims[..D - 1],
            "ClassificationPrediction: classes must have dims {:?}, got {:?}",
            &dims[..D - 1],
            classes.dims()
        );
        let classes = classes.unsqueeze_dim::<D>(D - 1);
        without_last(self.log_probabilities.clone().gather(D - 1, classes))
    }

    /// `[n_rows, .., 1]`.
    fn prediction(&self) -> Tensor<D, Int> {
        lowest_argmax(self.log_probabilities.clone())
    }

    /// `v_c / K`.
    fn vote_shares(&self) -> Tensor<D> {
        let votes = self.votes.clone().cast(FloatDType::from(self.variance.dtype()));
        votes.div_scalar(self.n_draws as f64)
    }
}
