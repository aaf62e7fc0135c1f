//! How well a number tells two kinds of rows apart.

use burn::tensor::Tensor;

use super::CalibrationError;
use super::read_back::ReadBack;

/// How well an uncertainty tells rows that it should be high for from rows that it should be low for:
/// the area under the receiver operating characteristic, which is the probability that it is higher
/// for one of `high` than for one of `low`, both drawn at random,
///
/// ```text
/// P(h > l) + ½ P(h = l)
/// ```
///
/// 1 if all of `high` lie above all of `low`, ½ if the uncertainty knows nothing of which is which,
/// and under ½ if it has them the wrong way round. No threshold is chosen, and neither the units of
/// the uncertainty nor the numbers of rows matter. Wrong predictions against right ones, or text of
/// another kind against text like that of training, are such rows.
///
/// # Shapes
///
/// - low, high: any; every value counts
///
/// # Errors
///
/// If a value is NaN, naming it, or there is none.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_mc::calibration::auroc;
///
/// let device = Device::flex();
/// let familiar = Tensor::<1>::from_data([0.1, 0.2, 0.4], &device);
/// let foreign = Tensor::<1>::from_data([0.3, 0.9], &device);
/// // Of six pairs one is the wrong way round.
/// assert_eq!(auroc(&familiar, &foreign)?, 5.0 / 6.0);
/// # Ok::<(), burn_variational_mc::calibration::CalibrationError>(())
/// ```
///
/// # References
///
/// Henry Mann and Donald Whitney, *On a Test of Whether One of Two Random Variables is
/// Stochastically Larger than the Other*, 1947, whose statistic it is, divided by the number of
/// pairs.
pub fn auroc<const D: usize, const E: usize>(
    low: &Tensor<D>,
    high: &Tensor<E>,
) -> Result<f64, CalibrationError> {
    let [low, high] = [ReadBack::numbers("low", low)?, ReadBack::numbers("high", high)?];
    let kinds = [(&low, false), (&high, true)];
    let of_kind = |(read, is_high): (&ReadBack, bool)| -> Vec<_> {
        read.values.iter().map(|&value| (value, is_high)).collect()
    };
    let mut values: Vec<(f64, bool)> = kinds.into_iter().flat_map(of_kind).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut n_below, mut n_pairs) = (0.0, 0.0);
    for ties in values.chunk_by(|a, b| a.0 == b.0) {
        let n_high = ties.iter().filter(|(_, is_high)| *is_high).count() as f64;
        let n_low = ties.len() as f64 - n_high;
        n_pairs += n_high * (n_below + 0.5 * n_low);
        n_below += n_low;
    }
    Ok(n_pairs / (low.values.len() as f64 * high.values.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn tensor<const N: usize>(values: [f64; N]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    #[test]
    fn it_is_the_share_of_the_pairs_that_are_the_right_way_round() {
        let [low, high] = [[0.3, 0.1, 0.7, 0.3], [0.3, 0.2, 0.9, 0.7]];
        let of_pair = |l: f64, h: f64| if h > l { 1.0 } else { f64::from(u8::from(h == l)) / 2.0 };
        let pairs: f64 = low.iter().flat_map(|&l| high.map(|h| of_pair(l, h))).sum();
        assert_eq!(auroc(&tensor(low), &tensor(high)).unwrap(), pairs / 16.0);
        assert_eq!(auroc(&tensor(high), &tensor(low)).unwrap(), 1.0 - pairs / 16.0);
    }

    #[test]
    fn the_ends_are_one_and_zero_and_ties_are_worth_a_half() {
        let (low, high) = (tensor([-1.0, 0.0]), tensor([2.0, f64::INFINITY, 3.0]));
        assert_eq!(auroc(&low, &high).unwrap(), 1.0);
        assert_eq!(auroc(&high, &low).unwrap(), 0.0);
        // The two zeros are one number.
        assert_eq!(auroc(&tensor([0.0, -0.0]), &tensor([-0.0, 0.0, 0.0])).unwrap(), 0.5);
    }

    #[test]
    fn what_is_no_number_is_named_and_no_value_is_an_error() {
        let error = auroc(&tensor([0.0]), &tensor([1.0, f64::NAN])).unwrap_err();
        assert_eq!(error.to_string(), "high at [1] must be a number, got NaN");
        let none = Tensor::<2>::zeros([0, 3], &Device::flex());
        let error = auroc(&none, &tensor([1.0])).unwrap_err();
        assert_eq!(error.to_string(), "low: there must be at least one value, got none");
    }
}
