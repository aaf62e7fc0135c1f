//! Factors of masks, drawn where they are read.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, DType, TensorMetadata, backend_extension};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::tensors::{contiguous, room_for};
pub(crate) use super::words::ROW;
use super::words::{BLOCK, block};
use crate::factors::{Bernoulli, FactorDims};

/// The drawing of factors, which fusion can put off.
#[backend_extension(Cube, Fusion, Autodiff)]
pub(crate) trait DrawFactors: Backend {
    /// Of all units of some rows, `[n_rows, units]`.
    #[fusion(meta = of_units)]
    fn factors(rows: IntTensor<Self>, bernoulli: Bernoulli, dims: FactorDims) -> FloatTensor<Self>;

    /// Of some units of each row, `[n_rows, units]`.
    #[fusion(meta = of_some)]
    fn some_factors(
        rows: IntTensor<Self>,
        units: IntTensor<Self>,
        bernoulli: Bernoulli,
    ) -> FloatTensor<Self>;
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "fusion hands over references")]
fn of_units(rows: &TensorSpec, _bernoulli: &Bernoulli, dims: &FactorDims) -> TensorSpec {
    TensorSpec::new([rows.shape[0] * dims.rows, dims.units].into(), DType::F32)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "fusion hands over references")]
fn of_some(_rows: &TensorSpec, units: &TensorSpec, _bernoulli: &Bernoulli) -> TensorSpec {
    TensorSpec::new(units.shape.clone(), DType::F32)
}

impl DrawFactors for CubeBackend {
    fn factors(rows: CubeTensor, bernoulli: Bernoulli, dims: FactorDims) -> CubeTensor {
        let rows = contiguous(rows);
        let n_rows = rows.shape()[0] * dims.rows;
        let factors = room_for([n_rows, dims.units], &rows, DType::F32);
        let n = n_rows * dims.units.div_ceil(BLOCK);
        let dim = CubeDim::new(&rows.client, n);
        let client = rows.client.clone();
        // SAFETY: a unit of work reads a row that was uploaded, and writes a block of a row, where
        // the row goes on.
        unsafe {
            draw::launch_unchecked(
                &client,
                calculate_cube_count_elemwise(&client, n, dim),
                dim,
                rows.into_buffer_arg(),
                factors.clone().into_buffer_arg(),
                n,
                dims.rows,
                dims.units,
                u32::from(!dims.shared),
                bernoulli.threshold(),
                bernoulli.kept(),
            );
        }
        factors
    }

    fn some_factors(rows: CubeTensor, units: CubeTensor, bernoulli: Bernoulli) -> CubeTensor {
        let (rows, units) = (contiguous(rows), contiguous(units));
        let dims @ [n_rows, n_units] = units.shape().dims();
        let factors = room_for(dims, &rows, DType::F32);
        let n = n_rows * n_units;
        let dim = CubeDim::new(&rows.client, n);
        let (client, ids) = (rows.client.clone(), dtype_to_storage_type(units.dtype));
        // SAFETY: a unit of work reads a row that was uploaded, and writes the factor of one unit.
        unsafe {
            draw_some::launch_unchecked(
                &client,
                calculate_cube_count_elemwise(&client, n, dim),
                dim,
                rows.into_buffer_arg(),
                units.into_buffer_arg(),
                factors.clone().into_buffer_arg(),
                n,
                n_units,
                bernoulli.threshold(),
                bernoulli.kept(),
                ids,
            );
        }
        factors
    }
}

/// The factor of the unit of a word.
#[cube]
fn factor(word: u32, threshold: u32, kept: f32) -> f32 {
    select(word < threshold, 0.0_f32, kept)
}

/// A block of a row each.
#[cube(launch_unchecked)]
fn draw(
    rows: &[u32],
    factors: &mut [f32],
    n: usize,
    rows_of_each: usize,
    units: usize,
    to_next_row: u32,
    threshold: u32,
    kept: f32,
) {
    if ABSOLUTE_POS >= n {
        terminate!();
    }
    let blocks = units.div_ceil(BLOCK);
    let row = ABSOLUTE_POS / blocks;
    let number = ABSOLUTE_POS % blocks;
    let further = (row % rows_of_each) as u32 * to_next_row;
    let words = block(rows, row / rows_of_each, further, number as u32);
    #[unroll]
    for k in 0..BLOCK {
        let unit = number * BLOCK + k;
        if unit < units {
            factors[row * units + unit] = factor(words[k], threshold, kept);
        }
    }
}

/// A unit of a row each.
#[cube(launch_unchecked)]
fn draw_some<I: Int>(
    rows: &[u32],
    units: &[I],
    factors: &mut [f32],
    n: usize,
    units_of_each: usize,
    threshold: u32,
    kept: f32,
    #[define(I)] _ids: ElemType,
) {
    if ABSOLUTE_POS >= n {
        terminate!();
    }
    let unit = u32::cast_from(units[ABSOLUTE_POS]);
    let size = BLOCK as u32;
    let words = block(rows, ABSOLUTE_POS / units_of_each, 0_u32, unit / size);
    factors[ABSOLUTE_POS] = factor(words[(unit % size) as usize], threshold, kept);
}
