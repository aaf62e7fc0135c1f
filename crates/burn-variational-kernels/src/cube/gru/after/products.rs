//! The gradients of what the product gave the gates.

use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use crate::cube::gru::{CANDIDATE, GATES};
use crate::cube::pass::Pass;
use crate::cube::tensors::room;

/// Of all gates side by side, `[n_rows, gates · d_hidden]`, or gate after gate, `[gates, n_rows,
/// d_hidden]`: as those of what entered them but for the candidate's, on which the reset gate acts in
/// between.
pub(in crate::cube) fn of_products(
    pass: &Pass<'_>,
    entered: &CubeTensor,
    of_candidates: &CubeTensor,
    apart: bool,
) -> CubeTensor {
    let (n_rows, d_hidden) = (pass.steps.n_rows(), pass.d_hidden);
    let deltas = if apart {
        room([GATES, n_rows, d_hidden], entered)
    } else {
        room([n_rows, GATES * d_hidden], entered)
    };
    let (count, dim) = pass.launch(n_rows * GATES * d_hidden);
    // SAFETY: a unit reads its own element of one of both, and writes its own.
    unsafe {
        replace::launch_unchecked(
            &deltas.client,
            count,
            dim,
            entered.clone().into_buffer_arg(),
            of_candidates.clone().into_buffer_arg(),
            deltas.clone().into_buffer_arg(),
            n_rows,
            d_hidden,
            apart,
            pass.dtype(),
        );
    }
    deltas
}

#[cube(launch_unchecked)]
fn replace<F: Float>(
    entered: &[F],
    of_candidates: &[F],
    deltas: &mut [F],
    n_rows: usize,
    d_hidden: usize,
    #[comptime] apart: bool,
    #[define(F)] _dtype: ElemType,
) {
    let row = ABSOLUTE_POS / (GATES * d_hidden);
    if row >= n_rows {
        terminate!();
    }
    let gate = ABSOLUTE_POS / d_hidden % GATES;
    let column = ABSOLUTE_POS % d_hidden;
    let mut delta = entered[ABSOLUTE_POS];
    if gate == CANDIDATE {
        delta = of_candidates[row * d_hidden + column];
    }
    if comptime!(apart) {
        deltas[(gate * n_rows + row) * d_hidden + column] = delta;
    } else {
        deltas[ABSOLUTE_POS] = delta;
    }
}
