//! Two tensors as the columns of one.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::dispatch::SequenceBackend;
use crate::support::{check_dims, check_dtypes, has_engine};

/// Two tensors `[…, width]` as one `[…, width_left + width_right]`: what two directions gave. Both
/// ways it takes one pass over memory that is used again where the engine runs, and plain tensor
/// operations elsewhere.
///
/// # Panics
///
/// If the tensors differ in another dimension than the last, or in their types.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::side_by_side;
///
/// let device = Device::flex();
/// let left = Tensor::<2>::from_data([[1.0], [2.0]], &device);
/// let both = side_by_side(left, Tensor::from_data([[3.0, 4.0], [5.0, 6.0]], &device));
/// assert_eq!(both.into_data().try_to_vec::<f32>().unwrap(), [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
/// ```
pub fn side_by_side<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    let widths = [left.dims()[D - 1], right.dims()[D - 1]];
    let mut expected = left.dims();
    expected[D - 1] = widths[1];
    check_dims("side_by_side: right", right.dims(), expected);
    let (dtype, device) = (left.dtype(), left.device());
    check_dtypes("side_by_side", ("left", dtype), &[("right", Some(right.dtype()))]);
    if !has_engine(&device) || expected.contains(&0) || widths[0] == 0 {
        return Tensor::cat(vec![left, right], D - 1);
    }
    #[cfg(feature = "testing")]
    crate::testing::count(crate::testing::Operation::SideBySide);
    let n_rows: usize = expected[..D - 1].iter().product();
    let rows = |tensor: Tensor<D>, width| tensor.reshape([n_rows, width]).into_dispatch();
    let (left, right) = (rows(left, widths[0]), rows(right, widths[1]));
    let both = Tensor::<2>::from_dispatch(<Dispatch as SequenceBackend>::side_by_side(left, right));
    expected[D - 1] = widths[0] + widths[1];
    both.reshape(expected)
}
