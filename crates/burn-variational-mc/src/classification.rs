//! Predictions over classes: probabilities averaged, never their logarithms.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use crate::{Moments, MonteCarlo, MonteCarloError, Pass};

/// The predictive distribution over classes, which are the last dimension: `[n_rows, n_classes]`
/// for one prediction a row, `[n_rows, seq_length, n_classes]` for one a step.
#[derive(Debug, Clone)]
pub struct ClassificationPrediction<const D: usize> {
    log_probabilities: Tensor<D>,
    variance: Tensor<D>,
}

impl<const D: usize> ClassificationPrediction<D> {
    /// `p(y) = 1/K Σ_k softmax(logits_k)`, `[n_rows, .., n_classes]`.
    pub fn probabilities(&self) -> Tensor<D> {
        self.log_probabilities.clone().exp()
    }

    /// `log p(y)`, `[n_rows, .., n_classes]`: the logarithm of the averaged probabilities, by
    /// log-sum-exp, so that no probability underflows.
    pub fn log_probabilities(&self) -> Tensor<D> {
        self.log_probabilities.clone()
    }

    /// The variance of the probabilities over the draws, `[n_rows, .., n_classes]`.
    pub fn variance(&self) -> Tensor<D> {
        self.variance.clone()
    }

    /// `log p(y)` of the observed classes, place by place.
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
        self.log_probabilities.clone().gather(D - 1, classes).squeeze_dim(D - 1)
    }
}

/// The sums a prediction over classes is made of.
struct Classes<const D: usize> {
    /// `log Σ_k p_k`.
    log_sum: Option<Tensor<D>>,
    moments: Moments<D>,
}

impl MonteCarlo {
    /// Predicts classes from the logits of a model; no draw is kept.
    ///
    /// # Shapes
    ///
    /// - what `forward` returns: `[pass.batch_size(), .., n_classes]`
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
    ///
    /// # Panics
    ///
    /// If there is no row.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{MaskRng, SiteDropout};
    /// use burn_variational_mc::MonteCarlo;
    ///
    /// let device = Device::flex();
    /// let logits = Tensor::<2>::from_data([[2.0, 0.0, 0.0]], &device);
    /// let prediction = MonteCarlo::new(50, MaskRng::seeded(1)).classification(1, |pass| {
    ///     let logits = pass.fold(&logits);
    ///     SiteDropout::new(0.5).sample(logits.dims(), pass.rng(), &device).apply(logits)
    /// });
    /// let sum = prediction.unwrap().probabilities().sum().into_scalar::<f32>();
    /// assert!((sum - 1.0).abs() < 1e-5);
    /// ```
    pub fn classification<const D: usize>(
        &self,
        n_rows: usize,
        forward: impl FnMut(&Pass) -> Tensor<D>,
    ) -> Result<ClassificationPrediction<D>, MonteCarloError> {
        let new = || Classes { log_sum: None, moments: Moments::new() };
        let blocks = self.accumulate(n_rows, new, forward, |classes, logits| {
            let log_probabilities = log_softmax(logits, D - 1);
            classes.moments.push(log_probabilities.clone().exp());
            classes.log_sum = Some(match classes.log_sum.take() {
                None => log_probabilities,
                Some(log_sum) => log_add_exp(log_sum, log_probabilities),
            });
        })?;
        let log_draws = (self.n_draws() as f64).ln();
        let log_sums = blocks.iter().map(|block| block.log_sum.clone().expect("at least one draw"));
        let variances = blocks.iter().map(|block| block.moments.variance());
        Ok(ClassificationPrediction {
            log_probabilities: Tensor::cat(log_sums.collect(), 0).sub_scalar(log_draws),
            variance: Tensor::cat(variances.collect(), 0),
        })
    }
}

/// `log(eᵃ + eᵇ)`, without overflow, and without `∞ - ∞` where both are impossible.
pub(crate) fn log_add_exp<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    let equal = a.clone().equal(b.clone());
    let larger = a.clone().max_pair(b.clone());
    let distance = (a - b).abs().mask_fill(equal, 0.0);
    larger + distance.neg().exp().log1p()
}

/// `log 1/K Σ_k exp(log p_k)`, element by element: the logarithm of averaged probabilities.
///
/// # Panics
///
/// If there is no draw.
pub fn log_mean_exp<const D: usize>(draws: impl IntoIterator<Item = Tensor<D>>) -> Tensor<D> {
    let mut n_draws = 0;
    let log_sum = draws.into_iter().inspect(|_| n_draws += 1).reduce(log_add_exp);
    let log_sum = log_sum.expect("log_mean_exp: there must be at least one draw, got 0");
    log_sum.sub_scalar(f64::from(n_draws).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use burn_variational_dropout::{MaskRng, SiteDropout};

    /// Two draws of known logits, by the number of draws seen so far.
    fn predict(logits: [[f32; 2]; 2]) -> ClassificationPrediction<2> {
        let device = Device::flex();
        let mut draw = 0;
        MonteCarlo::new(2, MaskRng::seeded(1))
            .with_max_rows(1)
            .classification(1, |pass| {
                let _ = SiteDropout::new(0.5).sample([1, 1], pass.rng(), &device);
                draw += 1;
                Tensor::from_data([logits[draw - 1]], &device)
            })
            .unwrap()
    }

    #[test]
    fn probabilities_are_averaged_and_not_their_logarithms() {
        // softmax(log 9, 0) = (0.9, 0.1) and softmax(0, log 9) = (0.1, 0.9): by symmetry the mean
        // is ½ either way, so take (0.9, 0.1) and (0.5, 0.5): mean 0.7, geometric mean 0.67.
        let prediction = predict([[9_f32.ln(), 0.0], [0.0, 0.0]]);
        let probabilities: Vec<f32> = prediction.probabilities().into_data().try_to_vec().unwrap();
        assert!((probabilities[0] - 0.7).abs() < 1e-6, "{probabilities:?}");
        let variance: Vec<f32> = prediction.variance().into_data().try_to_vec().unwrap();
        assert!((variance[0] - 0.04).abs() < 1e-6, "{variance:?}");
        let class = Tensor::<1, Int>::from_data([1], &Device::flex());
        let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
        assert!((log_likelihood - 0.3_f32.ln()).abs() < 1e-6, "{log_likelihood}");
    }

    #[test]
    fn a_probability_under_the_smallest_float_keeps_its_logarithm() {
        let prediction = predict([[0.0, 200.0], [0.0, 200.0]]);
        let class = Tensor::<1, Int>::from_data([0], &Device::flex());
        let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
        assert!((log_likelihood + 200.0).abs() < 1e-3, "{log_likelihood}");
    }

    #[test]
    fn an_impossible_class_stays_impossible() {
        let prediction = predict([[0.0, f32::NEG_INFINITY], [0.0, f32::NEG_INFINITY]]);
        let probabilities: Vec<f32> = prediction.probabilities().into_data().try_to_vec().unwrap();
        assert_eq!(probabilities, [1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "ClassificationPrediction: classes must have dims [1], got [2]")]
    fn classes_for_other_rows_are_refused() {
        let classes = Tensor::<1, Int>::from_data([0, 1], &Device::flex());
        let _ = predict([[0.0, 0.0], [0.0, 0.0]]).log_likelihood(classes);
    }
}
