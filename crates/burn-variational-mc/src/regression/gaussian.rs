//! A Gaussian for each value: what two heads of a network predict, and its likelihood.

use std::f64::consts::TAU;

use burn::tensor::Tensor;

/// A mean and a log variance `s = log σ²` for each value, as a network with two heads predicts them.
///
/// ```text
/// -log N(y; m, σ²) = ½ s + ½ exp(-s) (y - m)² + ½ log 2π
/// ```
///
/// The second head predicts `s`, which any number may be, and not the variance, which may not be 0
/// or less. Monte Carlo takes models whose output is one tensor: their last dimension holds the
/// means of all outputs and then their log variances, `[n_rows, .., 2 n_outputs]`, as one
/// `burn::nn::Linear` of twice the outputs gives them or [`into_tensor`](Self::into_tensor) joins
/// them.
///
/// # Training
///
/// [`negative_log_likelihood`](Self::negative_log_likelihood) is `-log p` itself and not its
/// `½ (y - ŷ)²`, which is divided by τ: the precision is in it. The precision of the prior,
/// [`DropoutPrior`](burn_variational_dropout::DropoutPrior), is then 1, in every λ of the KL term,
/// and its terms are the values of the mean. (`burn::nn::loss::GaussianNLLLoss` takes the variance,
/// and keeps it away from 0 by a clamp.)
///
/// A fixed τ that is fitted after training was not the τ of the λ that it was trained with. Train
/// anew with it until it stays what it was, or let the second head predict it.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::GaussianOutput;
///
/// // One row, one output: mean 1 and log variance 0, and what was observed.
/// let output = Tensor::<2>::from_data([[1.0, 0.0]], &Device::flex());
/// let targets = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let loss = GaussianOutput::from_tensor(output).negative_log_likelihood(targets).mean();
/// assert!((loss.into_scalar::<f32>() - (2.0 + 0.918_939)).abs() < 1e-6);
/// ```
///
/// # References
///
/// Alex Kendall and Yarin Gal, *What Uncertainties Do We Need in Bayesian Deep Learning for Computer
/// Vision?*, 2017, arXiv 1703.04977, eqs. 5 and 8.
#[derive(Debug, Clone)]
pub struct GaussianOutput<const D: usize> {
    /// `m`, `[n_rows, .., n_outputs]`.
    pub mean: Tensor<D>,
    /// `s = log σ²`, `[n_rows, .., n_outputs]`.
    pub log_variance: Tensor<D>,
}

impl<const D: usize> GaussianOutput<D> {
    /// Of an output whose last dimension holds means and then log variances.
    ///
    /// # Shapes
    ///
    /// - output: `[n_rows, .., 2 n_outputs]`
    ///
    /// # Panics
    ///
    /// If the last dimension is odd.
    pub fn from_tensor(output: Tensor<D>) -> Self {
        let dims = output.dims();
        assert!(
            dims[D - 1].is_multiple_of(2),
            "GaussianOutput: the last dimension must hold a log variance for each mean, got {dims:?}"
        );
        let n_outputs = dims[D - 1] / 2;
        let mean = output.clone().slice_dim(D - 1, 0..n_outputs);
        let log_variance = output.slice_dim(D - 1, n_outputs..2 * n_outputs);
        Self { mean, log_variance }
    }

    /// The output that [`from_tensor`](Self::from_tensor) takes apart.
    ///
    /// # Panics
    ///
    /// If mean and log variance have other dims.
    pub fn into_tensor(self) -> Tensor<D> {
        self.check();
        Tensor::cat(vec![self.mean, self.log_variance], D - 1)
    }

    /// `-log N(y; m, σ²)` of each value: a loss to take the mean of, over the values that count.
    ///
    /// # Shapes
    ///
    /// - targets, output: `[n_rows, .., n_outputs]`
    ///
    /// # Panics
    ///
    /// If mean, log variance and targets do not have the same dims.
    pub fn negative_log_likelihood(self, targets: Tensor<D>) -> Tensor<D> {
        self.check();
        let dims = self.mean.dims();
        assert!(
            targets.dims() == dims,
            "GaussianOutput: targets must have dims {dims:?}, got {:?}",
            targets.dims()
        );
        let precision = self.log_variance.clone().neg().exp();
        log_density(targets - self.mean, precision, self.log_variance).neg()
    }

    fn check(&self) {
        let (mean, log_variance) = (self.mean.dims(), self.log_variance.dims());
        assert!(
            mean == log_variance,
            "GaussianOutput: log_variance must have the dims {mean:?} of mean, got {log_variance:?}"
        );
    }
}

/// `log N = -½ (log σ² + τ (y - m)² + log 2π)` at this distance `y - m`, with `τ = 1/σ²`; the dims of
/// precision and variance may be 1 where they are the same for all.
pub(super) fn log_density<const D: usize>(
    distance: Tensor<D>,
    precision: Tensor<D>,
    log_variance: Tensor<D>,
) -> Tensor<D> {
    (distance.square() * precision + log_variance).add_scalar(TAU.ln()).mul_scalar(-0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn tensor<const N: usize>(values: [f32; N]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    #[test]
    fn an_output_is_taken_apart_and_joined_again() {
        let joined =
            Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], &Device::flex());
        let output = GaussianOutput::from_tensor(joined.clone());
        let log_variance: Vec<f32> = output.log_variance.clone().into_data().try_to_vec().unwrap();
        assert_eq!(log_variance, [3.0, 4.0, 7.0, 8.0]);
        assert_eq!(output.into_tensor().into_data(), joined.into_data());
    }

    #[test]
    fn the_gradient_of_the_loss_is_that_of_its_equation() {
        let device = Device::flex().autodiff();
        let at = |value: f32| Tensor::<1>::from_data([value], &device);
        let (m, s, y) = (0.5_f32, -0.7_f32, 1.75_f32);
        let (mean, log_variance) = (at(m).require_grad(), at(s).require_grad());
        let output = GaussianOutput { mean: mean.clone(), log_variance: log_variance.clone() };
        let gradients = output.negative_log_likelihood(at(y)).backward();
        // ∂/∂m = -exp(-s) (y - m), ∂/∂s = ½ - ½ exp(-s) (y - m)².
        let expected = [-(-s).exp() * (y - m), 0.5 - 0.5 * (-s).exp() * (y - m).powi(2)];
        for (parameter, expected) in [mean, log_variance].into_iter().zip(expected) {
            let got = parameter.grad(&gradients).unwrap().into_scalar::<f32>();
            assert!((got - expected).abs() < 1e-6, "{got}, not {expected}");
        }
    }

    #[test]
    #[should_panic(expected = "must hold a log variance for each mean, got [3]")]
    fn a_mean_without_a_log_variance_is_refused() {
        let _ = GaussianOutput::from_tensor(tensor([0.0; 3]));
    }

    #[test]
    #[should_panic(expected = "GaussianOutput: targets must have dims [2], got [1]")]
    fn targets_of_other_dims_are_refused() {
        let output = GaussianOutput { mean: tensor([0.0; 2]), log_variance: tensor([0.0; 2]) };
        let _ = output.negative_log_likelihood(tensor([0.0]));
    }

    #[test]
    #[should_panic(expected = "log_variance must have the dims [2] of mean, got [1]")]
    fn a_log_variance_of_other_dims_is_refused() {
        let output = GaussianOutput { mean: tensor([0.0; 2]), log_variance: tensor([0.0]) };
        let _ = output.into_tensor();
    }
}
