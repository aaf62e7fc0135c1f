//! The logarithm of averaged probabilities.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Statistic;

/// `log 1/K Σ_k exp(log p_k)`, element by element: the logarithm of averaged probabilities, which
/// is not the average of their logarithms. No draw is kept, and no probability underflows.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::{LogMeanExp, Statistic};
///
/// let mut mean = LogMeanExp::new();
/// for p in [0.2_f32, 0.4] {
///     mean.push(Tensor::<1>::from_data([p.ln()], &Device::flex()));
/// }
/// assert!((mean.finish().exp().into_scalar::<f32>() - 0.3).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LogMeanExp<const D: usize> {
    n_draws: usize,
    /// `log Σ_k exp(log p_k)`.
    log_sum: Option<Tensor<D>>,
}

impl<const D: usize> LogMeanExp<D> {
    /// Of no draw yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of draws.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// The logarithm of the mean of the draws so far.
    ///
    /// # Panics
    ///
    /// If there was none.
    pub fn value(&self) -> Tensor<D> {
        let log_sum = self.log_sum.clone();
        let log_sum = log_sum.expect("LogMeanExp: there must be at least one draw, got 0");
        log_sum.sub_scalar((self.n_draws as f64).ln())
    }

    fn add(&mut self, n_draws: usize, log_sum: Tensor<D>) {
        self.n_draws += n_draws;
        self.log_sum = Some(match self.log_sum.take() {
            None => log_sum,
            Some(sum) => log_add_exp(sum, log_sum),
        });
    }
}

impl<const D: usize> Statistic<D> for LogMeanExp<D> {
    type Output = Tensor<D>;

    fn push(&mut self, draw: Tensor<D>) {
        self.add(1, draw);
    }

    fn merge(&mut self, other: Self) {
        if let Some(log_sum) = other.log_sum {
            self.add(other.n_draws, log_sum);
        }
    }

    fn append_rows(&mut self, other: Self) {
        self.n_draws = other.n_draws;
        let parts = [self.log_sum.take(), other.log_sum];
        self.log_sum = Some(Tensor::cat(parts.into_iter().flatten().collect(), 0));
    }

    fn finish(self) -> Tensor<D> {
        self.value()
    }
}

/// `log(eᵃ + eᵇ)`, without overflow, and without `∞ - ∞` where both are impossible.
fn log_add_exp<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    let equal = a.clone().equal(b.clone());
    let larger = a.clone().max_pair(b.clone());
    let distance = (a - b).abs().mask_fill(equal, 0.0);
    larger + distance.neg().exp().log1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    #[should_panic(expected = "LogMeanExp: there must be at least one draw, got 0")]
    fn no_draw_has_no_mean() {
        let _ = LogMeanExp::<1>::new().value();
    }

    #[test]
    fn what_was_saved_merges_with_what_was_not() {
        let draw = |p: f32| Tensor::<1>::from_data([p.ln()], &Device::flex());
        let (mut whole, mut part, mut rest) =
            (LogMeanExp::new(), LogMeanExp::new(), LogMeanExp::new());
        for p in [0.1, 0.2, 0.6] {
            whole.push(draw(p));
        }
        part.push(draw(0.1));
        rest.push(draw(0.2));
        rest.push(draw(0.6));
        let saved = serde_json::to_string(&part).unwrap();
        let mut merged: LogMeanExp<1> = serde_json::from_str(&saved).unwrap();
        merged.merge(rest);
        assert_eq!(merged.n_draws(), 3);
        let [merged, whole] = [merged, whole].map(|mean| mean.finish().into_scalar::<f32>());
        // By hand: log 0.3; a rounding of each logarithm.
        assert!((merged - 0.3_f32.ln()).abs() < 1e-6 && (whole - 0.3_f32.ln()).abs() < 1e-6);
    }
}
