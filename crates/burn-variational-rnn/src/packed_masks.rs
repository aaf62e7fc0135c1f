//! The masks of one site over sequences of different lengths.

use burn::tensor::{Device, Tensor};
use burn_variational_dropout::DropoutMask;
use burn_variational_kernels::SequenceSteps;

use crate::GateMasks;
use crate::packing::{Packing, indices};

/// The masks of one site over the rows of sequences of different lengths, the longest first: what
/// [`project_input`](crate::RecurrentCell::project_input) gets of a batch with lengths. They are
/// applied as any others.
#[derive(Debug, Clone)]
pub struct PackedMasks {
    rows: Rows,
    steps: SequenceSteps,
}

#[derive(Debug, Clone)]
enum Rows {
    /// One for each sequence, `[batch_size, units]`.
    PerSequence(GateMasks<2>),
    /// One for each row of each step, `[n_rows, units]`.
    PerStep(GateMasks<2>),
}

impl PackedMasks {
    /// Of masks `[batch_size, units]`.
    pub(crate) fn per_sequence(masks: &GateMasks<2>, packing: &Packing) -> Self {
        let rows = masks.map(|mask| {
            with_values(mask, |values| {
                check_batch_size(values.dims()[0], packing);
                packing.sort(values, 0)
            })
        });
        Self { rows: Rows::PerSequence(rows), steps: packing.steps().clone() }
    }

    /// Of masks `[seq_length, batch_size, units]`.
    pub(crate) fn per_step(masks: &GateMasks<3>, packing: &Packing) -> Self {
        let rows = masks.map(|mask| {
            with_values(mask, |values| {
                check_batch_size(values.dims()[1], packing);
                packing.pack(values, false)
            })
        });
        Self { rows: Rows::PerStep(rows), steps: packing.steps().clone() }
    }

    /// The steps whose rows the masks are repeated over; none if there is another at every step.
    pub(crate) fn steps(&self) -> Option<&SequenceSteps> {
        matches!(self.rows, Rows::PerSequence(_)).then_some(&self.steps)
    }

    /// The masks, however many rows they have.
    pub(crate) fn gates(&self) -> &GateMasks<2> {
        match &self.rows {
            Rows::PerSequence(masks) | Rows::PerStep(masks) => masks,
        }
    }

    /// The masks of all rows, `[n_rows, units]`.
    pub(crate) fn over_rows(&self) -> GateMasks<2> {
        match &self.rows {
            Rows::PerSequence(masks) => masks.map(|mask| {
                with_values(mask, |values| {
                    let rows = (0..self.steps.seq_length()).flat_map(|t| 0..self.steps.n_at(t));
                    let rows = indices(rows, &values.device());
                    values.select(0, rows)
                })
            }),
            Rows::PerStep(masks) => masks.clone(),
        }
    }

    /// The masks of the rows of one time step.
    pub(crate) fn at_step(&self, step: usize) -> GateMasks<2> {
        let (masks, rows) = match &self.rows {
            Rows::PerSequence(masks) => (masks, 0..self.steps.n_at(step)),
            Rows::PerStep(masks) => (masks, self.steps.rows(step)),
        };
        masks.map(|mask| with_values(mask, |values| values.slice_dim(0, rows.clone())))
    }

    pub(crate) fn to_device(&self, device: &Device) -> Self {
        let rows = match &self.rows {
            Rows::PerSequence(masks) => Rows::PerSequence(masks.to_device(device)),
            Rows::PerStep(masks) => Rows::PerStep(masks.to_device(device)),
        };
        Self { rows, steps: self.steps.clone() }
    }
}

/// The mask of other factors; the identity stays what it is.
fn with_values<const D: usize, const R: usize>(
    mask: &DropoutMask<D>,
    f: impl FnOnce(Tensor<D>) -> Tensor<R>,
) -> DropoutMask<R> {
    mask.values().map_or_else(DropoutMask::identity, |values| DropoutMask::from_values(f(values)))
}

fn check_batch_size(rows: usize, packing: &Packing) {
    let batch_size = packing.batch_size();
    assert!(
        rows == batch_size,
        "SiteMasks: masks must have the batch_size {batch_size} of the lengths, got {rows}"
    );
}
