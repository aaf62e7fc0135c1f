//! The logarithm of averaged probabilities.

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Statistic;
use crate::accumulator::Accumulator;

/// The shift where the first draw is `-∞`: so low that any other draw exceeds it, and finite, for
/// `-∞ - -∞` is no number.
const IMPOSSIBLE: f64 = -1e30;

/// How far a draw may lie over the shift before it becomes the shift: so far that few do, and so
/// little that the logarithm of the sum rounds no more than the draws themselves.
const MARGIN: f64 = 1.0;

/// `log 1/K Σ_k exp(log p_k)`, element by element: the logarithm of averaged probabilities, which
/// is not the average of their logarithms. No draw is kept, and no probability underflows:
///
/// ```text
/// log 1/K Σ_k exp(log p_k) = s + log 1/K Σ_k exp(log p_k - s)
/// ```
///
/// for any shift `s`, here a draw that none exceeds by more than 1. The sum is as exact as that of
/// `f64` on every device.
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
    sum: Option<ShiftedSum<D>>,
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
        let sum = self.sum.as_ref();
        let sum = sum.expect("LogMeanExp: there must be at least one draw, got 0");
        sum.log_over(self.n_draws as f64)
    }
}

impl<const D: usize> Statistic<D> for LogMeanExp<D> {
    type Output = Tensor<D>;

    fn push(&mut self, draw: Tensor<D>) {
        self.n_draws += 1;
        match &mut self.sum {
            None => self.sum = Some(ShiftedSum::new(draw)),
            Some(sum) => sum.add(draw),
        }
    }

    fn merge(&mut self, other: Self) {
        self.n_draws += other.n_draws;
        match (&mut self.sum, other.sum) {
            (Some(sum), Some(other)) => sum.add_all(other),
            (sum, other) => *sum = sum.take().or(other),
        }
    }

    fn append_rows(&mut self, other: Self) {
        self.n_draws = other.n_draws;
        self.sum = match (self.sum.take(), other.sum) {
            (Some(above), Some(below)) => Some(above.append_rows(below)),
            (above, below) => above.or(below),
        };
    }

    fn finish(self) -> Tensor<D> {
        self.value()
    }
}

/// `Σ exp(x_k - s)`, and the shift `s`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ShiftedSum<const D: usize> {
    /// Of `f32`, whatever the draws: any shift will do.
    #[serde(deserialize_with = "in_f32")]
    shift: Tensor<D>,
    sum: Accumulator<D>,
    /// The type of the draws.
    dtype: FloatDType,
}

impl<const D: usize> ShiftedSum<D> {
    fn new(draw: Tensor<D>) -> Self {
        let shift = draw.clone().cast(FloatDType::F32).clamp_min(IMPOSSIBLE);
        let sum = Accumulator::new(&distance(&draw, &shift).exp());
        Self { shift, sum, dtype: draw.dtype().into() }
    }

    fn add(&mut self, draw: Tensor<D>) {
        let exceeds = distance(&draw, &self.shift).greater_elem(MARGIN);
        let shift = self.shift.clone().mask_where(exceeds, draw.clone().cast(FloatDType::F32));
        self.rise_to(shift);
        self.sum.add(distance(&draw, &self.shift).exp());
    }

    fn add_all(&mut self, mut other: Self) {
        let shift = self.shift.clone().max_pair(other.shift.clone());
        self.rise_to(shift.clone());
        other.rise_to(shift);
        self.sum.add_all(other.sum);
    }

    fn rise_to(&mut self, shift: Tensor<D>) {
        let stays = self.shift.clone().equal(shift.clone());
        // Where it stays the factor is 1, and not what a GPU has for exp(0).
        let [before, after] =
            [&self.shift, &shift].map(|shift| shift.clone().cast(exponent_type(self.dtype)));
        let factor = (before - after).exp().mask_fill(stays, 1.0);
        self.sum.scale(&factor);
        self.shift = shift;
    }

    /// `s + log(sum / n)`.
    fn log_over(&self, n: f64) -> Tensor<D> {
        let log = self.sum.over(n).log();
        (log.clone() + self.shift.clone().cast(log.dtype())).cast(self.dtype)
    }

    fn append_rows(self, other: Self) -> Self {
        let shift = Tensor::cat(vec![self.shift, other.shift], 0);
        Self { shift, sum: self.sum.append_rows(other.sum), dtype: self.dtype }
    }
}

/// The type that exponentials of draws of this one are made in: it, or `f32` at least.
fn exponent_type(draws: FloatDType) -> FloatDType {
    if draws == FloatDType::F64 { FloatDType::F64 } else { FloatDType::F32 }
}

/// How far a draw lies over a shift.
fn distance<const D: usize>(draw: &Tensor<D>, shift: &Tensor<D>) -> Tensor<D> {
    let dtype = exponent_type(draw.dtype().into());
    draw.clone().cast(dtype) - shift.clone().cast(dtype)
}

/// A tensor as it was saved: as such it would become one of the device's default type.
fn in_f32<'de, S: Deserializer<'de>, const D: usize>(saved: S) -> Result<Tensor<D>, S::Error> {
    let data = TensorData::deserialize(saved)?;
    Ok(Tensor::from_data(data, (&Device::default(), DType::F32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_mean_exp(draws: &[f32]) -> f32 {
        let mut mean = LogMeanExp::new();
        for &draw in draws {
            mean.push(Tensor::<1>::from_data([draw], &Device::flex()));
        }
        mean.finish().into_scalar()
    }

    #[test]
    fn the_largest_draws_count_wherever_they_come() {
        // By hand: log (e⁻⁶⁰ + e⁰) / 2, of which the first is nothing.
        for draws in [[-60.0, 0.0], [0.0, -60.0]] {
            assert!((log_mean_exp(&draws) + std::f32::consts::LN_2).abs() < 1e-6);
        }
    }

    #[test]
    fn impossible_draws_count_as_zeros() {
        let never = f32::NEG_INFINITY;
        assert_eq!(log_mean_exp(&[never, never]), never);
        for draws in [[never, 0.5_f32.ln()], [0.5_f32.ln(), never]] {
            assert!((log_mean_exp(&draws) - 0.25_f32.ln()).abs() < 1e-6);
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for strange in [f32::NAN, f32::INFINITY] {
            for draws in [[strange, 0.0], [0.0, strange]] {
                assert!(log_mean_exp(&draws).is_nan(), "{draws:?}");
            }
        }
    }

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
