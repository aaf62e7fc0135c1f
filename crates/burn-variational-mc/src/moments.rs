//! Mean and variance of a stream of draws.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::{EarlyStop, Statistic};

/// The running mean and variance of tensors of equal dims, element by element.
///
/// ```text
/// m_k = m_{k-1} + (x_k - m_{k-1}) / k
/// S_k = S_{k-1} + (x_k - m_{k-1}) (x_k - m_k)
/// variance = S_K / K
/// ```
///
/// Equal draws have a variance of exactly 0. The sums are as exact as those of `f64` on every device,
/// in `f64` itself where the device has it: the error of ten thousand draws is that of one `f32`.
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
/// assert_eq!(moments.standard_error().into_scalar::<f32>(), 1.0);
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
    sums: Option<Sums<D>>,
}

/// Mean and sum of squared deviations.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sums<const D: usize> {
    mean: Accumulator<D>,
    deviations: Accumulator<D>,
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

    /// The mean of the draws, in their float type.
    ///
    /// # Panics
    ///
    /// If there was no draw.
    pub fn mean(&self) -> Tensor<D> {
        self.sums().mean.value()
    }

    /// The variance of the draws, `1/K Σ (x_k - mean)²`.
    ///
    /// # Panics
    ///
    /// If there was no draw.
    pub fn variance(&self) -> Tensor<D> {
        self.sums().deviations.over(self.count as f64)
    }

    /// The standard error of the mean, `√(1/(K (K - 1)) Σ (x_k - mean)²)`: how far the mean of so
    /// many draws lies from that of all there could be.
    ///
    /// # Panics
    ///
    /// If there were not two draws.
    pub fn standard_error(&self) -> Tensor<D> {
        assert!(
            self.count > 1,
            "Moments: there must be at least two draws for a standard error, got {}",
            self.count
        );
        let n = self.count as f64;
        self.sums().deviations.over(n * (n - 1.0)).sqrt()
    }

    fn sums(&self) -> &Sums<D> {
        self.sums.as_ref().expect("Moments: there must be at least one draw, got 0")
    }
}

/// Gives itself.
impl<const D: usize> Statistic<D> for Moments<D> {
    type Output = Self;

    fn push(&mut self, draw: Tensor<D>) {
        self.count += 1;
        let Some(Sums { mean, deviations }) = &mut self.sums else {
            let deviations = Accumulator::new(&draw.zeros_like());
            self.sums = Some(Sums { mean: Accumulator::new(&draw), deviations });
            return;
        };
        let before = mean.distance_to(&draw);
        mean.add(before.clone().div_scalar(self.count as f64));
        deviations.add(before * mean.distance_to(&draw));
    }

    fn merge(&mut self, other: Self) {
        let (n, m) = (self.count as f64, other.count as f64);
        self.count += other.count;
        let Some(others) = other.sums else { return };
        let Some(Sums { mean, deviations }) = &mut self.sums else {
            self.sums = Some(others);
            return;
        };
        let between = mean.distance_to_all(&others.mean);
        mean.add(between.clone().mul_scalar(m / (n + m)));
        deviations.add_all(others.deviations);
        deviations.add((between.clone() * between).mul_scalar(n * m / (n + m)));
    }

    fn append_rows(&mut self, other: Self) {
        self.count = other.count;
        self.sums = match (self.sums.take(), other.sums) {
            (Some(above), Some(below)) => Some(Sums {
                mean: above.mean.append_rows(below.mean),
                deviations: above.deviations.append_rows(below.deviations),
            }),
            (above, below) => above.or(below),
        };
    }

    fn is_settled(&self, stop: &EarlyStop) -> Option<bool> {
        Some(stop.is_met(self.mean(), self.standard_error()))
    }

    fn finish(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, FloatDType};

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

    /// As on a device without `f64`.
    fn in_f32(draws: &[f32]) -> Moments<1> {
        let [first, zero] = [draws[0], 0.0].map(|x| Tensor::from_data([x], &Device::flex()));
        let [mean, deviations] = [first, zero].map(|x| Accumulator::summed_in(FloatDType::F32, &x));
        let mut moments = Moments { count: 1, sums: Some(Sums { mean, deviations }) };
        for &draw in &draws[1..] {
            moments.push(Tensor::from_data([draw], &Device::flex()));
        }
        moments
    }

    #[test]
    fn many_draws_of_a_large_mean_are_as_exact_without_f64() {
        let draws: Vec<f32> = (0..10_000).map(|k| 1000.0 + 0.1 * (k as f32).sin()).collect();
        let (half, rest) = draws.split_at(3000);
        let mut moments = in_f32(half);
        moments.merge(in_f32(rest));
        let mean_of = |f: &dyn Fn(f64) -> f64| {
            draws.iter().map(|&x| f(f64::from(x))).sum::<f64>() / draws.len() as f64
        };
        let mean = mean_of(&|x| x);
        let variance = mean_of(&|x| (x - mean).powi(2));
        let [got_mean, got_variance] = [moments.mean(), moments.variance()]
            .map(|moment| f64::from(moment.into_scalar::<f32>()));
        assert!((got_mean / mean - 1.0).abs() < 1e-7, "{got_mean} for {mean}");
        assert!((got_variance / variance - 1.0).abs() < 1e-6, "{got_variance} for {variance}");
    }

    #[test]
    fn the_standard_error_is_that_of_the_mean() {
        // By hand: squared deviations 34 of 5 draws, √(34 / 20).
        let error = moments(&[1.0, 2.0, 6.0, 3.0, 8.0]).standard_error().into_scalar::<f32>();
        assert!((f64::from(error) - 1.7_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    #[should_panic(
        expected = "Moments: there must be at least two draws for a standard error, got 1"
    )]
    fn one_draw_has_no_standard_error() {
        let _ = moments(&[1.0]).standard_error();
    }

    #[test]
    #[should_panic(expected = "Moments: there must be at least one draw, got 0")]
    fn no_draw_has_no_mean() {
        let _ = Moments::<1>::new().mean();
    }
}
