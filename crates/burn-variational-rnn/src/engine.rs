//! Which sequences run as one operation.

use burn::nn::LstmState;
use burn::tensor::Tensor;
use burn_variational_dropout::{DropoutMask, Site};
use burn_variational_kernels::{Projection, Recurrence, Sequence, SequenceMasks, SequenceSteps};

use crate::{GateMasks, GateWeights, HiddenState, LayerMasks, RecurrentCell, SiteMasks};

/// What the sequence engine needs of a cell: its recurrence and its weights, and how its state
/// is read and written.
#[derive(Debug, Clone)]
pub struct EngineCell<S> {
    recurrence: Recurrence,
    recurrent: Tensor<2>,
    candidate_bias: Option<Tensor<1>>,
    read: fn(S) -> EngineState,
    write: fn(EngineState) -> S,
}

/// The state of a recurrence that the engine knows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EngineState {
    /// `h_t`, `[batch_size, d_hidden]`.
    pub hidden: Tensor<2>,
    /// `c_t` of an LSTM, `[batch_size, d_hidden]`.
    pub cell: Option<Tensor<2>>,
}

impl From<HiddenState> for EngineState {
    fn from(state: HiddenState) -> Self {
        Self { hidden: state.hidden, cell: None }
    }
}

impl From<EngineState> for HiddenState {
    fn from(state: EngineState) -> Self {
        Self::new(state.hidden)
    }
}

impl From<LstmState<2>> for EngineState {
    fn from(state: LstmState<2>) -> Self {
        Self { hidden: state.hidden, cell: Some(state.cell) }
    }
}

impl From<EngineState> for LstmState<2> {
    fn from(state: EngineState) -> Self {
        Self::new(state.cell.expect("the engine gives an LSTM its cell"), state.hidden)
    }
}

impl<S: Into<EngineState> + From<EngineState>> EngineCell<S> {
    /// A cell without a bias of its own inside the recurrence: `recurrent` is `U`,
    /// `[d_hidden, n_gates · d_hidden]`.
    pub fn new(recurrence: Recurrence, recurrent: Tensor<2>) -> Self {
        Self { recurrence, recurrent, candidate_bias: None, read: S::into, write: S::from }
    }

    /// With `b_hn`, `[d_hidden]`, of a GRU that resets after the product, if it has biases.
    pub fn with_candidate_bias(mut self, bias: Option<Tensor<1>>) -> Self {
        self.candidate_bias = bias;
        self
    }
}

/// Runs a cell over its projected inputs `[n_rows, width]` as one operation, if the engine takes
/// them with all of their masks.
///
/// # Errors
///
/// The projected inputs and the state, if it does not.
#[allow(clippy::result_large_err, reason = "the error is the arguments, given back")]
pub(crate) fn run<C: RecurrentCell>(
    cell: &C,
    projected: Tensor<2>,
    state: C::State,
    masks: &LayerMasks,
    steps: &SequenceSteps,
) -> Result<(Tensor<2>, C::State), (Tensor<2>, C::State)> {
    let declined = |reason: &str, projected, state| {
        log::debug!("{}: plain tensor operations, {reason}", std::any::type_name::<C>());
        Err((projected, state))
    };
    let Some(engine_cell) = cell.engine_cell() else {
        return declined("the engine does not know the cell", projected, state);
    };
    if let Some(site) = site_outside(masks) {
        return declined(&format!("the engine takes no mask at {site}"), projected, state);
    }
    let EngineState { hidden, cell: carried } = (engine_cell.read)(state.clone());
    let recurrent = masks.get(&Site::Recurrent);
    let Some(masks) = sequence_masks(recurrent, hidden.dims(), &hidden) else {
        return declined("the recurrent masks change from step to step", projected, state);
    };
    let EngineCell { recurrence, recurrent, candidate_bias, write, .. } = engine_cell;
    let sequence = Sequence::new(recurrence, recurrent, hidden).with_masks(masks);
    let sequence = match carried {
        Some(cell) => sequence.with_cell(cell),
        None => sequence,
    };
    let sequence = match candidate_bias {
        Some(bias) => sequence.with_candidate_bias(bias),
        None => sequence,
    };
    if !sequence.is_supported(&projected) {
        return declined("no engine for the device, or a mask is learned", projected, state);
    }
    let result = sequence.run_packed(projected, steps);
    Ok((result.outputs, write(EngineState { hidden: result.hidden, cell: result.cell })))
}

/// A site whose masks act inside the recurrence and are none that the engine takes.
fn site_outside(masks: &LayerMasks) -> Option<&Site> {
    // Those of the input are in what was projected, those of the output come after.
    let taken = [Site::Input, Site::Recurrent, Site::Output];
    masks.iter().find(|(site, masks)| !taken.contains(site) && !masks.is_identity()).map(|(s, _)| s)
}

/// Projects all inputs as one operation, if the engine takes them.
///
/// # Panics
///
/// If a mask has other dims than a step of the input.
pub(crate) fn project(
    gates: &GateWeights,
    input: &Tensor<3>,
    masks: &SiteMasks,
) -> Option<Tensor<3>> {
    let [seq_length, batch_size, d_input] = input.dims();
    masks.check_gates(gates.n_gates());
    let regular = || SequenceSteps::regular(seq_length, batch_size);
    let (input, masks, steps) = match masks.repeated() {
        Some((_, steps)) => {
            let steps = steps.cloned().unwrap_or_else(regular);
            let dims = [steps.batch_size(), d_input];
            (input.clone(), sequence_masks(masks, dims, input)?, steps)
        }
        // Another mask at every step is no constant of the sequence.
        None if masks.is_tied() => (masks.apply_tied(input), SequenceMasks::Identity, regular()),
        None => return None,
    };
    let projection = Projection::new(gates.input.val()).with_masks(masks);
    let projection = match &gates.bias {
        Some(bias) => projection.with_bias(bias.val()),
        None => projection,
    };
    projection.is_supported(&input).then(|| {
        let projected = projection.run_packed(input.reshape([steps.n_rows(), d_input]), &steps);
        let [_, width] = projected.dims();
        projected.reshape([seq_length, batch_size, width])
    })
}

/// The masks of a sequence of steps of these dims, if they are the same at every step. Gates
/// without a mask beside others with one get ones, on the device and of the type of `like`.
///
/// # Panics
///
/// If a mask has other dims.
fn sequence_masks<const D: usize>(
    masks: &SiteMasks,
    dims: [usize; 2],
    like: &Tensor<D>,
) -> Option<SequenceMasks> {
    let masks = match masks {
        masks if masks.is_identity() => return Some(SequenceMasks::Identity),
        masks => masks.repeated()?.0,
    };
    for mask in masks.masks() {
        mask.check_dims(dims);
    }
    let values = |mask: &DropoutMask<2>| {
        let identity = || Tensor::ones(dims, (&like.device(), like.dtype()));
        mask.values().unwrap_or_else(identity)
    };
    Some(match masks {
        GateMasks::Tied(mask) => SequenceMasks::Tied(values(mask)),
        GateMasks::Untied(masks) => {
            SequenceMasks::Untied(Tensor::stack(masks.iter().map(values).collect(), 0))
        }
    })
}
