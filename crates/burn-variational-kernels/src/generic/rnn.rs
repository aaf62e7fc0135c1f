//! The simple recurrent network over a sequence.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::activations::tanh;
use super::steps::{Ended, arriving, carried, join_walked, join_walked_back, step, through_tanh};
use super::unit_masks::{through_zoneout, zoned_out};
use super::weights::{MaskedWeights, Rows};
use crate::operands::{
    Keep, SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace, StepTrace,
};
use crate::steps::SequenceSteps;

pub(super) fn forward<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<B> {
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1, steps);
    let (mut outputs, mut kept) = (Vec::<FloatTensor<B>>::new(), Vec::new());
    for t in steps.walk() {
        let before = carried::<B>(outputs.last().cloned(), &constants.hidden, steps.n_at(t));
        let entering = recurrent.mask(before.clone(), Rows::OfStep(t));
        let (x, product) = (step::<B>(&projected, steps, t), recurrent.product(entering));
        let mut h = tanh::<B>(B::float_add(x, product));
        if let Some(share) = constants.unit_masks.at(steps, t).hidden_zoneout {
            if keep == Keep::Trace {
                kept.push(StepTrace { gates: vec![], inner: h.clone() });
            }
            h = zoned_out::<B>(h, before, &share);
        }
        outputs.push(h);
    }
    let packed = join_walked::<B>(outputs, steps);
    SequenceTrace { packed, gates: None, inner: None, steps: kept }
}

pub(super) fn backward<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    needs: SequenceNeeds,
) -> SequenceGradients<B> {
    let mut kept = trace.steps;
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1, steps);
    let mut deltas = Vec::<FloatTensor<B>>::with_capacity(steps.seq_length());
    let (mut kept_back, mut d_initial) = (None, Ended::<B>::new());
    for t in steps.walk().rev() {
        // Without zoneout a step's output is what it computed.
        let computed = kept.pop().map(|step| step.inner);
        let computed = computed.unwrap_or_else(|| step::<B>(&trace.packed, steps, t));
        let gradient = step::<B>(gradient, steps, t);
        let back = recurrent.handed_back(kept_back.take(), &deltas);
        d_initial.take(back.as_ref(), steps.n_at(t));
        let dh = arriving::<B>(gradient, back);
        let share = constants.unit_masks.at(steps, t).hidden_zoneout;
        let (dh, past) = through_zoneout::<B>(dh, share.as_ref());
        kept_back = past;
        deltas.push(through_tanh::<B>(dh, &computed));
    }
    let back = recurrent.handed_back(kept_back, &deltas);
    d_initial.take(back.as_ref(), 0);
    let deltas = join_walked_back::<B>(deltas, steps);
    let d_recurrent = needs
        .recurrent
        .then(|| recurrent.recurrent_gradient(constants, &trace.packed, deltas.clone()));
    SequenceGradients {
        projected: deltas,
        recurrent: d_recurrent,
        hidden: Some(d_initial.join()),
        cell: None,
        candidate_bias: None,
    }
}
