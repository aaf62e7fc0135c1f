//! The Gaussian noise of what is observed: given or predicted.

use std::ops::Range;

use burn::tensor::{Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

use super::gaussian::{GaussianOutput, log_density};
use crate::scored::fold_rows;

/// The precision `τ = 1/σ²` of observations, an inverse variance: a number, or a tensor with one for
/// each output, step or row, whose other dims are 1.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::Precision;
///
/// // The same everywhere, and one for each of two outputs of `[n_rows, seq_length, 2]`.
/// let everywhere: Precision<3> = 100.0.into();
/// let outputs: Precision<3> = Tensor::from_data([[[100.0, 25.0]]], &Device::flex()).into();
/// # let _ = (everywhere, outputs);
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Precision<const D: usize>(Value<D>);

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Value<const D: usize> {
    Number(f64),
    Tensor(Box<Tensor<D>>),
}

impl<const D: usize> From<f64> for Precision<D> {
    /// # Panics
    ///
    /// If it is not positive and finite.
    fn from(precision: f64) -> Self {
        check(precision);
        Self(Value::Number(precision))
    }
}

impl<const D: usize> From<Tensor<D>> for Precision<D> {
    /// Waits for the values.
    ///
    /// # Panics
    ///
    /// If one of them is not positive and finite.
    fn from(precision: Tensor<D>) -> Self {
        precision.to_data().iter::<f64>().for_each(check);
        Self(Value::Tensor(Box::new(precision)))
    }
}

fn check(precision: f64) {
    assert!(
        precision > 0.0 && precision.is_finite(),
        "Precision: must be positive and finite, got {precision}"
    );
}

impl<const D: usize> Precision<D> {
    /// The variance `1/τ` of each of these values.
    pub(super) fn variance_of(&self, values: &Tensor<D>) -> Tensor<D> {
        match &self.0 {
            Value::Number(precision) => values.full_like(1.0 / precision),
            Value::Tensor(_) => self.tensor_for(values).recip().expand(values.dims()),
        }
    }

    /// `τ` as a tensor of the values' float type, whose dims are 1 or theirs.
    ///
    /// # Panics
    ///
    /// If they are others.
    pub(super) fn tensor_for(&self, values: &Tensor<D>) -> Tensor<D> {
        match &self.0 {
            Value::Number(precision) => {
                Tensor::full([1; D], *precision, (&values.device(), values.dtype()))
            }
            Value::Tensor(precision) => {
                let (dims, of_values) = (precision.dims(), values.dims());
                assert!(
                    dims.iter()
                        .zip(of_values)
                        .all(|(&dim, of_values)| dim == 1 || dim == of_values),
                    "Precision: each dim must be 1 or that of the values, {of_values:?}, got {dims:?}"
                );
                Tensor::clone(precision).cast(FloatDType::from(values.dtype()))
            }
        }
    }

    /// That of these rows, once for each draw.
    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        match &self.0 {
            Value::Tensor(precision) if precision.dims()[0] > 1 => {
                Self(Value::Tensor(Box::new(fold_rows(precision, rows, n_draws))))
            }
            _ => self.clone(),
        }
    }

    fn to_device(&self, device: &Device) -> Self {
        match &self.0 {
            Value::Number(_) => self.clone(),
            Value::Tensor(precision) => {
                Self(Value::Tensor(Box::new(Tensor::clone(precision).to_device(device))))
            }
        }
    }
}

/// Where the Gaussian noise of observations comes from.
///
/// A number or a tensor converts into a precision that is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ObservationNoise<const D: usize> {
    /// Of this precision, whatever the draw; a draw is the mean of what is observed,
    /// `[n_rows, .., n_outputs]`.
    Given(Precision<D>),
    /// Predicted by a second head of the model: a draw holds means and log variances,
    /// `[n_rows, .., 2 n_outputs]`, as [`GaussianOutput`] has them.
    Predicted,
}

impl<const D: usize> From<Precision<D>> for ObservationNoise<D> {
    fn from(precision: Precision<D>) -> Self {
        Self::Given(precision)
    }
}

impl<const D: usize> From<f64> for ObservationNoise<D> {
    /// # Panics
    ///
    /// If it is not positive and finite.
    fn from(precision: f64) -> Self {
        Self::Given(precision.into())
    }
}

impl<const D: usize> From<Tensor<D>> for ObservationNoise<D> {
    /// Waits for the values.
    ///
    /// # Panics
    ///
    /// If one of them is not positive and finite.
    fn from(precision: Tensor<D>) -> Self {
        Self::Given(precision.into())
    }
}

impl<const D: usize> ObservationNoise<D> {
    /// Checks that it can be that of these values.
    ///
    /// # Panics
    ///
    /// If a precision has other dims.
    pub(super) fn check_for(&self, values: &Tensor<D>) {
        if let Self::Given(precision) = self {
            precision.tensor_for(values);
        }
    }

    /// That of these rows, once for each draw.
    pub(super) fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        match self {
            Self::Given(precision) => Self::Given(precision.fold(rows, n_draws)),
            Self::Predicted => Self::Predicted,
        }
    }

    pub(super) fn to_device(&self, device: &Device) -> Self {
        match self {
            Self::Given(precision) => Self::Given(precision.to_device(device)),
            Self::Predicted => Self::Predicted,
        }
    }

    /// The Gaussian around what a model gave.
    pub(super) fn around(&self, output: Tensor<D>) -> Observation<D> {
        match self {
            Self::Given(precision) => {
                let precision = precision.tensor_for(&output);
                let log_variance = precision.clone().log().neg();
                Observation { mean: output, precision, log_variance }
            }
            Self::Predicted => {
                let GaussianOutput { mean, log_variance } = GaussianOutput::from_tensor(output);
                let precision = log_variance.clone().neg().exp();
                Observation { mean, precision, log_variance }
            }
        }
    }
}

/// What one draw says of an observation: `N(mean, 1/precision)`. The dims of precision and log
/// variance may be 1 where they are the same for all.
pub(super) struct Observation<const D: usize> {
    pub(super) mean: Tensor<D>,
    pub(super) precision: Tensor<D>,
    pub(super) log_variance: Tensor<D>,
}

impl<const D: usize> Observation<D> {
    /// The logarithm of the density at each value.
    ///
    /// # Panics
    ///
    /// If the values have other dims than the mean; the message begins with `who`.
    pub(super) fn log_density(self, who: &str, observed: &Tensor<D>) -> Tensor<D> {
        let dims = self.mean.dims();
        assert!(
            observed.dims() == dims,
            "{who}: observed must have dims {dims:?}, got {:?}",
            observed.dims()
        );
        log_density(observed.clone() - self.mean, self.precision, self.log_variance)
    }
}
