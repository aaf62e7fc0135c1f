//! Measures of whole sequences, from those of their steps.

use burn::tensor::{Bool, Tensor, TensorData, kind::Basic};

use crate::shape::without_dim;

/// What has a dimension less than the measure of the steps.
const OF_SEQUENCES: &str = "a measure of each sequence";

/// The sum of a measure over the steps of each sequence, `[n_rows, ..]` of `[n_rows, seq_length, ..]`:
/// over the first `lengths[row]` of them. What lies behind is padding and is not read, be it a
/// number or not.
///
/// It takes the lengths as a slice, `lengths.as_slice()` of `burn_variational_rnn::Lengths`, for what a
/// model is made of does not concern this crate.
///
/// The sum of the steps' entropies, informations or log-likelihoods is that of steps which are
/// predicted each by itself. A sequence as a whole has another one, for its steps share their draw of
/// the masks: of likelihoods
/// [`MonteCarlo::joint_log_likelihood`](crate::MonteCarlo::joint_log_likelihood) and
/// [`MonteCarlo::joint_class_log_likelihood`](crate::MonteCarlo::joint_class_log_likelihood) give it.
///
/// # Panics
///
/// If there is not one length for each row, one is 0 or more than `seq_length`, or `R` is not `D - 1`.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::{mean_over_steps, sum_over_steps};
///
/// let nothing = f32::NAN;
/// let entropies = [[0.5, 0.1, 0.3], [0.2, nothing, nothing]];
/// let entropies = Tensor::<2>::from_data(entropies, &Device::flex());
/// let sums: Tensor<1> = sum_over_steps(entropies.clone(), &[3, 1]);
/// let means: Tensor<1> = mean_over_steps(entropies, &[3, 1]);
/// let close = burn::tensor::Tolerance::absolute(1e-6);
/// sums.into_data().assert_approx_eq::<f32>(&[0.9, 0.2].into(), close);
/// means.into_data().assert_approx_eq::<f32>(&[0.3, 0.2].into(), close);
/// ```
///
/// # References
///
/// Andrey Malinin and Mark Gales, *Uncertainty Estimation in Autoregressive Structured Prediction*,
/// 2021, arXiv 2002.07650: measures of steps and of sequences.
pub fn sum_over_steps<const D: usize, const R: usize>(
    measure: Tensor<D>,
    lengths: &[usize],
) -> Tensor<R> {
    without_dim(OF_SEQUENCES, 1, sum("sum_over_steps", measure, lengths))
}

/// The mean of a measure over the steps of each sequence, `[n_rows, ..]` of `[n_rows, seq_length, ..]`:
/// [`sum_over_steps`] by the length.
///
/// # Panics
///
/// As [`sum_over_steps`].
pub fn mean_over_steps<const D: usize, const R: usize>(
    measure: Tensor<D>,
    lengths: &[usize],
) -> Tensor<R> {
    let sum = sum("mean_over_steps", measure, lengths);
    let mut dims = [1; D];
    dims[0] = lengths.len();
    let lengths: Vec<f64> = lengths.iter().map(|&length| length as f64).collect();
    let options = (&sum.device(), sum.dtype());
    let lengths = Tensor::from_data(TensorData::new(lengths, dims), options);
    without_dim(OF_SEQUENCES, 1, sum / lengths)
}

/// `[n_rows, 1, ..]`.
fn sum<const D: usize>(who: &str, measure: Tensor<D>, lengths: &[usize]) -> Tensor<D> {
    let padding = is_padding(who, &measure, lengths).expand(measure.dims());
    measure.mask_fill(padding, 0.0).sum_dim(1)
}

/// True behind the last step of each row, `[n_rows, seq_length, 1, ..]`.
///
/// # Panics
///
/// If there is not one length for each row, from 1 to the steps of the values; the message begins
/// with `who`.
pub(crate) fn is_padding<const D: usize, K: Basic>(
    who: &str,
    values: &Tensor<D, K>,
    lengths: &[usize],
) -> Tensor<D, Bool> {
    let dims = values.dims();
    assert!(D > 1, "{who}: values must have rows and steps, got dims {dims:?}");
    let [n_rows, seq_length] = [dims[0], dims[1]];
    assert!(
        lengths.len() == n_rows,
        "{who}: lengths must be those of {n_rows} rows, got {}",
        lengths.len()
    );
    for (row, length) in lengths.iter().enumerate() {
        assert!(
            (1..=seq_length).contains(length),
            "{who}: lengths must be from 1 to the {seq_length} steps there are, got {length} in row {row}"
        );
    }
    let padding = lengths.iter().flat_map(|length| (0..seq_length).map(move |t| t >= *length));
    let mut of_steps = [1; D];
    of_steps[..2].copy_from_slice(&dims[..2]);
    let padding = TensorData::new(padding.collect::<Vec<bool>>(), of_steps);
    Tensor::from_data(padding, &values.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn measure() -> Tensor<2> {
        Tensor::zeros([2, 3], &Device::flex())
    }

    #[test]
    #[should_panic(
        expected = "sum_over_steps: lengths must be from 1 to the 3 steps there are, got 4 in row 1"
    )]
    fn a_length_beyond_the_steps_is_refused() {
        let _: Tensor<1> = sum_over_steps(measure(), &[3, 4]);
    }

    #[test]
    #[should_panic(
        expected = "mean_over_steps: lengths must be from 1 to the 3 steps there are, got 0 in row 0"
    )]
    fn the_mean_of_no_step_is_refused() {
        let _: Tensor<1> = mean_over_steps(measure(), &[0, 3]);
    }

    #[test]
    #[should_panic(expected = "sum_over_steps: lengths must be those of 2 rows, got 1")]
    fn lengths_of_other_rows_are_refused() {
        let _: Tensor<1> = sum_over_steps(measure(), &[3]);
    }

    #[test]
    #[should_panic(expected = "sum_over_steps: values must have rows and steps, got dims [3]")]
    fn a_measure_without_steps_is_refused() {
        let _: Tensor<0> = sum_over_steps(Tensor::<1>::zeros([3], &Device::flex()), &[1, 1, 1]);
    }

    #[test]
    #[should_panic(
        expected = "each sequence has a dimension less than the 2 of its values: R must be 1, got 2"
    )]
    fn a_measure_of_other_dimensions_is_refused() {
        let _: Tensor<2> = sum_over_steps(measure(), &[3, 3]);
    }
}
