//! Tensors as kernels take them: contiguous, and each from its beginning.

use burn::backend::{DType, TensorMetadata};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::zspace::Shape;
use cubecl::zspace::metadata::Metadata;

/// Room for a tensor on the device and in the type of another.
pub(super) fn room<const D: usize>(dims: [usize; D], like: &CubeTensor) -> CubeTensor {
    room_for(dims, like, like.dtype)
}

/// Room for a tensor of this type on the device of another.
pub(super) fn room_for<const D: usize>(
    dims: [usize; D],
    like: &CubeTensor,
    dtype: DType,
) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::new(dims), dtype)
}

/// Row after row, without gaps.
pub(super) fn contiguous(tensor: CubeTensor) -> CubeTensor {
    into_contiguous(tensor)
}

/// The same, to be written to: a copy if somebody else holds it.
pub(super) fn owned(tensor: CubeTensor) -> CubeTensor {
    let tensor = contiguous(tensor);
    if tensor.can_mut() { tensor } else { contiguous(tensor.copy()) }
}

/// The elements of a contiguous tensor as another shape.
pub(super) fn reshaped<const D: usize>(tensor: CubeTensor, dims: [usize; D]) -> CubeTensor {
    let CubeTensor { client, handle, device, dtype, .. } = tensor;
    CubeTensor::new_contiguous(client, device, Shape::new(dims), handle, dtype)
}

/// The first `n` rows of the first blocks of a contiguous `[blocks, rows, width]`: a matrix where
/// there is one.
pub(super) fn first_rows(tensor: &CubeTensor, blocks: usize, n: usize) -> CubeTensor {
    let [_, rows, width] = tensor.shape().dims();
    let metadata = if blocks == 1 {
        Metadata::new([n, width], [width, 1])
    } else {
        Metadata::new([blocks, n, width], [rows * width, width, 1])
    };
    let CubeTensor { client, handle, device, dtype, .. } = tensor.clone();
    CubeTensor::new(client, handle, metadata, device, dtype)
}
