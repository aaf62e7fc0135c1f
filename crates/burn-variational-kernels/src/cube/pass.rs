//! What all recurrences do alike on their way through the steps.

use std::ops::Range;

use burn::backend::Slice;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::{CubeCount, CubeDim};

use super::constants::Constants;
use super::products::Products;
use super::state;
use super::step::{Step, UnitsLaunch};
use super::tensors::{contiguous, room};
use crate::operands::SequenceConstants;
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// What a walk back gives.
#[derive(Debug)]
pub(super) struct WalkedBack {
    /// The gradient of the projected inputs.
    pub(super) projected: CubeTensor,
    /// That of the initial state.
    pub(super) hidden: Option<CubeTensor>,
    /// That of the initial cell.
    pub(super) cell: Option<CubeTensor>,
}

/// From the first step to the last, or from there to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Back,
}

/// A walk through the steps, one way or the other.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub(super) steps: &'a SequenceSteps,
    pub(super) constants: Constants,
    /// `h_0`, `[batch_size, d_hidden]`.
    pub(super) hidden: CubeTensor,
    pub(super) d_hidden: usize,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        recurrence: Recurrence,
        constants: &SequenceConstants<CubeBackend>,
        steps: &'a SequenceSteps,
        way: Way,
    ) -> Self {
        let hidden = contiguous(constants.hidden.clone());
        let d_hidden = hidden.meta.shape()[1];
        let constants = Constants::new(recurrence, constants, way);
        Self { steps, constants, hidden, d_hidden }
    }

    /// The products of gates with the state that enters them.
    pub(super) fn products(
        &self,
        recurrent: &CubeTensor,
        recurrence: Recurrence,
        gates: Range<usize>,
    ) -> Products {
        Products::new(recurrent, recurrence, gates, self.constants.n_entering())
    }

    /// Room for `n` rows of so many units.
    pub(super) fn rows(&self, n: usize, width: usize) -> CubeTensor {
        room([n, width], &self.hidden)
    }

    /// Room for the outputs of an LSTM, and after them for the cells of the batch, which are these at
    /// first, and those of the last step once all is done.
    pub(super) fn with_cells(&self, initial: CubeTensor) -> CubeTensor {
        let (n_rows, batch_size) = (self.steps.n_rows(), self.steps.batch_size());
        let packed = self.rows(n_rows + batch_size, self.d_hidden);
        let cells = [n_rows..n_rows + batch_size, 0..self.d_hidden].map(Slice::from);
        CubeBackend::float_slice_assign(packed, &cells, initial)
    }

    /// A tensor of the batch, of several one after the other.
    pub(super) fn part_of_batch(&self, tensors: &CubeTensor, k: usize) -> CubeTensor {
        let batch_size = self.steps.batch_size();
        let rows = [k * batch_size..(k + 1) * batch_size, 0..self.d_hidden].map(Slice::from);
        CubeBackend::float_slice(tensors.clone(), &rows)
    }

    /// Room for the state: see [`state::unmasked`].
    pub(super) fn state(&self) -> CubeTensor {
        let unmasked = usize::from(self.constants.masks_entering());
        let blocks = self.constants.n_entering() + unmasked;
        room([blocks, self.steps.batch_size(), self.d_hidden], &self.hidden)
    }

    /// Room for what a step hands back: see [`state::arriving`].
    pub(super) fn back(&self) -> CubeTensor {
        let blocks = self.constants.n_entering() + 1;
        room([blocks, self.steps.batch_size(), self.d_hidden], &self.hidden)
    }

    /// How a kernel of so many units is launched.
    pub(super) fn launch(&self, n_units: usize) -> (CubeCount, CubeDim) {
        let dim = CubeDim::new(&self.hidden.client, n_units);
        (calculate_cube_count_elemwise(&self.hidden.client, n_units, dim), dim)
    }

    /// The float type of kernels.
    pub(super) fn dtype(&self) -> ElemType {
        dtype_to_storage_type(self.hidden.dtype)
    }

    /// The units of a step.
    pub(super) fn units(&self, step: &Step) -> UnitsLaunch {
        step.units(self.steps, self.d_hidden)
    }

    /// Gives the rows that begin with a step their initial state.
    pub(super) fn begin(&self, step: &Step, state: &CubeTensor) {
        let Some((count, dim)) = self.launch_beginning(step) else { return };
        // SAFETY: the units are of rows of the batch, which all of these have, and masks of the step
        // are of all its rows.
        unsafe {
            state::begin::launch_unchecked(
                &self.hidden.client,
                count,
                dim,
                self.hidden.clone().into_buffer_arg(),
                state.clone().into_buffer_arg(),
                self.constants.values.clone().into_buffer_arg(),
                self.constants.entering(),
                self.units(step),
                self.dtype(),
            );
        }
    }

    /// Takes the gradient of the initial state of the rows that began with a step.
    pub(super) fn end(&self, step: &Step, back: &CubeTensor, d_hidden: &CubeTensor) {
        let Some((count, dim)) = self.launch_beginning(step) else { return };
        // SAFETY: as in `begin`.
        unsafe {
            state::end::launch_unchecked(
                &self.hidden.client,
                count,
                dim,
                back.clone().into_buffer_arg(),
                d_hidden.clone().into_buffer_arg(),
                self.constants.values.clone().into_buffer_arg(),
                self.constants.entering(),
                self.units(step),
                self.dtype(),
            );
        }
    }

    /// How a kernel for the rows that begin with a step is launched, if any do.
    fn launch_beginning(&self, step: &Step) -> Option<(CubeCount, CubeDim)> {
        let n = step.n - step.n_continued;
        (n > 0).then(|| self.launch(n * self.d_hidden))
    }
}
