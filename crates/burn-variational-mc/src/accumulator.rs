//! Sums of many tensors, as exact as those of `f64`.

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// A tensor that is added to many times and rounds as `f64` would: an `f64` tensor where the device
/// has that type, and elsewhere the sum of two of `f32`. Nothing leaves the device, and nothing is
/// made of `f64` but sums, products and quotients: shaders have no exponentials of it.
///
/// # References
///
/// Donald Knuth, *The Art of Computer Programming*, volume 2, 4.2.2, theorem B: the error of a sum
/// is a number of its type. Arnold Neumaier, *Rundungsfehleranalyse einiger Verfahren zur Summation
/// endlicher Summen*, 1974: adding the errors up beside the sum.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Saved", from = "Saved")]
pub(crate) struct Accumulator<const D: usize> {
    sum: Tensor<D>,
    /// What the roundings of `sum` left over; none where it is of `f64`.
    rest: Option<Tensor<D>>,
    /// The type of what is added, and of the values given back.
    dtype: FloatDType,
}

impl<const D: usize> Accumulator<D> {
    /// Of one tensor.
    pub(crate) fn new(first: &Tensor<D>) -> Self {
        Self::summed_in(summing_type(&first.device()), first)
    }

    /// Of one tensor, and summed in this type.
    pub(crate) fn summed_in(dtype: FloatDType, first: &Tensor<D>) -> Self {
        let sum = first.clone().cast(dtype);
        let rest = (dtype != FloatDType::F64).then(|| sum.zeros_like());
        Self { sum, rest, dtype: first.dtype().into() }
    }

    /// Adds a tensor.
    pub(crate) fn add(&mut self, term: Tensor<D>) {
        let term = term.cast(self.sum.dtype());
        let Some(rest) = self.rest.take() else {
            self.sum = self.sum.clone() + term;
            return;
        };
        let (sum, error) = two_sum(self.sum.clone(), term);
        self.sum = sum;
        self.rest = Some(rest + error);
    }

    /// Adds all that was added to another.
    pub(crate) fn add_all(&mut self, other: Self) {
        self.add(other.sum);
        if let Some(rest) = other.rest {
            self.add(rest);
        }
    }

    /// Multiplies by a factor for each element.
    pub(crate) fn scale(&mut self, factor: &Tensor<D>) {
        let factor = factor.clone().cast(self.sum.dtype());
        self.rest = self.rest.take().map(|rest| rest * factor.clone());
        self.sum = self.sum.clone() * factor;
    }

    /// How far a tensor lies above this one, in the type that is summed in.
    pub(crate) fn distance_to(&self, tensor: &Tensor<D>) -> Tensor<D> {
        let distance = tensor.clone().cast(self.sum.dtype()) - self.sum.clone();
        match &self.rest {
            None => distance,
            Some(rest) => rounded(distance) - rest.clone(),
        }
    }

    /// How far another lies above this one, in the type that is summed in.
    pub(crate) fn distance_to_all(&self, other: &Self) -> Tensor<D> {
        let distance = self.distance_to(&other.sum);
        match &other.rest {
            None => distance,
            Some(rest) => distance + rest.clone(),
        }
    }

    /// The sum over a number, in the type of what was added.
    pub(crate) fn over(&self, divisor: f64) -> Tensor<D> {
        let sum = match &self.rest {
            None => self.sum.clone(),
            Some(rest) => self.sum.clone() + rest.clone(),
        };
        sum.div_scalar(divisor).cast(self.dtype)
    }

    /// The sum, in the type of what was added.
    pub(crate) fn value(&self) -> Tensor<D> {
        self.over(1.0)
    }

    /// Those of the rows that follow, after these.
    pub(crate) fn append_rows(self, other: Self) -> Self {
        let cat = |above, below| Tensor::cat(vec![above, below], 0);
        Self {
            sum: cat(self.sum, other.sum),
            rest: self.rest.zip(other.rest).map(|(above, below)| cat(above, below)),
            dtype: self.dtype,
        }
    }
}

/// The type that sums are made in on a device.
fn summing_type(device: &Device) -> FloatDType {
    if device.supports_dtype(FloatDType::F64) { FloatDType::F64 } else { FloatDType::F32 }
}

/// `a + b` rounded, and what the rounding left over, exactly.
fn two_sum<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
    let sum = rounded(a.clone() + b.clone());
    let of_b = rounded(sum.clone() - a.clone());
    let of_a = rounded(sum.clone() - of_b.clone());
    (sum, (a - of_a) + (b - of_b))
}

/// A tensor as it is in memory. A GPU's compiler that saw the sums of [`two_sum`] in one kernel might
/// take `(a + b) - a` for `b`, as WGSL and fast Metal allow; to flip no axis is a copy that Burn fuses
/// with nothing, so that no kernel holds two of them.
fn rounded<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    tensor.flip([0_usize; 0])
}

/// An accumulator in a file: as `f64`, which holds it wherever it was made and goes on.
#[derive(Serialize, Deserialize)]
struct Saved {
    values: TensorData,
    dtype: FloatDType,
}

impl<const D: usize> From<Accumulator<D>> for Saved {
    fn from(accumulator: Accumulator<D>) -> Self {
        let Accumulator { sum, rest, dtype } = accumulator;
        let dims = sum.dims();
        let mut values: Vec<f64> = sum.into_data().iter::<f64>().collect();
        if let Some(rest) = rest {
            for (value, rest) in values.iter_mut().zip(rest.into_data().iter::<f64>()) {
                *value += rest;
            }
        }
        Self { values: TensorData::new(values, dims), dtype }
    }
}

impl Saved {
    /// On the default device, summed in this type.
    fn summed_in<const D: usize>(self, dtype: FloatDType) -> Accumulator<D> {
        let on_device = |data| Tensor::from_data(data, (&Device::default(), DType::from(dtype)));
        let rest = (dtype != FloatDType::F64).then(|| {
            let sum = self.values.clone().convert::<f32>();
            let pairs = self.values.iter::<f64>().zip(sum.iter::<f64>());
            let left: Vec<f64> = pairs.map(|(value, sum)| value - sum).collect();
            on_device(TensorData::new(left, self.values.shape()))
        });
        Accumulator { sum: on_device(self.values), rest, dtype: self.dtype }
    }
}

impl<const D: usize> From<Saved> for Accumulator<D> {
    fn from(saved: Saved) -> Self {
        saved.summed_in(summing_type(&Device::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a unit in the last place of `f32`, once for the value that is given back.
    const ROUNDING: f64 = 6e-8;

    const KINDS: [FloatDType; 2] = [FloatDType::F64, FloatDType::F32];

    fn tensor(value: f32) -> Tensor<1> {
        Tensor::from_data([value], &Device::flex())
    }

    /// Either kind, on a device that has both types.
    fn both(first: f32) -> [Accumulator<1>; 2] {
        KINDS.map(|dtype| Accumulator::summed_in(dtype, &tensor(first)))
    }

    fn value(accumulator: &Accumulator<1>) -> f64 {
        f64::from(accumulator.value().into_scalar::<f32>())
    }

    #[test]
    fn small_terms_are_not_lost_beside_a_large_sum() {
        for mut accumulator in both(16_777_216.0) {
            for _ in 0..1000 {
                accumulator.add(tensor(0.25));
            }
            assert_eq!(value(&accumulator), 16_777_466.0, "{accumulator:?}");
            accumulator.add(tensor(-16_777_216.0));
            assert_eq!(value(&accumulator), 250.0);
            assert_eq!(accumulator.over(4.0).into_scalar::<f32>(), 62.5);
        }
    }

    #[test]
    fn distances_see_what_the_sum_could_not_hold() {
        let [in_f64, in_f32] = both(1000.0).map(|mut accumulator| {
            accumulator.add(tensor(1e-5));
            accumulator
        });
        for accumulator in [&in_f64, &in_f32] {
            let distance = accumulator.distance_to(&tensor(1000.0)).into_data();
            let distance = distance.iter::<f64>().next().unwrap();
            assert!((distance + 1e-5).abs() <= 1e-5 * ROUNDING, "{distance}");
        }
        let between = in_f32.distance_to_all(&both(1000.0)[1]).into_scalar::<f32>();
        assert_eq!(between, -1e-5);
    }

    #[test]
    fn accumulators_add_and_scale_with_what_is_left_over() {
        for (mut one, other) in both(1000.0).into_iter().zip(both(1e-5)) {
            one.add_all(other);
            one.scale(&tensor(2.0));
            one.add(tensor(-2000.0));
            assert!((value(&one) - 2e-5).abs() <= 2e-5 * ROUNDING, "{one:?}");
        }
    }

    #[test]
    fn what_was_saved_is_as_exact_where_it_is_read() {
        for mut accumulator in both(1000.0) {
            accumulator.add(tensor(1e-5));
            let saved = serde_json::to_string(&accumulator).unwrap();
            for dtype in KINDS {
                let saved: Saved = serde_json::from_str(&saved).unwrap();
                let mut read: Accumulator<1> = saved.summed_in(dtype);
                read.add(tensor(-1000.0));
                // 1000 + 1e-5 in `f64` is off by 6e-14 at most, the value in `f32` by 5e-13.
                assert!((value(&read) - 1e-5).abs() <= 1e-12, "{accumulator:?} as {read:?}");
            }
        }
    }

    #[test]
    fn values_come_back_in_the_type_of_what_was_added() {
        for dtype in KINDS {
            let half = tensor(1.5).cast(FloatDType::F16);
            let mut accumulator = Accumulator::summed_in(dtype, &half);
            accumulator.add(half);
            assert_eq!(accumulator.value().dtype(), DType::F16);
            assert_eq!(value(&accumulator), 3.0);
        }
    }
}
