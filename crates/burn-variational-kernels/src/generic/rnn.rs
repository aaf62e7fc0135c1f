//! The simple recurrent network over a sequence.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::steps::{arriving, stack, stack_reversed, step, through_tanh};
use super::weights::MaskedWeights;
use crate::operands::{SequenceConstants, SequenceGradients, SequenceTrace};

pub(super) fn forward<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
) -> SequenceTrace<B> {
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1);
    let mut entering = recurrent.mask(constants.hidden.clone());
    let mut outputs = Vec::new();
    for t in 0..projected.shape()[0] {
        let (x, product) = (step::<B>(&projected, t), recurrent.product(entering));
        let h = B::float_tanh(B::float_add(x, product));
        entering = recurrent.mask(h.clone());
        outputs.push(h);
    }
    SequenceTrace { packed: stack::<B>(outputs), gates: None, inner: None, steps: vec![] }
}

pub(super) fn backward<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    needs_recurrent: bool,
) -> SequenceGradients<B> {
    let seq_length = trace.packed.shape()[0];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1);
    let mut deltas = Vec::with_capacity(seq_length);
    let pull_back = |delta: &FloatTensor<B>| recurrent.pull_back(delta.clone());
    for t in (0..seq_length).rev() {
        let h = step::<B>(&trace.packed, t);
        let dh = arriving::<B>(gradient, t, || deltas.last().map(pull_back));
        deltas.push(through_tanh::<B>(dh, &h));
    }
    let d_h = deltas.last().map(pull_back);
    let deltas = stack_reversed::<B>(deltas);
    let d_recurrent = needs_recurrent
        .then(|| recurrent.recurrent_gradient(constants, &trace.packed, deltas.clone()));
    SequenceGradients {
        projected: deltas,
        recurrent: d_recurrent,
        hidden: d_h,
        cell: None,
        candidate_bias: None,
    }
}
