//! The simple recurrent network over a sequence.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::steps::{arriving, stack, stack_reversed, step, through_tanh};
use super::weights::MaskedWeights;
use crate::operation::{Constants, Gradients, Trace};

pub(super) fn forward<B: Backend>(projected: FloatTensor<B>, constants: &Constants<B>) -> Trace<B> {
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1);
    let mut h = constants.hidden.clone();
    let mut outputs = Vec::new();
    for t in 0..projected.shape()[0] {
        let product = recurrent.product(recurrent.mask(h));
        h = B::float_tanh(B::float_add(step::<B>(&projected, t), product));
        outputs.push(h.clone());
    }
    Trace { packed: stack::<B>(outputs), gates: None, inner: None }
}

pub(super) fn backward<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: Trace<B>,
    constants: &Constants<B>,
    needs_recurrent: bool,
) -> Gradients<B> {
    let seq_length = trace.packed.shape()[0];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..1);
    let mut deltas = Vec::with_capacity(seq_length);
    let mut d_h = None;
    for t in (0..seq_length).rev() {
        let dh = arriving::<B>(gradient, t, d_h);
        let delta = through_tanh::<B>(dh, &step::<B>(&trace.packed, t));
        d_h = Some(recurrent.pull_back(delta.clone()));
        deltas.push(delta);
    }
    let deltas = stack_reversed::<B>(deltas);
    let d_recurrent = needs_recurrent
        .then(|| recurrent.recurrent_gradient(constants, &trace.packed, deltas.clone()));
    Gradients {
        projected: deltas,
        recurrent: d_recurrent,
        hidden: d_h,
        cell: None,
        candidate_bias: None,
    }
}
