//! A sequence from the first step to the last.

use burn::backend::{Flex, TensorMetadata};

use crate::flex::memory::{FlexTensor, buffer, contiguous, elements, owned};
use crate::flex::numbers::Real;
use crate::flex::products::mask_values;
use crate::flex::recurrences::{gru, lstm, rnn};
use crate::flex::sharing::Sizes;
use crate::operands::{Keep, SequenceConstants, SequenceTrace};
use crate::recurrence::Recurrence;

pub(crate) fn sequence<T: Real>(
    recurrence: Recurrence,
    projected: FlexTensor,
    constants: &SequenceConstants<Flex>,
    keep: Keep,
) -> SequenceTrace<Flex> {
    let sizes = Sizes::new(recurrence, projected.shape()[0], &constants.hidden);
    let Sizes { seq_length, batch_size, d_hidden, .. } = sizes;
    let constants = contiguous(constants);
    let dtype = projected.dtype();
    let steps = |n_steps: usize| buffer([n_steps, batch_size, d_hidden], dtype);
    // A step reads at most the cells of the step before, so two in turns are enough.
    let kept = |turns: usize| if keep == Keep::Trace { seq_length } else { turns };
    let masks = mask_values::<T>(&constants.masks);
    let (recurrent, hidden) = (T::elements(&constants.recurrent), T::elements(&constants.hidden));
    match recurrence {
        Recurrence::Lstm => {
            let (mut gates, mut cells) = (owned(projected), steps(kept(2)));
            let mut packed = steps(seq_length + 1);
            let pass = lstm::Forward {
                recurrent,
                masks,
                cell_mask: elements(&constants.cell_mask),
                hidden,
                cell: elements(&constants.cell).expect("an LSTM carries a cell"),
                gates: T::elements_mut(&mut gates),
                cells: T::elements_mut(&mut cells),
                packed: T::elements_mut(&mut packed),
            };
            lstm::forward(sizes, pass);
            SequenceTrace { packed, gates: Some(gates), inner: Some(cells), steps: vec![] }
        }
        Recurrence::Gru { reset_after } => {
            let (mut gates, mut inner) = (owned(projected), steps(kept(1)));
            let mut packed = steps(seq_length);
            let pass = gru::Forward {
                recurrent,
                masks,
                candidate_bias: elements(&constants.candidate_bias),
                hidden,
                gates: T::elements_mut(&mut gates),
                inner: T::elements_mut(&mut inner),
                packed: T::elements_mut(&mut packed),
            };
            if reset_after {
                gru::after::forward(sizes, pass);
            } else {
                gru::before::forward(sizes, pass);
            }
            SequenceTrace { packed, gates: Some(gates), inner: Some(inner), steps: vec![] }
        }
        Recurrence::Rnn => {
            let (projected, mut packed) = (projected.to_contiguous(), steps(seq_length));
            let pass = rnn::Forward {
                recurrent,
                masks,
                hidden,
                projected: T::elements(&projected),
                packed: T::elements_mut(&mut packed),
            };
            rnn::forward(sizes, pass);
            SequenceTrace { packed, gates: None, inner: None, steps: vec![] }
        }
    }
}
