//! Kernels that go all steps themselves. Rows of a batch do not depend on each other, so a workgroup
//! takes some for the whole sequence and waits for no other: a launch a sequence, each way.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use cubecl::server::Handle;

use super::masks::Entering;
use super::pass::Pass;
use super::state::{entering_mask, state_before};
use super::step::Units;
use super::tensors::contiguous;
use crate::steps::SequenceSteps;

/// The bytes of recurrent weights up to which every workgroup reads them at every step: what a cache
/// near to it may hold. Of more, products of all rows at once read each less often.
const WEIGHTS: usize = 1 << 20;

/// The most units of a workgroup: what every device has.
const UNITS: usize = 256;

/// The processors of a device that does not say how many it has.
const PROCESSORS: u32 = 32;

/// How many rows of a batch a workgroup takes through a sequence whole, if the layer is one for it:
/// its weights are few, and a workgroup's memory holds the gates of a row.
pub(super) fn rows_together(
    client: &cubecl::client::Client,
    batch_size: usize,
    d_hidden: usize,
    n_gates: usize,
    bytes: usize,
) -> Option<usize> {
    let hardware = &client.properties().hardware;
    let fit = hardware.max_shared_memory_size / (n_gates * d_hidden * bytes);
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
#[derive(Debug)]
pub(super) struct Whole<'a> {
    steps: &'a SequenceSteps,
    d_hidden: usize,
    weights: CubeTensor,
    /// Where the rows of each step begin.
    starts: Handle,
    rows: usize,
}

impl<'a> Whole<'a> {
    /// With these weights, so many rows of the batch together.
    pub(super) fn new(pass: &Pass<'a>, weights: CubeTensor, rows: usize) -> Self {
        let steps = pass.steps;
        let ends = (0..steps.seq_length()).map(|t| steps.rows(t).end as u32);
        let starts: Vec<u32> = std::iter::once(0).chain(ends).collect();
        let starts = pass.hidden.client.create_from_slice(u32::as_bytes(&starts));
        Self { steps, d_hidden: pass.d_hidden, weights: contiguous(weights), starts, rows }
    }

    pub(super) fn count(&self) -> CubeCount {
        CubeCount::Static(self.steps.batch_size().div_ceil(self.rows) as u32, 1, 1)
    }

    pub(super) fn dim(&self) -> CubeDim {
        CubeDim::new_1d(self.d_hidden.next_multiple_of(32).min(UNITS) as u32)
    }

    pub(super) fn weights(&self) -> BufferArg {
        self.weights.clone().into_buffer_arg()
    }

    pub(super) fn starts(&self) -> BufferArg {
        // SAFETY: as many as were uploaded.
        unsafe { BufferArg::from_raw_parts(self.starts.clone(), self.steps.seq_length() + 1) }
    }

    pub(super) fn walk(&self) -> WalkLaunch {
        let Self { steps, d_hidden, rows, .. } = *self;
        let (seq_length, batch_size, n_rows) =
            (steps.seq_length(), steps.batch_size(), steps.n_rows());
        WalkLaunch::new(seq_length, batch_size, n_rows, steps.is_backwards(), rows, d_hidden)
    }
}

/// The way through the steps, and the rows of the batch that a workgroup takes on it.
#[derive(CubeType, CubeLaunch)]
pub(super) struct Walk {
    pub(super) seq_length: usize,
    batch_size: usize,
    /// The rows of all steps.
    n_rows: usize,
    #[cube(comptime)]
    is_backwards: bool,
    #[cube(comptime)]
    pub(super) rows: usize,
    #[cube(comptime)]
    pub(super) d_hidden: usize,
}

#[cube]
impl Walk {
    /// The unit at a column of row `r` of the workgroup's.
    pub(super) fn unit(&self, r: usize, column: usize) -> usize {
        (CUBE_POS * self.rows + r) * self.d_hidden + column
    }

    /// The units of the step at a place of the walk.
    pub(super) fn units(&self, starts: &[u32], place: usize) -> Units {
        let last = self.seq_length - 1;
        let t = self.step(place);
        let before = self.step(select(place > 0, place - 1, place));
        let after = self.step(select(place < last, place + 1, place));
        let n = n_rows(starts, t);
        let n_continued = select(place > 0, min(n, n_rows(starts, before)), 0);
        let n_after = select(place < last, min(n, n_rows(starts, after)), 0);
        Units {
            len: n * self.d_hidden,
            continued: n_continued * self.d_hidden,
            after: n_after * self.d_hidden,
            first_row: starts[t] as usize,
            first_row_before: starts[before] as usize,
            first_row_after: starts[after] as usize,
            of_all_steps: self.n_rows * self.d_hidden,
            of_batch: self.batch_size * self.d_hidden,
            d_hidden: self.d_hidden.runtime(),
        }
    }

    fn step(&self, place: usize) -> usize {
        if comptime!(self.is_backwards) { self.seq_length - 1 - place } else { place }
    }
}

#[cube]
fn n_rows(starts: &[u32], t: usize) -> usize {
    (starts[t + 1] - starts[t]) as usize
}

/// Writes the state that enters a step, of the workgroup's rows, into memory that it shares: masked
/// once for each gate that has a mask of its own, `[masks, rows, d_hidden]`.
#[cube]
pub(super) fn share_state<F: Float>(
    state: &mut [F],
    packed: &[F],
    constants: &[F],
    initial: usize,
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
                let h = state_before::<F>(packed, constants, units, initial, unit);
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

/// What the products give the gates at a column, `[rows, gates]`, of a shared state and of weights
/// `[d_hidden, gates, d_hidden]`.
#[cube]
pub(super) fn multiply<F: Float>(
    sums: &mut Array<F>,
    state: &[F],
    weights: &[F],
    walk: &Walk,
    column: usize,
    #[comptime] n_gates: usize,
    #[comptime] n_masks: usize,
) {
    #[unroll]
    for k in 0..comptime!(walk.rows * n_gates) {
        sums[k] = F::new(0.0_f32);
    }
    for i in 0..walk.d_hidden {
        #[unroll]
        for gate in 0..n_gates {
            let weight = weights[(i * n_gates + gate) * walk.d_hidden + column];
            let mask = gate * comptime!(usize::from(n_masks > 1));
            #[unroll]
            for r in 0..walk.rows {
                let h = state[(mask * walk.rows + r) * walk.d_hidden + i];
                sums[r * n_gates + gate] += weight * h;
            }
        }
    }
}

/// What comes back through the products at a column, added to `d_hidden`, of shared gradients of the
/// gates, `[rows, gates, d_hidden]`, and of transposed weights, `[gates, d_hidden, d_hidden]`.
#[cube]
pub(super) fn multiply_back<F: Float>(
    sums: &mut Array<F>,
    d_hidden: &mut [F],
    deltas: &[F],
    weights: &[F],
    constants: &[F],
    entering: &Entering,
    walk: &Walk,
    units: &Units,
    column: usize,
    #[comptime] n_gates: usize,
) {
    let n_masks = comptime!(entering.n_masks);
    #[unroll]
    for k in 0..comptime!(walk.rows * n_masks) {
        sums[k] = F::new(0.0_f32);
    }
    for j in 0..walk.d_hidden {
        #[unroll]
        for gate in 0..n_gates {
            let weight = weights[(gate * walk.d_hidden + j) * walk.d_hidden + column];
            let mask = gate * comptime!(usize::from(n_masks > 1));
            #[unroll]
            for r in 0..walk.rows {
                let delta = deltas[(r * n_gates + gate) * walk.d_hidden + j];
                sums[r * n_masks + mask] += weight * delta;
            }
        }
    }
    #[unroll]
    for r in 0..walk.rows {
        let unit = walk.unit(r, column);
        if unit < units.len {
            #[unroll]
            for k in 0..n_masks {
                let z = entering_mask::<F>(constants, entering, k, units, unit);
                d_hidden[unit] += sums[r * n_masks + k] * z;
            }
        }
    }
}
