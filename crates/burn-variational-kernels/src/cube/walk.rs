//! The way through all steps, for kernels that see more than one.

use std::cell::OnceCell;

use cubecl::client::Client;
use cubecl::prelude::*;
use cubecl::server::Handle;

use super::pass::Pass;
use super::step::Units;
use crate::steps::SequenceSteps;

/// All steps, and where their rows begin on the device.
pub(super) struct AllSteps<'a> {
    steps: &'a SequenceSteps,
    d_hidden: usize,
    client: Client,
    /// Uploaded when a kernel is given them.
    starts: OnceCell<Handle>,
}

impl<'a> AllSteps<'a> {
    pub(super) fn new(pass: &Pass<'a>) -> Self {
        let client = pass.hidden.client.clone();
        Self { steps: pass.steps, d_hidden: pass.d_hidden, client, starts: OnceCell::new() }
    }

    pub(super) fn batch_size(&self) -> usize {
        self.steps.batch_size()
    }

    pub(super) fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    pub(super) fn starts(&self) -> BufferArg {
        let starts = self.starts.get_or_init(|| {
            let ends = (0..self.steps.seq_length()).map(|t| self.steps.rows(t).end as u32);
            let starts: Vec<u32> = std::iter::once(0).chain(ends).collect();
            self.client.create_from_slice(u32::as_bytes(&starts))
        });
        // SAFETY: as many as were uploaded.
        unsafe { BufferArg::from_raw_parts(starts.clone(), self.steps.seq_length() + 1) }
    }

    /// With so many rows of the batch to a workgroup.
    pub(super) fn walk(&self, rows: usize) -> WalkLaunch {
        let (steps, d_hidden) = (self.steps, self.d_hidden);
        WalkLaunch::new(
            steps.seq_length(),
            steps.batch_size(),
            steps.n_rows(),
            steps.is_backwards(),
            steps.is_regular(),
            rows,
            d_hidden,
        )
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
    /// Whether every step has all rows of the batch.
    #[cube(comptime)]
    is_regular: bool,
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

    /// The place in the walk of the step that a row among those of all steps is of.
    pub(super) fn place_of(&self, starts: &[u32], row: usize) -> usize {
        let mut t = row / self.batch_size;
        if comptime!(!self.is_regular) {
            // The last step that begins at the row or before it.
            let (mut low, mut high) = (t, self.seq_length);
            while low + 1 < high {
                let middle = low + (high - low) / 2;
                let begins = starts[middle] as usize <= row;
                low = select(begins, middle, low);
                high = select(begins, high, middle);
            }
            t = low;
        }
        self.step(t)
    }

    /// The step at a place of the walk, and the place of a step.
    fn step(&self, place: usize) -> usize {
        if comptime!(self.is_backwards) { self.seq_length - 1 - place } else { place }
    }
}

#[cube]
fn n_rows(starts: &[u32], t: usize) -> usize {
    (starts[t + 1] - starts[t]) as usize
}
