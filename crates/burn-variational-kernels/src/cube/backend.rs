//! The kernels by recurrence, and the gradients that one product over all steps gives.

use std::ops::Range;

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::choice::Kernels;
use super::entered::entered;
use super::operations::{CubeSequence, Gradients, Kept};
use super::pass::{Pass, WalkedBack, Way};
use super::products::Products;
use super::tensors::{contiguous, reshaped};
use super::walk::AllSteps;
use super::whole::Whole;
use super::{gru, lstm, outputs, rnn};
use crate::operands::{Keep, SequenceConstants, SequenceNeeds};
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
        let pass = Pass::new(recurrence, &constants, &steps, Way::Forward);
        let all = AllSteps::new(&pass);
        let products = |gates| pass.products(&constants.recurrent, recurrence, gates);
        let whole = |rows| Whole::new(&all, constants.recurrent.clone(), rows);
        match recurrence {
            Recurrence::Lstm => {
                let cell = constants.cell.clone().into_option().expect("an LSTM carries a cell");
                match kernels {
                    Kernels::OfSteps => {
                        lstm::steps::forward(&pass, &products(0..4), projected, cell, keep)
                    }
                    Kernels::OfSequence { rows } => {
                        lstm::sequence::forward(&pass, &whole(rows), projected, cell, keep)
                    }
                }
            }
            Recurrence::Gru { reset_after: true } => match kernels {
                Kernels::OfSteps => {
                    gru::after::steps::forward(&pass, &products(0..3), projected, keep)
                }
                Kernels::OfSequence { rows } => {
                    gru::after::sequence::forward(&pass, &whole(rows), projected, keep)
                }
            },
            Recurrence::Gru { reset_after: false } => match kernels {
                Kernels::OfSteps => {
                    let products = [&products(0..2), &products(2..3)];
                    gru::before::steps::forward(&pass, products, projected, keep)
                }
                Kernels::OfSequence { rows } => {
                    gru::before::sequence::forward(&pass, &whole(rows), projected, keep)
                }
            },
            Recurrence::Rnn => match kernels {
                Kernels::OfSteps => rnn::steps::forward(&pass, &products(0..1), projected, keep),
                Kernels::OfSequence { rows } => {
                    rnn::sequence::forward(&pass, &whole(rows), projected, keep)
                }
            },
        }
    }

    fn outputs_of(packed: CubeTensor, n_rows: usize) -> CubeTensor {
        outputs::outputs(packed, n_rows)
    }

    fn with_zeros(gradient: CubeTensor, n_rows: usize) -> CubeTensor {
        outputs::with_zeros(gradient, n_rows)
    }

    fn sequence_backward_kernels(
        recurrence: Recurrence,
        gradient: CubeTensor,
        kept: Kept<Self>,
        constants: SequenceConstants<Self>,
        steps: SequenceSteps,
        kernels: Kernels,
        needs: SequenceNeeds,
    ) -> Gradients<Self> {
        let pass = Pass::new(recurrence, &constants, &steps, Way::Back);
        let all = AllSteps::new(&pass);
        let walk = WalkBack {
            pass,
            all,
            recurrence,
            kernels,
            constants: &constants,
            gradient: contiguous(gradient),
            packed: contiguous(kept.packed),
            needs,
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
    all: AllSteps<'a>,
    recurrence: Recurrence,
    kernels: Kernels,
    constants: &'a SequenceConstants<CubeBackend>,
    gradient: CubeTensor,
    packed: CubeTensor,
    needs: SequenceNeeds,
}

impl WalkBack<'_> {
    fn lstm(&self, gates: CubeTensor, cells: CubeTensor) -> Gradients<CubeBackend> {
        let (pass, gradient) = (&self.pass, &self.gradient);
        let walked = match self.kernels {
            Kernels::OfSteps => {
                lstm::steps::backward(pass, &self.products(0..4), gradient, gates, &cells)
            }
            Kernels::OfSequence { rows } => {
                let whole = self.transposed(rows);
                lstm::sequence::backward(pass, &whole, gradient, gates, &cells, self.needs)
            }
        };
        let d_recurrent = self.recurrent(None, |apart| self.deltas(&walked.projected, apart));
        self.gradients(walked, d_recurrent, None)
    }

    fn gru_after(&self, gates: CubeTensor, inner: CubeTensor) -> Gradients<CubeBackend> {
        let (pass, gradient, packed) = (&self.pass, &self.gradient, &self.packed);
        let (walked, of_candidates) = match self.kernels {
            Kernels::OfSteps => {
                let products = self.products(0..3);
                gru::after::steps::backward(pass, &products, gradient, packed, gates, inner)
            }
            Kernels::OfSequence { rows } => {
                let whole = self.transposed(rows);
                gru::after::sequence::backward(pass, &whole, gradient, packed, gates, inner)
            }
        };
        let d_recurrent = self.recurrent(None, |apart| {
            gru::after::products::of_products(pass, &walked.projected, &of_candidates, apart)
        });
        let d_bias = self.needs.candidate_bias.then(|| {
            let sum = CubeBackend::float_sum_dim(of_candidates, 0);
            reshaped(contiguous(sum), [self.pass.d_hidden])
        });
        self.gradients(walked, d_recurrent, d_bias)
    }

    fn gru_before(&self, gates: CubeTensor, passed: CubeTensor) -> Gradients<CubeBackend> {
        let (pass, gradient, packed) = (&self.pass, &self.gradient, &self.packed);
        let walked = match self.kernels {
            Kernels::OfSteps => {
                let products = [&self.products(0..2), &self.products(2..3)];
                gru::before::steps::backward(pass, products, gradient, packed, gates)
            }
            Kernels::OfSequence { rows } => gru::before::sequence::backward(
                pass,
                &self.transposed(rows),
                gradient,
                packed,
                gates,
            ),
        };
        let d_recurrent =
            self.recurrent(Some(&passed), |apart| self.deltas(&walked.projected, apart));
        self.gradients(walked, d_recurrent, None)
    }

    fn rnn(&self, computed: CubeTensor) -> Gradients<CubeBackend> {
        let (pass, gradient) = (&self.pass, &self.gradient);
        let walked = match self.kernels {
            Kernels::OfSteps => {
                rnn::steps::backward(pass, &self.products(0..1), gradient, &computed)
            }
            Kernels::OfSequence { rows } => {
                rnn::sequence::backward(pass, &self.transposed(rows), gradient, computed)
            }
        };
        let d_recurrent = self.recurrent(None, |apart| self.deltas(&walked.projected, apart));
        self.gradients(walked, d_recurrent, None)
    }

    /// Those that are needed.
    fn gradients(
        &self,
        walked: WalkedBack,
        recurrent: Option<CubeTensor>,
        candidate_bias: Option<CubeTensor>,
    ) -> Gradients<CubeBackend> {
        let WalkedBack { projected, hidden, cell } = walked;
        Gradients {
            projected,
            recurrent: recurrent.into(),
            hidden: hidden.filter(|_| self.needs.hidden).into(),
            cell: cell.filter(|_| self.needs.cell).into(),
            candidate_bias: candidate_bias.into(),
        }
    }

    /// A launch of all steps, with the weights as it reads them on the way back.
    fn transposed(&self, rows: usize) -> Whole<'_> {
        let transposed = CubeBackend::float_transpose(self.constants.recurrent.clone());
        Whole::new(&self.all, transposed, rows)
    }

    fn products(&self, gates: Range<usize>) -> Products {
        self.pass.products(&self.constants.recurrent, self.recurrence, gates)
    }

    /// The gradient of the recurrent weights, if it is needed, `[d_hidden, gates · d_hidden]`:
    /// `enteringᵀ · δ` over all rows at once. `deltas` gives the gradients of what the products gave,
    /// `[n_rows, gates · d_hidden]`, or, told that gates are apart, `[gates, n_rows, d_hidden]`.
    fn recurrent(
        &self,
        passed: Option<&CubeTensor>,
        deltas: impl FnOnce(bool) -> CubeTensor,
    ) -> Option<CubeTensor> {
        if !self.needs.recurrent {
            return None;
        }
        let (n_rows, d_hidden) = (self.pass.steps.n_rows(), self.pass.d_hidden);
        let entered = entered(&self.pass, &self.all, &self.packed, passed);
        let n_blocks = entered.meta.shape()[0];
        if n_blocks == 1 {
            let entered = CubeBackend::float_transpose(reshaped(entered, [n_rows, d_hidden]));
            return Some(CubeBackend::float_matmul(entered, deltas(false)));
        }
        let entered = CubeBackend::float_transpose(entered);
        let product = CubeBackend::float_matmul(entered, deltas(true));
        let side_by_side = contiguous(CubeBackend::float_swap_dims(product, 0, 1));
        Some(reshaped(side_by_side, [d_hidden, n_blocks * d_hidden]))
    }

    /// Gradients of all gates side by side, or each apart.
    fn deltas(&self, side_by_side: &CubeTensor, apart: bool) -> CubeTensor {
        if !apart {
            return side_by_side.clone();
        }
        let (n_rows, d_hidden) = (self.pass.steps.n_rows(), self.pass.d_hidden);
        let n_gates = self.recurrence.n_gates();
        let deltas = reshaped(side_by_side.clone(), [n_rows, n_gates, d_hidden]);
        CubeBackend::float_swap_dims(deltas, 0, 1)
    }
}
