//! A sequence from the last step to the first, and the gradients that one product over all steps
//! gives.

use std::ops::Range;

use burn::backend::{Flex, TensorMetadata};

use crate::flex::memory::{FlexTensor, buffer, contiguous, elements, owned};
use crate::flex::numbers::Real;
use crate::flex::products::{
    Deltas, Entered, Inputs, MaskValues, column_sums, mask_values, weight_gradient,
};
use crate::flex::recurrences::{UnitMasks, gru, lstm, rnn};
use crate::flex::sharing::Sizes;
use crate::operands::{SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

pub(crate) fn sequence_backward<T: Real>(
    recurrence: Recurrence,
    gradient: &FlexTensor,
    trace: SequenceTrace<Flex>,
    constants: &SequenceConstants<Flex>,
    steps: &SequenceSteps,
    needs: SequenceNeeds,
) -> SequenceGradients<Flex> {
    let constants = contiguous(constants);
    let gradient = gradient.to_contiguous();
    let packed = trace.packed.to_contiguous();
    let sizes = Sizes::new(recurrence, steps, &constants.hidden);
    let walk = Walk::<T> {
        sizes,
        constants: &constants,
        masks: mask_values(&constants.masks),
        unit_masks: UnitMasks::new(&constants.unit_masks),
        gradient: &gradient,
        packed: &packed,
        needs,
    };
    match recurrence {
        Recurrence::Lstm => walk.lstm(trace),
        Recurrence::Gru { reset_after: true } => walk.gru_reset_after(trace),
        Recurrence::Gru { reset_after: false } => walk.gru_reset_before(trace),
        Recurrence::Rnn => walk.rnn(trace),
    }
}

/// What all recurrences read on their way back.
struct Walk<'a, T> {
    sizes: Sizes<'a>,
    constants: &'a SequenceConstants<Flex>,
    masks: MaskValues<'a, T>,
    unit_masks: UnitMasks<'a, T>,
    gradient: &'a FlexTensor,
    packed: &'a FlexTensor,
    needs: SequenceNeeds,
}

impl<T: Real> Walk<'_, T> {
    fn lstm(&self, trace: SequenceTrace<Flex>) -> SequenceGradients<Flex> {
        let SequenceConstants { recurrent, cell, .. } = self.constants;
        let mut gates = owned(trace.gates.expect("a traced LSTM keeps its gates"));
        let cells = trace.inner.expect("a traced LSTM keeps its cells").to_contiguous();
        let (mut d_hidden, mut d_cell) = (self.state(), self.state());
        let pass = lstm::Backward {
            recurrent: T::elements(recurrent),
            masks: self.masks,
            unit_masks: self.unit_masks,
            cell: elements(cell).expect("an LSTM carries a cell"),
            cells: T::elements(&cells),
            gradient: T::elements(self.gradient),
            gates: T::elements_mut(&mut gates),
            d_hidden: T::elements_mut(&mut d_hidden),
            d_cell: T::elements_mut(&mut d_cell),
        };
        lstm::backward(self.sizes, pass);
        let d_recurrent =
            self.recurrent_gradient(|walk, output| walk.write_state(output, &gates, 0..4));
        SequenceGradients {
            projected: gates,
            recurrent: d_recurrent,
            hidden: Some(d_hidden),
            cell: Some(d_cell),
            candidate_bias: None,
        }
    }

    fn gru_reset_after(&self, trace: SequenceTrace<Flex>) -> SequenceGradients<Flex> {
        let mut gates = owned(trace.gates.expect("a traced GRU keeps its gates"));
        let mut inner = owned(trace.inner.expect("a traced GRU keeps its candidates' products"));
        let mut d_hidden = self.state();
        gru::after::backward(self.sizes, self.gru(&mut gates, &mut inner, &mut d_hidden));
        let d_recurrent = self.recurrent_gradient(|walk, output| {
            walk.write_state(output, &gates, 0..2);
            walk.write_state(output, &inner, 2..3);
        });
        let d_bias = self.constants.candidate_bias.clone().into_option().map(|_| {
            let mut output = buffer([self.sizes.d_hidden], self.packed.dtype());
            column_sums(T::elements(&inner), T::elements_mut(&mut output));
            output
        });
        SequenceGradients {
            projected: gates,
            recurrent: d_recurrent,
            hidden: Some(d_hidden),
            cell: None,
            candidate_bias: d_bias,
        }
    }

    fn gru_reset_before(&self, trace: SequenceTrace<Flex>) -> SequenceGradients<Flex> {
        let mut gates = owned(trace.gates.expect("a traced GRU keeps its gates"));
        let mut inner =
            owned(trace.inner.expect("a traced GRU keeps what the reset gate let through"));
        let mut d_hidden = self.state();
        gru::before::backward(self.sizes, self.gru(&mut gates, &mut inner, &mut d_hidden));
        let d_recurrent = self.recurrent_gradient(|walk, output| {
            walk.write_state(output, &gates, 0..2);
            let Sizes { steps, d_hidden, .. } = walk.sizes;
            let entered = Entered::Rows(T::elements(&inner));
            let masks = MaskValues::Identity;
            let inputs = Inputs { entered, masks, steps, d_in: d_hidden };
            let width = 3 * d_hidden;
            let values = T::elements(&gates);
            let deltas = Deltas { values, stride: width, first_gate: 0, d_hidden };
            weight_gradient((output, width, 2 * d_hidden), inputs, deltas, 2..3);
        });
        SequenceGradients {
            projected: gates,
            recurrent: d_recurrent,
            hidden: Some(d_hidden),
            cell: None,
            candidate_bias: None,
        }
    }

    fn rnn(&self, trace: SequenceTrace<Flex>) -> SequenceGradients<Flex> {
        let Sizes { steps, d_hidden: width, .. } = self.sizes;
        let computed = trace.inner.as_ref().unwrap_or(self.packed).to_contiguous();
        let mut deltas = buffer([steps.n_rows(), width], self.packed.dtype());
        let mut d_hidden = self.state();
        let pass = rnn::Backward {
            recurrent: T::elements(&self.constants.recurrent),
            masks: self.masks,
            unit_masks: self.unit_masks,
            computed: T::elements(&computed),
            gradient: T::elements(self.gradient),
            deltas: T::elements_mut(&mut deltas),
            d_hidden: T::elements_mut(&mut d_hidden),
        };
        rnn::backward(self.sizes, pass);
        let d_recurrent =
            self.recurrent_gradient(|walk, output| walk.write_state(output, &deltas, 0..1));
        SequenceGradients {
            projected: deltas,
            recurrent: d_recurrent,
            hidden: Some(d_hidden),
            cell: None,
            candidate_bias: None,
        }
    }

    fn gru<'b>(
        &'b self,
        gates: &'b mut FlexTensor,
        inner: &'b mut FlexTensor,
        d_hidden: &'b mut FlexTensor,
    ) -> gru::Backward<'b, T> {
        gru::Backward {
            recurrent: T::elements(&self.constants.recurrent),
            masks: self.masks,
            unit_masks: self.unit_masks,
            hidden: T::elements(&self.constants.hidden),
            packed: T::elements(self.packed),
            gradient: T::elements(self.gradient),
            gates: T::elements_mut(gates),
            inner: T::elements_mut(inner),
            d_hidden: T::elements_mut(d_hidden),
        }
    }

    /// The gradient of the recurrent weights, if it is needed, as `write` fills in all gates.
    fn recurrent_gradient(&self, write: impl FnOnce(&Self, &mut [T])) -> Option<FlexTensor> {
        self.needs.recurrent.then(|| {
            let Sizes { d_hidden, n_gates, .. } = self.sizes;
            let mut output = buffer([d_hidden, n_gates * d_hidden], self.packed.dtype());
            write(self, T::elements_mut(&mut output));
            output
        })
    }

    /// Writes what gates that read the state got. The rows of `deltas` hold all gates of the cell,
    /// or these alone.
    fn write_state(&self, output: &mut [T], deltas: &FlexTensor, gates: Range<usize>) {
        let Sizes { steps, d_hidden, n_gates } = self.sizes;
        let initial = T::elements(&self.constants.hidden);
        let entered = Entered::States { initial, states: T::elements(self.packed) };
        let inputs = Inputs { entered, masks: self.masks, steps, d_in: d_hidden };
        let (width, stride) = (n_gates * d_hidden, deltas.shape()[1]);
        let first_gate = if stride == width { 0 } else { gates.start };
        let deltas = Deltas { values: T::elements(deltas), stride, first_gate, d_hidden };
        weight_gradient((output, width, gates.start * d_hidden), inputs, deltas, gates);
    }

    /// Zeros of the shape and the type of a state.
    fn state(&self) -> FlexTensor {
        let dims = [self.sizes.batch_size(), self.sizes.d_hidden];
        let mut output = buffer(dims, self.packed.dtype());
        T::elements_mut(&mut output).fill(T::ZERO);
        output
    }
}
