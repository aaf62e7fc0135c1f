//! Kernels that go all steps themselves. Rows of a batch do not depend on each other, so a workgroup
//! takes some for the whole sequence and waits for no other: a launch a sequence, each way.

use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::HardwareProperties;
use cubecl::prelude::*;

use super::masks::Entering;
use super::pointwise::{read, write};
use super::state::{entering_mask, state_before};
use super::step::Units;
use super::tensors::contiguous;
use super::walk::{AllSteps, Walk, WalkLaunch};

/// The bytes of recurrent weights up to which every workgroup reads them at every step: what a cache
/// near to it may hold. Of more, products of all rows at once read each less often.
const WEIGHTS: usize = 1 << 20;

/// The most units of a workgroup: what every device has.
const UNITS: usize = 256;

/// The processors of a device that does not say how many it has.
pub(super) const PROCESSORS: u32 = 32;

/// How many rows of a batch a workgroup takes through a sequence whole, if the layer is one for it:
/// its weights are few, and a workgroup's memory holds the gates of a row.
pub(super) fn rows_together(
    hardware: &HardwareProperties,
    batch_size: usize,
    d_hidden: usize,
    n_gates: usize,
    bytes: usize,
) -> Option<usize> {
    let fit = hardware.max_shared_memory_size / (n_gates * d_hidden * size_of::<f32>());
    let few_weights = n_gates * d_hidden * d_hidden * bytes <= WEIGHTS;
    if !few_weights || fit == 0 || hardware.max_units_per_cube < UNITS as u32 {
        return None;
    }
    // Work for all processors first, and then weights that are read once for several rows.
    let n_processors = hardware.num_streaming_multiprocessors.unwrap_or(PROCESSORS) as usize;
    let most = (batch_size / n_processors).min(fit);
    let rows = [4, 2].into_iter().find(|&n| n <= most).unwrap_or(1);
    (batch_size.div_ceil(rows) <= hardware.max_cube_count.0 as usize).then_some(rows)
}

/// A launch that takes a sequence whole.
pub(super) struct Whole<'a> {
    all: &'a AllSteps<'a>,
    weights: CubeTensor,
    rows: usize,
}

impl<'a> Whole<'a> {
    /// With these weights, so many rows of the batch together.
    pub(super) fn new(all: &'a AllSteps<'_>, weights: CubeTensor, rows: usize) -> Self {
        Self { all, weights: contiguous(weights), rows }
    }

    pub(super) fn count(&self) -> CubeCount {
        CubeCount::Static(self.all.batch_size().div_ceil(self.rows) as u32, 1, 1)
    }

    pub(super) fn dim(&self) -> CubeDim {
        CubeDim::new_1d(self.all.d_hidden().next_multiple_of(32).min(UNITS) as u32)
    }

    pub(super) fn weights(&self) -> BufferArg {
        self.weights.clone().into_buffer_arg()
    }

    pub(super) fn starts(&self) -> BufferArg {
        self.all.starts()
    }

    pub(super) fn walk(&self) -> WalkLaunch {
        self.all.walk(self.rows)
    }
}

/// Writes the state that enters a step, of the workgroup's rows, into memory that it shares: masked
/// once for each gate that has a mask of its own, `[masks, rows, d_hidden]`.
#[cube]
pub(super) fn share_state<F: Float>(
    state: &mut [f32],
    packed: &[F],
    hidden: &[F],
    constants: &[F],
    entering: &Entering,
    walk: &Walk,
    units: &Units,
) {
    let mut column = UNIT_POS as usize;
    while column < walk.d_hidden {
        #[unroll]
        for r in 0..walk.rows {
            let unit = walk.unit(r, column);
            if unit < units.len {
                let h = state_before::<F>(packed, hidden, units, 0, unit);
                #[unroll]
                for k in 0..entering.n_masks {
                    let z = entering_mask::<F>(constants, entering, k, units, unit);
                    state[(k * walk.rows + r) * walk.d_hidden + column] = h * z;
                }
            }
        }
        column += CUBE_DIM as usize;
    }
}

/// Neighbouring gates of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Gates {
    pub(super) first: usize,
    pub(super) n: usize,
    /// How many the layer has.
    pub(super) of: usize,
}

/// What the products give gates at a column, `[rows, gates]`, of a shared state, `[masks, rows,
/// d_hidden]`, and of weights `[d_hidden, of, d_hidden]`.
#[cube]
pub(super) fn multiply<F: Float>(
    sums: &mut Array<f32>,
    state: &[f32],
    weights: &[F],
    walk: &Walk,
    column: usize,
    #[comptime] gates: Gates,
    #[comptime] n_masks: usize,
) {
    #[unroll]
    for k in 0..comptime!(walk.rows * gates.n) {
        sums[k] = 0.0;
    }
    for i in 0..walk.d_hidden {
        #[unroll]
        for gate in 0..gates.n {
            let at = (i * gates.of + gates.first + gate) * walk.d_hidden + column;
            let weight = read::<F>(weights, at);
            let mask = gate * comptime!(usize::from(n_masks > 1));
            #[unroll]
            for r in 0..walk.rows {
                let h = state[(mask * walk.rows + r) * walk.d_hidden + i];
                sums[r * gates.n + gate] += weight * h;
            }
        }
    }
}

/// What comes back through the products of gates at a column, `[rows, masks]`, of shared gradients of
/// what they gave, `[rows, gates, d_hidden]`, and of transposed weights, `[of, d_hidden, d_hidden]`.
#[cube]
pub(super) fn multiply_back<F: Float>(
    sums: &mut Array<f32>,
    deltas: &[f32],
    weights: &[F],
    walk: &Walk,
    column: usize,
    #[comptime] gates: Gates,
    #[comptime] n_masks: usize,
) {
    #[unroll]
    for k in 0..comptime!(walk.rows * n_masks) {
        sums[k] = 0.0;
    }
    for j in 0..walk.d_hidden {
        #[unroll]
        for gate in 0..gates.n {
            let row = (gates.first + gate) * walk.d_hidden + j;
            let weight = read::<F>(weights, row * walk.d_hidden + column);
            let mask = gate * comptime!(usize::from(n_masks > 1));
            #[unroll]
            for r in 0..walk.rows {
                let delta = deltas[(r * gates.n + gate) * walk.d_hidden + j];
                sums[r * n_masks + mask] += weight * delta;
            }
        }
    }
}

/// Adds what came back through the products to the gradient of the state that entered, through its
/// masks.
#[cube]
#[allow(clippy::trivially_copy_pass_by_ref, reason = "in a kernel it is an array")]
pub(super) fn hand_back<F: Float>(
    sums: &Array<f32>,
    d_hidden: &mut [F],
    constants: &[F],
    entering: &Entering,
    walk: &Walk,
    units: &Units,
    column: usize,
) {
    let n_masks = comptime!(entering.n_masks);
    #[unroll]
    for r in 0..walk.rows {
        let unit = walk.unit(r, column);
        if unit < units.len {
            let mut d_h = read::<F>(&*d_hidden, unit);
            #[unroll]
            for k in 0..n_masks {
                let z = entering_mask::<F>(constants, entering, k, units, unit);
                d_h += sums[r * n_masks + k] * z;
            }
            write::<F>(d_hidden, unit, d_h);
        }
    }
}
