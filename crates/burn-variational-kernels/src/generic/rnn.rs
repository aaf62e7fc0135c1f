//! The simple recurrent network over a sequence.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::steps::{Ended, arriving, carried, join_walked, join_walked_back, step, through_tanh};
use super::weights::MaskedWeights;
use crate::operands::{SequenceConstants, SequenceGradients, SequenceTrace};
use crate::steps::SequenceSteps;

pub(super) fn forward<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
) -> SequenceTrace<B> {
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1, steps);
    let mut outputs = Vec::<FloatTensor<B>>::new();
    for t in steps.walk() {
        let h = carried::<B>(outputs.last().cloned(), &constants.hidden, steps.n_at(t));
        let entering = recurrent.mask(h);
        let (x, product) = (step::<B>(&projected, steps, t), recurrent.product(entering));
        outputs.push(B::float_tanh(B::float_add(x, product)));
    }
    let packed = join_walked::<B>(outputs, steps);
    SequenceTrace { packed, gates: None, inner: None, steps: vec![] }
}

pub(super) fn backward<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    needs_recurrent: bool,
) -> SequenceGradients<B> {
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1, steps);
    let mut deltas = Vec::<FloatTensor<B>>::with_capacity(steps.seq_length());
    let mut d_initial = Ended::<B>::new();
    for t in steps.walk().rev() {
        let h = step::<B>(&trace.packed, steps, t);
        let gradient = step::<B>(gradient, steps, t);
        let back = deltas.last().map(|delta| recurrent.pull_back(delta.clone()));
        d_initial.take(back.as_ref(), steps.n_at(t));
        deltas.push(through_tanh::<B>(arriving::<B>(gradient, back), &h));
    }
    let back = deltas.last().map(|delta| recurrent.pull_back(delta.clone()));
    d_initial.take(back.as_ref(), 0);
    let deltas = join_walked_back::<B>(deltas, steps);
    let d_recurrent = needs_recurrent
        .then(|| recurrent.recurrent_gradient(constants, &trace.packed, deltas.clone()));
    SequenceGradients {
        projected: deltas,
        recurrent: d_recurrent,
        hidden: Some(d_initial.join()),
        cell: None,
        candidate_bias: None,
    }
}
