//! Which sequences run as one operation.

use burn::tensor::{Device, Tensor};
use burn_variational_dropout::DropoutMask;
use burn_variational_kernels::{Projection, Recurrence, Sequence, SequenceMasks};

use crate::{GateMasks, GateWeights, RecurrentCell, RecurrentState, SiteMasks};

/// What the sequence engine needs of a cell: its recurrence and its weights.
#[derive(Debug, Clone)]
pub struct EngineCell {
    /// The recurrence.
    pub recurrence: Recurrence,
    /// `U`, `[d_hidden, n_gates · d_hidden]`.
    pub recurrent: Tensor<2>,
    /// `b_hn`, `[d_hidden]`, of a GRU that resets after the product.
    pub candidate_bias: Option<Tensor<1>>,
}

impl EngineCell {
    /// A cell without a bias of its own inside the recurrence.
    pub fn new(recurrence: Recurrence, recurrent: Tensor<2>) -> Self {
        Self { recurrence, recurrent, candidate_bias: None }
    }
}

/// Runs a cell over its projected inputs as one operation, if the engine takes them.
///
/// # Errors
///
/// The projected inputs and the state, if it does not.
#[allow(clippy::result_large_err, reason = "the error is the arguments, given back")]
pub(crate) fn run<C: RecurrentCell>(
    cell: &C,
    projected: Tensor<3>,
    state: C::State,
    recurrent: &SiteMasks,
) -> Result<(Tensor<3>, C::State), (Tensor<3>, C::State)> {
    let declined = |reason: &str, projected, state| {
        log::debug!("{}: plain tensor operations, {reason}", std::any::type_name::<C>());
        Err((projected, state))
    };
    let Some(engine_cell) = cell.engine_cell() else {
        return declined("the engine does not know the cell", projected, state);
    };
    let (mut hidden, mut carried) = (None, None);
    let state = state.map(&mut |name, tensor| {
        let place = if name == "cell" { &mut carried } else { &mut hidden };
        *place = Some(tensor.clone());
        tensor
    });
    let hidden = hidden.expect("a state has a hidden tensor");
    let Some(masks) = sequence_masks(recurrent, hidden.dims(), &hidden.device()) else {
        return declined("the recurrent masks change from step to step", projected, state);
    };
    let EngineCell { recurrence, recurrent, candidate_bias } = engine_cell;
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
    let result = sequence.run(projected);
    let state = state.map(&mut |name, tensor| match (name, &result.cell) {
        ("cell", Some(cell)) => cell.clone(),
        ("hidden", _) => result.hidden.clone(),
        _ => tensor,
    });
    Ok((result.outputs, state))
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
    let [_, batch_size, d_input] = input.dims();
    masks.check_gates(gates.n_gates());
    let (input, masks) = match masks {
        // Another mask at every step is no constant of the sequence.
        SiteMasks::PerStep(GateMasks::Tied(mask)) => {
            (mask.apply(input.clone()), SequenceMasks::Identity)
        }
        SiteMasks::PerStep(GateMasks::Untied(_)) => return None,
        masks => (input.clone(), sequence_masks(masks, [batch_size, d_input], &input.device())?),
    };
    let projection = Projection::new(gates.input.val()).with_masks(masks);
    let projection = match &gates.bias {
        Some(bias) => projection.with_bias(bias.val()),
        None => projection,
    };
    projection.is_supported(&input).then(|| projection.run(input))
}

/// The masks of a sequence of steps of these dims, if they are the same at every step.
///
/// # Panics
///
/// If a mask has other dims.
fn sequence_masks(masks: &SiteMasks, dims: [usize; 2], device: &Device) -> Option<SequenceMasks> {
    let masks = match masks {
        SiteMasks::PerSequence(masks) => masks,
        SiteMasks::PerStep(masks) if masks.masks().iter().all(DropoutMask::is_identity) => {
            return Some(SequenceMasks::Identity);
        }
        SiteMasks::PerStep(_) => return None,
    };
    for mask in masks.masks() {
        mask.check_dims(dims);
    }
    Some(match masks {
        GateMasks::Tied(mask) => match mask.values() {
            None => SequenceMasks::Identity,
            Some(values) => SequenceMasks::Tied(values.clone()),
        },
        GateMasks::Untied(masks) if masks.iter().all(DropoutMask::is_identity) => {
            SequenceMasks::Identity
        }
        GateMasks::Untied(masks) => {
            let values = |mask: &DropoutMask<2>| {
                mask.values().cloned().unwrap_or_else(|| Tensor::ones(dims, device))
            };
            SequenceMasks::Untied(Tensor::stack(masks.iter().map(values).collect(), 0))
        }
    })
}
