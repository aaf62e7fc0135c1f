//! Predictions over classes: probabilities averaged, never their logarithms.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use crate::{Moments, MonteCarlo, MonteCarloError, Pass};

/// The predictive distribution over classes of every row.
#[derive(Debug, Clone)]
pub struct ClassificationPrediction {
    log_probabilities: Tensor<2>,
    variance: Tensor<2>,
}

impl ClassificationPrediction {
    /// `p(y) = 1/K Σ_k softmax(logits_k)`, `[n_rows, n_classes]`.
    pub fn probabilities(&self) -> Tensor<2> {
        self.log_probabilities.clone().exp()
    }

    /// `log p(y)`, `[n_rows, n_classes]`: the logarithm of the averaged probabilities, by
    /// log-sum-exp, so that no probability underflows.
    pub fn log_probabilities(&self) -> Tensor<2> {
        self.log_probabilities.clone()
    }

    /// The variance of the probabilities over the draws, `[n_rows, n_classes]`.
    pub fn variance(&self) -> Tensor<2> {
        self.variance.clone()
    }

    /// `log p(y)` of the class of every row, `[n_rows]`.
    ///
    /// # Panics
    ///
    /// If there is another number of classes than rows.
    pub fn log_likelihood(&self, classes: Tensor<1, Int>) -> Tensor<1> {
        let ([n_rows, _], [n_classes]) = (self.log_probabilities.dims(), classes.dims());
        assert!(
            n_classes == n_rows,
            "ClassificationPrediction: classes must be one for each of {n_rows} rows, got \
             {n_classes}"
        );
        self.log_probabilities.clone().gather(1, classes.unsqueeze_dim(1)).squeeze_dim(1)
    }
}

/// The sums a prediction over classes is made of.
struct Classes {
    /// `log Σ_k p_k`.
    log_sum: Option<Tensor<2>>,
    moments: Moments<2>,
}

impl MonteCarlo {
    /// Predicts classes from the logits `[batch_size, n_classes]` of a model.
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
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
    pub fn classification(
        &self,
        n_rows: usize,
        forward: impl FnMut(&Pass) -> Tensor<2>,
    ) -> Result<ClassificationPrediction, MonteCarloError> {
        let new = || Classes { log_sum: None, moments: Moments::new() };
        let blocks = self.accumulate(n_rows, new, forward, |classes, logits| {
            let log_probabilities = log_softmax(logits, 1);
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

/// `log(eᵃ + eᵇ)`, without overflow.
pub(crate) fn log_add_exp<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    let larger = a.clone().max_pair(b.clone());
    larger + (a - b).abs().neg().exp().log1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use burn_variational_dropout::{MaskRng, SiteDropout};

    /// Two draws of known logits, by the number of draws seen so far.
    fn predict(logits: [[f32; 2]; 2]) -> ClassificationPrediction {
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
        let class = Tensor::from_data([1], &Device::flex());
        let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
        assert!((log_likelihood - 0.3_f32.ln()).abs() < 1e-6, "{log_likelihood}");
    }

    #[test]
    fn a_probability_under_the_smallest_float_keeps_its_logarithm() {
        let prediction = predict([[0.0, 200.0], [0.0, 200.0]]);
        let class = Tensor::from_data([0], &Device::flex());
        let log_likelihood = prediction.log_likelihood(class).into_scalar::<f32>();
        assert!((log_likelihood + 200.0).abs() < 1e-3, "{log_likelihood}");
    }

    #[test]
    #[should_panic(expected = "classes must be one for each of 1 rows, got 2")]
    fn classes_for_other_rows_are_refused() {
        let classes = Tensor::from_data([0, 1], &Device::flex());
        let _ = predict([[0.0, 0.0], [0.0, 0.0]]).log_likelihood(classes);
    }
}
