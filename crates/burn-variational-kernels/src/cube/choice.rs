//! Where kernels run, and where the generic body does.

use burn::backend::DType;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::CubeDevice;
use cubecl::ir::HardwareProperties;

use super::whole::{PROCESSORS, rows_together};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// The tensors of a kernel, and one more for the sizes it is given.
const BINDINGS: u32 = 8;

/// Masks on what a step computes, and the initial state beside them.
const UNIT_MASKS: usize = 6;

/// Which kernels take a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernels {
    /// A product and a kernel a step.
    OfSteps,
    /// One of all steps, which takes so many rows of the batch together.
    OfSequence { rows: usize },
}

impl Kernels {
    /// Those of a sequence that kernels take.
    pub(super) fn of(
        recurrence: Recurrence,
        dtype: DType,
        device: &CubeDevice,
        steps: &SequenceSteps,
        d_hidden: usize,
    ) -> Self {
        #[cfg(feature = "testing")]
        if crate::testing::are_whole_sequences_ruled_out() {
            return Self::OfSteps;
        }
        // On its way back a kernel of all steps of such a GRU binds one tensor more than others.
        let (resets_after, hardware) =
            (recurrence == Recurrence::Gru { reset_after: true }, hardware(device));
        if resets_after && hardware.max_bindings <= BINDINGS {
            return Self::OfSteps;
        }
        let (batch_size, n_gates) = (steps.batch_size(), recurrence.n_gates());
        let rows = rows_together(&hardware, batch_size, d_hidden, n_gates, dtype.size());
        rows.map_or(Self::OfSteps, |rows| Self::OfSequence { rows })
    }
}

/// Whether kernels take a sequence. Where they do not, the log says why.
pub(super) fn has_kernels(
    recurrence: Recurrence,
    dtype: DType,
    device: &CubeDevice,
    steps: &SequenceSteps,
    d_hidden: usize,
) -> bool {
    let Some(reason) = refused(recurrence, dtype, device, steps, d_hidden) else { return true };
    log::debug!("{recurrence:?} on {device:?}: the generic body of the sequence, {reason}");
    false
}

fn refused(
    recurrence: Recurrence,
    dtype: DType,
    device: &CubeDevice,
    steps: &SequenceSteps,
    d_hidden: usize,
) -> Option<String> {
    #[cfg(feature = "testing")]
    if crate::testing::are_kernels_ruled_out() {
        return Some("for a test".into());
    }
    if !matches!(dtype, DType::F32 | DType::F16) {
        return Some(format!("since kernels are for f32 and f16, not {dtype:?}"));
    }
    if !device.client().properties().supports_type(dtype_to_storage_type(dtype)) {
        return Some(format!("since the device has no {dtype:?}"));
    }
    // Nothing is larger than the gates of all steps, but masks of each of them and of units together.
    let n_rows = steps.n_rows() + steps.batch_size();
    let elements = n_rows * (recurrence.n_gates() + UNIT_MASKS) * d_hidden;
    if u32::try_from(elements).is_err() {
        return Some(format!("since {elements} elements are more than 32 bits count"));
    }
    let bindings = hardware(device).max_bindings;
    (bindings < BINDINGS)
        .then(|| format!("since a kernel binds {BINDINGS} buffers and the device {bindings}"))
}

/// What the device has, of which a test may leave it less.
fn hardware(device: &CubeDevice) -> HardwareProperties {
    #[allow(unused_mut, reason = "tests alone leave it less")]
    let mut hardware = device.client().properties().hardware.clone();
    #[cfg(feature = "testing")]
    if let Some(most) = crate::testing::hardware() {
        let shared_memory = hardware.max_shared_memory_size.min(most.max_shared_memory);
        let processors = hardware.num_streaming_multiprocessors.unwrap_or(PROCESSORS);
        hardware.max_bindings = hardware.max_bindings.min(most.max_bindings);
        hardware.max_shared_memory_size = shared_memory;
        hardware.num_streaming_multiprocessors = Some(processors.min(most.processors));
    }
    hardware
}
