//! What is constant unit by unit, as one tensor.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::ComptimeOptionArgs;

use super::join::joined;
use super::masks::{self, EnteringLaunch, RowsLaunch, UnitMasksLaunch};
use super::pass::Way;
use super::tensors::{contiguous, reshaped};
use crate::operands::{Masks, OptionalMask, SequenceConstants};
use crate::recurrence::Recurrence;

/// Masks, and what else a recurrence reads unit by unit at every step: one after the other in a
/// tensor, since a device need not bind more than seven to a kernel. One alone is taken as it lies.
#[derive(Debug)]
pub(super) struct Constants {
    /// `[rows, d_hidden]`.
    pub(super) values: CubeTensor,
    entering: Option<Rows>,
    /// How many masks there are on the state where it enters gates: one for each, or one.
    n_masks: usize,
    /// Those of the gates that read the state as it is.
    n_entering: usize,
    unit_masks: UnitMasks,
    /// `h_0`.
    hidden: Option<Rows>,
    /// `b_hn`.
    bias: Option<Rows>,
    d_hidden: usize,
}

#[derive(Debug, Clone, Copy)]
struct Rows {
    /// The first of them.
    first: usize,
    len: usize,
    /// Whether they are those of all steps, and not of the batch.
    per_step: bool,
}

#[derive(Debug, Clone, Copy)]
struct UnitMasks {
    cell: Option<Rows>,
    candidate: Option<Rows>,
    hidden: Option<Rows>,
    hidden_zoneout: Option<Rows>,
    cell_zoneout: Option<Rows>,
}

impl Constants {
    pub(super) fn new(
        recurrence: Recurrence,
        constants: &SequenceConstants<CubeBackend>,
        way: Way,
    ) -> Self {
        let d_hidden = constants.hidden.meta.shape()[1];
        let mut parts = Parts { tensors: Vec::new(), n_rows: 0, d_hidden };
        let (entering, n_masks) = match &constants.masks {
            Masks::Identity => (None, 1),
            Masks::Tied(mask) => (Some(parts.add(mask, false)), 1),
            Masks::TiedPerStep(mask) => (Some(parts.add(mask, true)), 1),
            Masks::Untied(masks) => (Some(parts.add(masks, false)), masks.meta.shape()[0]),
            Masks::UntiedPerStep(masks) => (Some(parts.add(masks, true)), masks.meta.shape()[0]),
        };
        let masks = &constants.unit_masks;
        let unit_masks = UnitMasks {
            cell: parts.add_mask(&masks.cell),
            candidate: parts.add_mask(&masks.candidate),
            hidden: parts.add_mask(&masks.hidden),
            hidden_zoneout: parts.add_mask(&masks.hidden_zoneout),
            cell_zoneout: parts.add_mask(&masks.cell_zoneout),
        };
        let bias = constants.candidate_bias.clone().into_option();
        let bias = bias.filter(|_| way == Way::Forward).map(|bias| parts.add(&bias, false));
        // A GRU comes back to the initial state, and there has to be something.
        let comes_back = way == Way::Back && matches!(recurrence, Recurrence::Gru { .. });
        let has_hidden = comes_back || parts.tensors.is_empty();
        let hidden = has_hidden.then(|| parts.add(&constants.hidden, false));
        // The candidate of a GRU that resets before reads what the reset gate lets through.
        let resets_before = recurrence == Recurrence::Gru { reset_after: false };
        let n_entering = if resets_before { n_masks.min(2) } else { n_masks };
        let values = parts.join();
        Self { values, entering, n_masks, n_entering, unit_masks, hidden, bias, d_hidden }
    }

    /// How many masks there are on the state where it enters the gates that read it as it is.
    pub(super) fn n_entering(&self) -> usize {
        self.n_entering
    }

    /// Whether a state is masked where it enters.
    pub(super) fn masks_entering(&self) -> bool {
        self.entering.is_some()
    }

    /// Whether a part of the state before may go past the gates.
    pub(super) fn zones_out_hidden(&self) -> bool {
        self.unit_masks.hidden_zoneout.is_some()
    }

    /// The masks on the state where it enters the gates that read it as it is.
    pub(super) fn entering(&self) -> EnteringLaunch {
        EnteringLaunch::new(launch(self.entering), self.to_next_gate(), self.n_entering)
    }

    /// The mask on the state where it enters the candidate by way of the reset gate.
    pub(super) fn entering_candidate(&self) -> ComptimeOptionArgs<masks::Rows> {
        let to_candidate = (self.n_masks - 1) * self.to_next_gate();
        launch(self.entering.map(|rows| Rows { first: rows.first + to_candidate, ..rows }))
    }

    /// The masks on what a step computes.
    pub(super) fn unit_masks(&self) -> UnitMasksLaunch {
        let UnitMasks { cell, candidate, hidden, hidden_zoneout, cell_zoneout } = self.unit_masks;
        UnitMasksLaunch::new(
            launch(cell),
            launch(candidate),
            launch(hidden),
            launch(hidden_zoneout),
            launch(cell_zoneout),
        )
    }

    /// Where `h_0` begins.
    pub(super) fn hidden(&self) -> usize {
        self.hidden.map_or(0, |rows| rows.first * self.d_hidden)
    }

    /// Where `b_hn` begins, if there is one.
    pub(super) fn bias(&self) -> ComptimeOptionArgs<usize> {
        self.bias.map(|rows| rows.first * self.d_hidden).into()
    }

    fn to_next_gate(&self) -> usize {
        self.entering.map_or(0, |rows| rows.len / self.n_masks)
    }
}

fn launch(rows: Option<Rows>) -> ComptimeOptionArgs<masks::Rows> {
    rows.map(|rows| RowsLaunch::new(rows.first, usize::from(rows.per_step))).into()
}

struct Parts {
    tensors: Vec<CubeTensor>,
    n_rows: usize,
    d_hidden: usize,
}

impl Parts {
    fn add(&mut self, tensor: &CubeTensor, per_step: bool) -> Rows {
        let n_rows = tensor.meta.num_elements() / self.d_hidden;
        let rows = Rows { first: self.n_rows, len: n_rows, per_step };
        let tensor = contiguous(tensor.clone());
        self.tensors.push(reshaped(tensor, [n_rows, self.d_hidden]));
        self.n_rows += n_rows;
        rows
    }

    fn add_mask(&mut self, mask: &OptionalMask<CubeBackend>) -> Option<Rows> {
        match mask {
            OptionalMask::Absent => None,
            OptionalMask::Repeated(mask) => Some(self.add(mask, false)),
            OptionalMask::PerStep(mask) => Some(self.add(mask, true)),
        }
    }

    fn join(mut self) -> CubeTensor {
        if self.tensors.len() == 1 {
            return self.tensors.remove(0);
        }
        joined(&self.tensors, self.d_hidden)
    }
}
