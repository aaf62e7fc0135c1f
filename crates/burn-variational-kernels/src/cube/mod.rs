//! The kernels of GPUs, in `CubeCL`: one source for CUDA, Vulkan, Metal and WebGPU.
//!
//! A small layer goes through all steps in one kernel, forward and backward. Of others a step takes a
//! matrix product and a kernel for all that is done unit by unit. What steps read and give is neither
//! cut nor joined: kernels find the rows of a step in the tensors of all steps, and write where results
//! and what is kept lie in the end. What is constant is joined once.

#![allow(clippy::used_underscore_binding, reason = "CubeCL reads the type that names `F`")]

mod backend;
mod choice;
mod constants;
mod entered;
pub(crate) mod factors;
mod gru;
mod join;
mod lstm;
mod masks;
mod operations;
mod outputs;
mod pass;
mod pointwise;
mod products;
mod rnn;
mod state;
mod step;
mod tensors;
mod walk;
mod whole;
mod words;

use burn::backend::Cube;
use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;

use self::choice::{Kernels, has_kernels};
use self::operations::{CubeSequence, Kept};
use crate::generic;
use crate::kernels::SequenceKernels;
use crate::operands::{Keep, SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

impl SequenceKernels for Cube {
    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> FloatTensor<Self> {
        sequence(recurrence, projected, &constants, steps, Keep::Result).packed
    }

    fn sequence_trace(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: &SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> SequenceTrace<Self> {
        sequence(recurrence, projected, constants, steps, Keep::Trace)
    }

    fn outputs(packed: &FloatTensor<Self>, batch_size: usize) -> FloatTensor<Self> {
        let n_rows = packed.shape()[0] - batch_size;
        Self::outputs_of(packed.clone(), n_rows)
    }

    fn outputs_backward(gradient: FloatTensor<Self>, batch_size: usize) -> FloatTensor<Self> {
        let [n_rows, width] = gradient.shape().dims();
        if u32::try_from((n_rows + batch_size) * width).is_err() {
            return generic::outputs_backward::<Self>(gradient, batch_size);
        }
        Self::with_zeros(gradient, batch_size)
    }

    fn sequence_backward(
        recurrence: Recurrence,
        gradient: FloatTensor<Self>,
        trace: SequenceTrace<Self>,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
        needs: SequenceNeeds,
    ) -> SequenceGradients<Self> {
        // The generic body keeps steps instead, or the outputs alone.
        if trace.inner.is_none() {
            return generic::sequence_backward(
                recurrence, gradient, trace, &constants, steps, needs,
            );
        }
        let (dtype, device) = (gradient.dtype(), gradient.device());
        let kernels = Kernels::of(recurrence, dtype, &device, steps, constants.hidden.shape()[1]);
        let SequenceTrace { packed, gates, inner, .. } = trace;
        let kept = Kept { packed, gates: gates.into(), inner: inner.into() };
        let steps = steps.clone();
        let found = Self::sequence_backward_kernels(
            recurrence, gradient, kept, constants, steps, kernels, needs,
        );
        SequenceGradients {
            projected: found.projected,
            recurrent: found.recurrent.into_option(),
            hidden: found.hidden.into_option(),
            cell: found.cell.into_option(),
            candidate_bias: found.candidate_bias.into_option(),
        }
    }
}

fn sequence(
    recurrence: Recurrence,
    projected: FloatTensor<Cube>,
    constants: &SequenceConstants<Cube>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<Cube> {
    let (dtype, device) = (projected.dtype(), projected.device());
    let d_hidden = constants.hidden.shape()[1];
    if !has_kernels(recurrence, dtype, &device, steps, d_hidden) {
        return generic::sequence(recurrence, projected, constants, steps, keep);
    }
    let kernels = Kernels::of(recurrence, dtype, &device, steps, d_hidden);
    #[cfg(feature = "testing")]
    crate::testing::count(crate::testing::Operation::SequenceKernels);
    #[cfg(feature = "testing")]
    if kernels != Kernels::OfSteps {
        crate::testing::count(crate::testing::Operation::WholeSequence);
    }
    let (constants, steps) = (constants.clone(), steps.clone());
    let Kept { packed, gates, inner } =
        Cube::sequence_kernels(recurrence, projected, constants, steps, kernels, keep);
    // A simple RNN may have computed no more than its outputs.
    let inner = inner.into_option().unwrap_or_else(|| packed.clone());
    SequenceTrace { packed, gates: gates.into_option(), inner: Some(inner), steps: vec![] }
}
