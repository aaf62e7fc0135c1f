//! How often intervals hold what is observed, and how wide they are.

use burn::tensor::Tensor;

use super::read_back::ReadBack;
use super::{CalibrationError, PredictionInterval};

impl<const D: usize> PredictionInterval<D> {
    /// The share of the observed values that lie within, ends included.
    ///
    /// Near the level it was made for, an interval is calibrated on average over these rows, and
    /// not for each kind of them. The standard error of a share `p` of `n` independent rows is
    /// `√(p(1-p)/n)`: 0.3 points at 90 % of 10,000.
    ///
    /// # Errors
    ///
    /// If an observed value is not finite, an end is NaN, or there is none.
    ///
    /// # Panics
    ///
    /// If the dims differ.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_mc::calibration::PredictionInterval;
    ///
    /// let tensor = |values: [f64; 2]| Tensor::<1>::from_data(values, &Device::flex());
    /// let interval = PredictionInterval::new(tensor([0.0, 0.0]), tensor([1.0, 3.0]));
    /// assert_eq!(interval.coverage(&tensor([0.5, 4.0]))?, 0.5);
    /// assert_eq!(interval.mean_width()?, 2.0);
    /// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
    /// ```
    pub fn coverage(&self, observed: &Tensor<D>) -> Result<f64, CalibrationError> {
        let observed = ReadBack::finite("observed", observed)?;
        observed.expect_dims(&self.lower().dims());
        let [lower, upper] = self.ends()?;
        let ends = lower.values.iter().zip(&upper.values);
        let within = observed.values.iter().zip(ends);
        let n_within = within.filter(|(y, (lower, upper))| lower <= y && y <= upper).count();
        Ok(n_within as f64 / observed.values.len() as f64)
    }

    /// How sharp the intervals are, `1/N Σ_n (upper_n - lower_n)` in the units of the values: of two
    /// that cover equally often, the narrower says more. Infinite if an end is.
    ///
    /// # Errors
    ///
    /// If an end is NaN, or there is none.
    pub fn mean_width(&self) -> Result<f64, CalibrationError> {
        let [lower, upper] = self.ends()?;
        let widths = upper.values.iter().zip(&lower.values).map(|(upper, lower)| upper - lower);
        Ok(widths.sum::<f64>() / lower.values.len() as f64)
    }

    fn ends(&self) -> Result<[ReadBack; 2], CalibrationError> {
        Ok([ReadBack::numbers("lower", &self.lower())?, ReadBack::numbers("upper", &self.upper())?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn tensor<const N: usize>(values: [f64; N]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    #[test]
    fn ends_are_within_and_infinite_ends_hold_everything() {
        let lower = tensor([0.0, 0.0, f64::NEG_INFINITY, 0.0]);
        let interval = PredictionInterval::new(lower, tensor([1.0, 1.0, f64::INFINITY, 1.0]));
        assert_eq!(interval.coverage(&tensor([0.0, 1.0, 1e30, 1.5])).unwrap(), 0.75);
        assert_eq!(interval.mean_width().unwrap(), f64::INFINITY);
    }

    #[test]
    fn an_end_that_is_no_number_is_an_error() {
        let interval = PredictionInterval::new(tensor([0.0, f64::NAN]), tensor([1.0, 1.0]));
        let error = interval.mean_width().unwrap_err().to_string();
        assert_eq!(error, "lower at [1] must be a number, got NaN");
        assert!(interval.coverage(&tensor([0.0, 0.0])).is_err());
    }

    #[test]
    #[should_panic(expected = "calibration: observed must have dims [1], got [2]")]
    fn observed_values_of_other_dims_are_refused() {
        let interval = PredictionInterval::new(tensor([0.0]), tensor([1.0]));
        let _ = interval.coverage(&tensor([1.0, 1.0]));
    }
}
