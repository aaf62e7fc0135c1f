//! The outputs in a packed result, and their way back.

use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::tensors::{contiguous, first_rows, reshaped, room};

/// The first `n` rows, which are not copied.
pub(super) fn outputs(packed: CubeTensor, n: usize) -> CubeTensor {
    let [rows, width] = packed.shape().dims();
    first_rows(&reshaped(contiguous(packed), [1, rows, width]), 1, n)
}

/// The same rows, and as many of zeros after them.
pub(super) fn with_zeros(gradient: CubeTensor, n: usize) -> CubeTensor {
    let gradient = contiguous(gradient);
    let [rows, width] = gradient.shape().dims();
    let output = room([rows + n, width], &gradient);
    let (len, all) = (rows * width, (rows + n) * width);
    let dim = CubeDim::new(&gradient.client, all);
    let (client, dtype) = (gradient.client.clone(), dtype_to_storage_type(gradient.dtype));
    // SAFETY: a unit writes its own element, of as many as the output has, and reads one where the
    // gradient goes on.
    unsafe {
        pad::launch_unchecked(
            &client,
            calculate_cube_count_elemwise(&client, all, dim),
            dim,
            gradient.into_buffer_arg(),
            output.clone().into_buffer_arg(),
            len,
            all,
            dtype,
        );
    }
    output
}

#[cube(launch_unchecked)]
fn pad<F: Float>(
    values: &[F],
    padded: &mut [F],
    len: usize,
    all: usize,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= all {
        terminate!();
    }
    let mut value = F::new(0.0_f32);
    if ABSOLUTE_POS < len {
        value = values[ABSOLUTE_POS];
    }
    padded[ABSOLUTE_POS] = value;
}
