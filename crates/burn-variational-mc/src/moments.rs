//! Mean and variance of a stream of draws.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Statistic;

/// The running mean and variance of tensors of equal dims, element by element.
///
/// ```text
/// m_k = m_{k-1} + (x_k - m_{k-1}) / k
/// S_k = S_{k-1} + (x_k - m_{k-1}) (x_k - m_k)
/// variance = S_K / K
/// ```
///
/// Equal draws have a variance of exactly 0.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::{Moments, Statistic};
///
/// let mut moments = Moments::new();
/// for value in [1.0, 3.0] {
///     moments.push(Tensor::<1>::from_data([value], &Device::flex()));
/// }
/// assert_eq!(moments.mean().into_scalar::<f32>(), 2.0);
/// assert_eq!(moments.variance().into_scalar::<f32>(), 1.0);
/// ```
///
/// # References
///
/// B. P. Welford, *Note on a Method for Calculating Corrected Sums of Squares and Products*, 1962;
/// merging as Tony Chan, Gene Golub and Randall LeVeque, *Updating Formulae and a Pairwise
/// Algorithm for Computing Sample Variances*, 1979.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Moments<const D: usize> {
    count: usize,
    /// Mean and sum of squared deviations.
    sums: Option<(Tensor<D>, Tensor<D>)>,
}

impl<const D: usize> Moments<D> {
    /// Of no draw yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of draws.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mean of the draws.
    ///
    /// # Panics
    ///
    /// If there was no draw.
    pub fn mean(&self) -> Tensor<D> {
        self.sums().0.clone()
    }

    /// The variance of the draws, `1/K Σ (x_k - mean)²`.
    ///
    /// # Panics
    ///
    /// If there was no draw.
    pub fn variance(&self) -> Tensor<D> {
        self.sums().1.clone().div_scalar(self.count as f64)
    }

    fn sums(&self) -> &(Tensor<D>, Tensor<D>) {
        self.sums.as_ref().expect("Moments: there must be at least one draw, got 0")
    }
}

/// Gives itself.
impl<const D: usize> Statistic<D> for Moments<D> {
    type Output = Self;

    fn push(&mut self, draw: Tensor<D>) {
        self.count += 1;
        self.sums = Some(match self.sums.take() {
            None => (draw.clone(), draw.zeros_like()),
            Some((mean, deviations)) => {
                let before = draw.clone() - mean.clone();
                let mean = mean + before.clone().div_scalar(self.count as f64);
                let deviations = deviations + before * (draw - mean.clone());
                (mean, deviations)
            }
        });
    }

    fn merge(&mut self, other: Self) {
        let (Some((mean, deviations)), Some((other_mean, other_deviations))) =
            (self.sums.clone(), other.sums.clone())
        else {
            if self.sums.is_none() {
                *self = other;
            }
            return;
        };
        let (n, m) = (self.count as f64, other.count as f64);
        let between = other_mean - mean.clone();
        self.count += other.count;
        self.sums = Some((
            mean + between.clone().mul_scalar(m / (n + m)),
            deviations + other_deviations + between.square().mul_scalar(n * m / (n + m)),
        ));
    }

    fn append_rows(&mut self, other: Self) {
        self.count = other.count;
        let (means, deviations) = [self.sums.take(), other.sums].into_iter().flatten().unzip();
        self.sums = Some((Tensor::cat(means, 0), Tensor::cat(deviations, 0)));
    }

    fn finish(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn moments(draws: &[f32]) -> Moments<1> {
        let mut moments = Moments::new();
        for &draw in draws {
            moments.push(Tensor::from_data([draw], &Device::flex()));
        }
        moments
    }

    #[test]
    fn equal_draws_have_no_variance() {
        let moments = moments(&[0.1; 7]);
        assert_eq!(moments.mean().into_scalar::<f32>().to_bits(), 0.1_f32.to_bits());
        assert_eq!(moments.variance().into_scalar::<f32>().to_bits(), 0.0_f32.to_bits());
    }

    #[test]
    fn streams_merge_into_the_stream_of_all() {
        let mut merged = moments(&[1.0, 2.0, 6.0]);
        merged.merge(moments(&[3.0, 8.0]));
        merged.merge(Moments::new());
        // By hand: mean 4, squared deviations 9 + 4 + 4 + 1 + 16 = 34.
        assert_eq!(merged.count(), 5);
        assert!((merged.mean().into_scalar::<f32>() - 4.0).abs() < 1e-6);
        assert!((merged.variance().into_scalar::<f32>() - 6.8).abs() < 1e-5);
    }

    #[test]
    #[should_panic(expected = "Moments: there must be at least one draw, got 0")]
    fn no_draw_has_no_mean() {
        let _ = Moments::<1>::new().mean();
    }
}
