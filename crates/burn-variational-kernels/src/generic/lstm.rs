//! The long short-term memory over a sequence.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::steps::{arriving, gate, stack, stack_reversed, step, through_sigmoid, through_tanh};
use super::weights::MaskedWeights;
use crate::operands::{Keep, SequenceConstants, SequenceGradients, SequenceTrace, StepTrace};

pub(super) fn forward<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    keep: Keep,
) -> SequenceTrace<B> {
    let seq_length = projected.shape()[0];
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..4);
    let cell_mask = constants.cell_mask.clone().into_option();
    let activations = Activations::<B>::like(&projected, d_hidden);
    let mut entering = recurrent.mask(constants.hidden.clone());
    let mut c = constants.cell.clone().into_option().expect("an LSTM carries a cell");
    let (mut outputs, mut steps) = (Vec::new(), Vec::new());
    for t in 0..seq_length {
        let (x, product) = (step::<B>(&projected, t), recurrent.product(entering));
        let activated = activations.of(B::float_add(x, product));
        let [i, f, g, o] = [0, 1, 2, 3].map(|k| gate::<B>(&activated, k, d_hidden));
        c = B::float_add(B::float_mul(f, c), B::float_mul(i, g));
        if let Some(mask) = &cell_mask {
            c = B::float_mul(c, mask.clone());
        }
        let h = B::float_mul(o, B::float_tanh(c.clone()));
        entering = recurrent.mask(h.clone());
        outputs.push(h);
        if keep == Keep::Trace {
            steps.push(StepTrace { gates: vec![activated], inner: c.clone() });
        }
    }
    outputs.push(c);
    SequenceTrace { packed: stack::<B>(outputs), gates: None, inner: None, steps }
}

pub(super) fn backward<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    needs_recurrent: bool,
) -> SequenceGradients<B> {
    let mut steps = trace.steps;
    let seq_length = steps.len();
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..4);
    let cell_mask = constants.cell_mask.clone().into_option();
    let initial_cell = constants.cell.clone().into_option().expect("an LSTM carries a cell");

    let mut deltas = Vec::with_capacity(seq_length);
    let mut d_c = step::<B>(gradient, seq_length);
    let pull_back = |delta: &FloatTensor<B>| recurrent.pull_back(delta.clone());
    while let Some(StepTrace { gates, inner: c }) = steps.pop() {
        let [i, f, g, o] = [0, 1, 2, 3].map(|k| gate::<B>(&gates[0], k, d_hidden));
        let tanh_c = B::float_tanh(c);
        let previous = steps.last().map_or(&initial_cell, |step| &step.inner).clone();

        let dh = arriving::<B>(gradient, steps.len(), || deltas.last().map(pull_back));
        let d_o = through_sigmoid::<B>(B::float_mul(dh.clone(), tanh_c.clone()), &o);
        let mut dc = B::float_add(d_c, through_tanh::<B>(B::float_mul(dh, o), &tanh_c));
        if let Some(mask) = &cell_mask {
            dc = B::float_mul(dc, mask.clone());
        }
        let d_i = through_sigmoid::<B>(B::float_mul(dc.clone(), g.clone()), &i);
        let d_f = through_sigmoid::<B>(B::float_mul(dc.clone(), previous), &f);
        let d_g = through_tanh::<B>(B::float_mul(dc.clone(), i), &g);
        d_c = B::float_mul(dc, f);
        let delta = B::float_cat(vec![d_i, d_f, d_g, d_o], 1);
        deltas.push(delta);
    }
    let d_h = deltas.last().map(pull_back);
    let deltas = stack_reversed::<B>(deltas);
    let d_recurrent = needs_recurrent
        .then(|| recurrent.recurrent_gradient(constants, &trace.packed, deltas.clone()));
    SequenceGradients {
        projected: deltas,
        recurrent: d_recurrent,
        hidden: d_h,
        cell: Some(d_c),
        candidate_bias: None,
    }
}

/// `σ` of the gates and `tanh` of the candidate. Both of all, and one of them chosen, is a single
/// launch that writes a single tensor; apart, each gate is an input and an output of its own, and
/// joined with the others once more.
struct Activations<B: Backend> {
    /// `[1, 4 · d_hidden]`: 1 where the function is chosen, and 0 elsewhere.
    sigmoid: FloatTensor<B>,
    tanh: FloatTensor<B>,
}

impl<B: Backend> Activations<B> {
    /// On the device and in the type of a tensor.
    fn like(tensor: &FloatTensor<B>, d_hidden: usize) -> Self {
        let choose = |gates: [f64; 4]| {
            let (device, dtype) = (tensor.device(), tensor.dtype().into());
            let gate =
                |chosen: f64| B::float_full([1, d_hidden].into(), chosen.into(), &device, dtype);
            B::float_cat(gates.map(gate).into(), 1)
        };
        Self { sigmoid: choose([1.0, 1.0, 0.0, 1.0]), tanh: choose([0.0, 0.0, 1.0, 0.0]) }
    }

    /// Of `i, f, g, o` side by side.
    fn of(&self, a: FloatTensor<B>) -> FloatTensor<B> {
        let tanh = B::float_mul(B::float_tanh(a.clone()), self.tanh.clone());
        B::float_add(B::float_mul(B::sigmoid(a), self.sigmoid.clone()), tanh)
    }
}
