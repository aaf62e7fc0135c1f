//! Which sequences run as one operation.

use burn::nn::LstmState;
use burn::tensor::Tensor;
use burn_variational_dropout::{DropoutMask, Site};
use burn_variational_kernels::{
    Projection, Recurrence, Sequence, SequenceMasks, SequenceSteps, UnitMask,
};

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
    let EngineCell { recurrence, recurrent, candidate_bias, read, write } = engine_cell;
    let EngineState { hidden, cell: carried } = read(state.clone());
    let d_hidden = hidden.dims()[1];
    let entering = sequence_masks(masks.get(&Site::Recurrent), steps, d_hidden, &hidden);
    let mut sequence = Sequence::new(recurrence, recurrent, hidden).with_masks(entering);
    if let Some(cell) = carried {
        sequence = sequence.with_cell(cell);
    }
    if let Some(bias) = candidate_bias {
        sequence = sequence.with_candidate_bias(bias);
    }
    for (site, with) in UNIT_SITES {
        if let Some(mask) = unit_mask(masks.get(&site), steps, d_hidden) {
            sequence = with(sequence, mask);
        }
    }
    if !sequence.is_supported(&projected) {
        return declined("no engine for the device, or a mask is learned", projected, state);
    }
    let result = sequence.run_packed(projected, steps);
    Ok((result.outputs, write(EngineState { hidden: result.hidden, cell: result.cell })))
}

/// A site inside a step, and how the engine is given its mask.
type UnitSite = (Site, fn(Sequence, UnitMask) -> Sequence);

/// The sites that the engine reads unit by unit.
const UNIT_SITES: [UnitSite; 5] = [
    (Site::Candidate, Sequence::with_candidate_mask),
    (Site::Cell, Sequence::with_cell_mask),
    (Site::Hidden, Sequence::with_hidden_mask),
    (Site::ZoneoutHidden, Sequence::with_hidden_zoneout),
    (Site::ZoneoutCell, Sequence::with_cell_zoneout),
];

/// A site whose masks act inside the recurrence and are none that the engine takes.
fn site_outside(masks: &LayerMasks) -> Option<&Site> {
    // Those of the input are in what was projected, those of the output come after.
    let taken = [Site::Input, Site::Recurrent, Site::Output];
    let is_taken = |site: &Site| {
        taken.contains(site) || UNIT_SITES.iter().any(|(unit_site, _)| unit_site == site)
    };
    masks.iter().find(|(site, masks)| !is_taken(site) && !masks.is_identity()).map(|(s, _)| s)
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
    let steps = masks.steps().cloned().unwrap_or_else(regular);
    let masks = sequence_masks(masks, &steps, d_input, input);
    let projection = Projection::new(gates.input.val()).with_masks(masks);
    let projection = match &gates.bias {
        Some(bias) => projection.with_bias(bias.val()),
        None => projection,
    };
    projection.is_supported(input).then(|| {
        let rows = input.clone().reshape([steps.n_rows(), d_input]);
        let projected = projection.run_packed(rows, &steps);
        let [_, width] = projected.dims();
        projected.reshape([seq_length, batch_size, width])
    })
}

/// Masks on what enters gates, as the engine takes them. Gates without a mask beside others with one
/// get ones, on the device and of the type of `like`.
///
/// # Panics
///
/// If a mask has other dims.
fn sequence_masks<const D: usize>(
    masks: &SiteMasks,
    steps: &SequenceSteps,
    units: usize,
    like: &Tensor<D>,
) -> SequenceMasks {
    if masks.is_identity() {
        return SequenceMasks::Identity;
    }
    let (masks, is_repeated) = masks.rows();
    let n_rows = if is_repeated { steps.batch_size() } else { steps.n_rows() };
    for mask in masks.masks() {
        mask.check_dims([n_rows, units]);
    }
    let values = |mask: &DropoutMask<2>| {
        let identity = || Tensor::ones([n_rows, units], (&like.device(), like.dtype()));
        mask.values().unwrap_or_else(identity)
    };
    match masks {
        GateMasks::Tied(mask) if is_repeated => SequenceMasks::Tied(values(&mask)),
        GateMasks::Tied(mask) => SequenceMasks::TiedPerStep(values(&mask)),
        GateMasks::Untied(masks) => {
            let masks = Tensor::stack(masks.iter().map(values).collect(), 0);
            if is_repeated {
                SequenceMasks::Untied(masks)
            } else {
                SequenceMasks::UntiedPerStep(masks)
            }
        }
    }
}

/// A mask on what a step computes unit by unit, as the engine takes it.
///
/// # Panics
///
/// If there is a mask for each gate, or it has other dims.
fn unit_mask(masks: &SiteMasks, steps: &SequenceSteps, d_hidden: usize) -> Option<UnitMask> {
    if masks.is_identity() {
        return None;
    }
    let (masks, is_repeated) = masks.rows();
    let n_rows = if is_repeated { steps.batch_size() } else { steps.n_rows() };
    let [mask] = masks.masks() else {
        panic!("SiteMasks: a site without gates must have one mask, got {}", masks.masks().len());
    };
    mask.check_dims([n_rows, d_hidden]);
    mask.values().map(if is_repeated { UnitMask::Repeated } else { UnitMask::PerStep })
}
