//! A sequence by kernels, as operations that fusion can put off until their results are asked for.

use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::choice::Kernels;
use crate::operands::{
    Keep, Optional, OptionalMaskMetadata, OptionalMetadata, SequenceConstants,
    SequenceConstantsMetadata, SequenceNeeds,
};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// What a forward pass keeps, as [`SequenceTrace`](crate::operands::SequenceTrace) has it but for
/// `inner`.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion)]
pub(crate) struct Kept<B: Backend> {
    pub(crate) packed: FloatTensor<B>,
    #[extension_type]
    pub(crate) gates: Optional<B>,
    /// As the trace has it, but of an LSTM the cell `c_{t-1}` that each step was given, from which
    /// and the gates it is computed again; and none of a simple RNN whose outputs are the same.
    #[extension_type]
    pub(crate) inner: Optional<B>,
}

/// The gradients of [`SequenceGradients`](crate::operands::SequenceGradients).
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion)]
pub(crate) struct Gradients<B: Backend> {
    pub(crate) projected: FloatTensor<B>,
    #[extension_type]
    pub(crate) recurrent: Optional<B>,
    #[extension_type]
    pub(crate) hidden: Optional<B>,
    #[extension_type]
    pub(crate) cell: Optional<B>,
    #[extension_type]
    pub(crate) candidate_bias: Optional<B>,
}

/// The kernels of a sequence. Fusion is told what comes out of them before they run.
#[backend_extension(Cube, Fusion)]
pub(crate) trait CubeSequence: Backend {
    /// From the first step to the last.
    #[fusion(meta = kept)]
    fn sequence_kernels(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        #[extension_type] constants: SequenceConstants<Self>,
        steps: SequenceSteps,
        kernels: Kernels,
        keep: Keep,
    ) -> Kept<Self>;

    /// From the last step to the first.
    #[fusion(meta = gradients)]
    fn sequence_backward_kernels(
        recurrence: Recurrence,
        gradient: FloatTensor<Self>,
        #[extension_type] kept: Kept<Self>,
        #[extension_type] constants: SequenceConstants<Self>,
        steps: SequenceSteps,
        kernels: Kernels,
        needs: SequenceNeeds,
    ) -> Gradients<Self>;

    /// The first rows of a packed result.
    #[fusion(meta = rows_of)]
    fn outputs_of(packed: FloatTensor<Self>, n_rows: usize) -> FloatTensor<Self>;

    /// So many rows of zeros after those of a gradient.
    #[fusion(meta = more_rows)]
    fn with_zeros(gradient: FloatTensor<Self>, n_rows: usize) -> FloatTensor<Self>;
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "fusion hands over references")]
fn rows_of(packed: &TensorSpec, n_rows: &usize) -> TensorSpec {
    TensorSpec::new([*n_rows, packed.shape[1]].into(), packed.dtype)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "fusion hands over references")]
fn more_rows(gradient: &TensorSpec, n_rows: &usize) -> TensorSpec {
    TensorSpec::new([gradient.shape[0] + n_rows, gradient.shape[1]].into(), gradient.dtype)
}

/// What the kernels keep.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "fusion hands over references")]
fn kept(
    recurrence: &Recurrence,
    projected: &TensorSpec,
    constants: &SequenceConstantsMetadata,
    steps: &SequenceSteps,
    _kernels: &Kernels,
    keep: &Keep,
) -> KeptMetadata {
    let d_hidden = constants.hidden.shape[1];
    let rows = |n_rows: usize, width| TensorSpec::new([n_rows, width].into(), projected.dtype);
    let n_rows = steps.n_rows();
    let when = |kept: bool, width| {
        if kept && *keep == Keep::Trace {
            OptionalMetadata::Present(rows(n_rows, width))
        } else {
            OptionalMetadata::Absent
        }
    };
    let n_last = if recurrence.has_cell() { steps.batch_size() } else { 0 };
    let is_rnn = *recurrence == Recurrence::Rnn;
    let zoneout = &constants.unit_masks.hidden_zoneout;
    let zones_out = !matches!(zoneout, OptionalMaskMetadata::Absent);
    KeptMetadata {
        packed: rows(n_rows + n_last, d_hidden),
        gates: when(!is_rnn, recurrence.n_gates() * d_hidden),
        inner: when(!is_rnn || zones_out, d_hidden),
    }
}

/// The gradients that the kernels give.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "fusion hands over references")]
fn gradients(
    recurrence: &Recurrence,
    _gradient: &TensorSpec,
    kept: &KeptMetadata,
    constants: &SequenceConstantsMetadata,
    steps: &SequenceSteps,
    _kernels: &Kernels,
    needs: &SequenceNeeds,
) -> GradientsMetadata {
    let width = recurrence.n_gates() * constants.hidden.shape[1];
    let projected = TensorSpec::new([steps.n_rows(), width].into(), kept.packed.dtype);
    let when = |needed: bool, like: &TensorSpec| {
        if needed { OptionalMetadata::Present(like.clone()) } else { OptionalMetadata::Absent }
    };
    GradientsMetadata {
        projected,
        recurrent: when(needs.recurrent, &constants.recurrent),
        hidden: when(needs.hidden, &constants.hidden),
        cell: when(needs.cell, &constants.hidden),
        candidate_bias: if needs.candidate_bias {
            constants.candidate_bias.clone()
        } else {
            OptionalMetadata::Absent
        },
    }
}
