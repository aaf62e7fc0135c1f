//! A sequence from the first step to the last.

use burn::backend::Flex;

use crate::flex::memory::{FlexTensor, buffer, contiguous, elements, owned};
use crate::flex::numbers::Real;
use crate::flex::products::mask_values;
use crate::flex::recurrences::{UnitMasks, gru, lstm, rnn};
use crate::flex::sharing::Sizes;
use crate::operands::{Keep, SequenceConstants, SequenceTrace};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

pub(crate) fn sequence<T: Real>(
    recurrence: Recurrence,
    projected: FlexTensor,
    constants: &SequenceConstants<Flex>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<Flex> {
    let sizes = Sizes::new(recurrence, steps, &constants.hidden);
    let (n_rows, batch_size) = (steps.n_rows(), steps.batch_size());
    let constants = contiguous(constants);
    let dtype = projected.dtype();
    let rows = |n_rows: usize| buffer([n_rows, sizes.d_hidden], dtype);
    // A step reads at most the cells of the step before, so two in turns are enough.
    let kept = |turns: usize| rows(if keep == Keep::Trace { n_rows } else { turns * batch_size });
    let masks = mask_values::<T>(&constants.masks);
    let unit_masks = UnitMasks::<T>::new(&constants.unit_masks);
    let (recurrent, hidden) = (T::elements(&constants.recurrent), T::elements(&constants.hidden));
    match recurrence {
        Recurrence::Lstm => {
            let (mut gates, mut cells) = (owned(projected), kept(2));
            let mut packed = rows(n_rows + batch_size);
            let pass = lstm::Forward {
                recurrent,
                masks,
                unit_masks,
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
            let (mut gates, mut inner) = (owned(projected), kept(1));
            let mut packed = rows(n_rows);
            let pass = gru::Forward {
                recurrent,
                masks,
                unit_masks,
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
            let (projected, mut packed) = (projected.to_contiguous(), rows(n_rows));
            let keep = keep == Keep::Trace && unit_masks.zones_out_hidden();
            let mut inner = keep.then(|| rows(n_rows));
            let pass = rnn::Forward {
                recurrent,
                masks,
                unit_masks,
                hidden,
                projected: T::elements(&projected),
                inner: inner.as_mut().map(T::elements_mut),
                packed: T::elements_mut(&mut packed),
            };
            rnn::forward(sizes, pass);
            SequenceTrace { packed, gates: None, inner, steps: vec![] }
        }
    }
}
