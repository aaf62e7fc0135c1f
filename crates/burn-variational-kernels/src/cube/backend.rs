//! The kernels by recurrence, and the gradients that one product over all steps gives.

use std::ops::Range;

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Slice, TensorMetadata};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::choice::Kernels;
use super::operations::{CubeSequence, Gradients, Kept};
use super::pass::Pass;
use super::products::Products;
use super::tensors::contiguous;
use super::whole::Whole;
use super::{gru, lstm, rnn};
use crate::generic;
use crate::operands::{Keep, Optional, SequenceConstants};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

impl CubeSequence for CubeBackend {
    fn sequence_kernels(
        recurrence: Recurrence,
        projected: CubeTensor,
        constants: SequenceConstants<Self>,
        steps: SequenceSteps,
        kernels: Kernels,
        keep: Keep,
    ) -> Kept<Self> {
        let pass = Pass::new(recurrence, &constants, &steps, kernels);
        let products = |gates| pass.products(&constants.recurrent, recurrence, gates);
        match recurrence {
            Recurrence::Lstm => {
                let cell = constants.cell.clone().into_option().expect("an LSTM carries a cell");
                match kernels {
                    Kernels::OfSteps => {
                        lstm::steps::forward(&pass, &products(0..4), projected, cell, keep)
                    }
                    Kernels::OfSequence { rows } => {
                        let whole = Whole::new(&pass, constants.recurrent.clone(), rows);
                        lstm::sequence::forward(&pass, &whole, projected, cell, keep)
                    }
                }
            }
            Recurrence::Gru { reset_after: true } => {
                gru::after::forward(&pass, &products(0..3), projected, keep)
            }
            Recurrence::Gru { reset_after: false } => {
                let products = [&products(0..2), &products(2..3)];
                gru::before::forward(&pass, products, projected, keep)
            }
            Recurrence::Rnn => match kernels {
                Kernels::OfSteps => rnn::steps::forward(&pass, &products(0..1), projected, keep),
                Kernels::OfSequence { rows } => {
                    let whole = Whole::new(&pass, constants.recurrent.clone(), rows);
                    rnn::sequence::forward(&pass, &whole, projected, keep)
                }
            },
        }
    }

    fn sequence_backward_kernels(
        recurrence: Recurrence,
        gradient: CubeTensor,
        kept: Kept<Self>,
        constants: SequenceConstants<Self>,
        steps: SequenceSteps,
        kernels: Kernels,
        needs_recurrent: bool,
    ) -> Gradients<Self> {
        let walk = WalkBack {
            pass: Pass::new(recurrence, &constants, &steps, kernels),
            recurrence,
            kernels,
            constants: &constants,
            gradient: contiguous(gradient),
            packed: contiguous(kept.packed),
            needs_recurrent,
        };
        let (gates, inner) = (kept.gates.into_option(), kept.inner.into_option());
        match recurrence {
            Recurrence::Lstm => walk.lstm(given(gates), given(inner)),
            Recurrence::Gru { reset_after: true } => walk.gru_after(given(gates), given(inner)),
            Recurrence::Gru { reset_after: false } => walk.gru_before(given(gates), given(inner)),
            Recurrence::Rnn => walk.rnn(given(inner)),
        }
    }
}

fn given(kept: Option<CubeTensor>) -> CubeTensor {
    kept.expect("a traced sequence keeps it")
}

/// What all recurrences read on their way back.
struct WalkBack<'a> {
    pass: Pass<'a>,
    recurrence: Recurrence,
    kernels: Kernels,
    constants: &'a SequenceConstants<CubeBackend>,
    gradient: CubeTensor,
    packed: CubeTensor,
    needs_recurrent: bool,
}

impl WalkBack<'_> {
    fn lstm(&self, gates: CubeTensor, cells: CubeTensor) -> Gradients<CubeBackend> {
        let (pass, gradient) = (&self.pass, &self.gradient);
        let found = match self.kernels {
            Kernels::OfSteps => {
                lstm::steps::backward(pass, &self.products(0..4), gradient, gates, &cells)
            }
            Kernels::OfSequence { rows } => {
                lstm::sequence::backward(pass, &self.transposed(rows), gradient, gates, &cells)
            }
        };
        let d_recurrent = self.needed(|| self.recurrent_gradient(0..4, found.projected.clone()));
        Gradients { recurrent: d_recurrent, ..found }
    }

    fn gru_after(&self, gates: CubeTensor, inner: CubeTensor) -> Gradients<CubeBackend> {
        let products = self.products(0..3);
        let (found, of_candidates) =
            gru::after::backward(&self.pass, &products, &self.gradient, &self.packed, gates, inner);
        let d_recurrent = self.needed(|| {
            let of_resets = self.gates(&found.projected, 0..2);
            let d_resets = self.recurrent_gradient(0..2, of_resets);
            let d_candidate = self.recurrent_gradient(2..3, of_candidates.clone());
            CubeBackend::float_cat(vec![d_resets, d_candidate], 1)
        });
        let d_bias = self.constants.candidate_bias.clone().into_option().map(|bias| {
            let sum = CubeBackend::float_sum_dim(of_candidates, 0);
            CubeBackend::float_reshape(sum, bias.shape())
        });
        Gradients { recurrent: d_recurrent, candidate_bias: d_bias.into(), ..found }
    }

    fn gru_before(&self, gates: CubeTensor, passed: CubeTensor) -> Gradients<CubeBackend> {
        let products = [&self.products(0..2), &self.products(2..3)];
        let found =
            gru::before::backward(&self.pass, products, &self.gradient, &self.packed, gates);
        let d_recurrent = self.needed(|| {
            let of_resets = self.gates(&found.projected, 0..2);
            let d_resets = self.recurrent_gradient(0..2, of_resets);
            let of_candidates = self.gates(&found.projected, 2..3);
            let passed = CubeBackend::float_transpose(passed);
            let d_candidate = CubeBackend::float_matmul(passed, of_candidates);
            CubeBackend::float_cat(vec![d_resets, d_candidate], 1)
        });
        Gradients { recurrent: d_recurrent, ..found }
    }

    fn rnn(&self, computed: CubeTensor) -> Gradients<CubeBackend> {
        let (pass, gradient) = (&self.pass, &self.gradient);
        let found = match self.kernels {
            Kernels::OfSteps => {
                rnn::steps::backward(pass, &self.products(0..1), gradient, &computed)
            }
            Kernels::OfSequence { rows } => {
                rnn::sequence::backward(pass, &self.transposed(rows), gradient, computed)
            }
        };
        let d_recurrent = self.needed(|| self.recurrent_gradient(0..1, found.projected.clone()));
        Gradients { recurrent: d_recurrent, ..found }
    }

    /// A launch of all steps, with the weights as it reads them on the way back.
    fn transposed(&self, rows: usize) -> Whole<'_> {
        let transposed = CubeBackend::float_transpose(self.constants.recurrent.clone());
        Whole::new(&self.pass, transposed, rows)
    }

    fn products(&self, gates: Range<usize>) -> Products {
        self.pass.products(&self.constants.recurrent, self.recurrence, gates)
    }

    /// The gradient of the recurrent weights, if it is needed.
    fn needed(&self, gradient: impl FnOnce() -> CubeTensor) -> Optional<CubeBackend> {
        self.needs_recurrent.then(gradient).into()
    }

    /// Of gates that read the state as it is.
    fn recurrent_gradient(&self, gates: Range<usize>, deltas: CubeTensor) -> CubeTensor {
        let (constants, steps) = (self.constants, self.pass.steps);
        generic::recurrent_gradient::<CubeBackend>(constants, gates, &self.packed, deltas, steps)
    }

    /// Some gates of all steps.
    fn gates(&self, values: &CubeTensor, gates: Range<usize>) -> CubeTensor {
        let (n_rows, width) = (self.pass.steps.n_rows(), self.pass.d_hidden);
        let columns = gates.start * width..gates.end * width;
        CubeBackend::float_slice(values.clone(), &[0..n_rows, columns].map(Slice::from))
    }
}
