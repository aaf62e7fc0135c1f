//! The long short-term memory over a sequence.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::steps::{
    Ended, arriving, carried, gate, join, join_walked, join_walked_back, rows, step,
    through_sigmoid, through_tanh,
};
use super::weights::MaskedWeights;
use crate::operands::{
    Keep, Optional, SequenceConstants, SequenceGradients, SequenceTrace, StepTrace,
};
use crate::steps::SequenceSteps;

pub(super) fn forward<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<B> {
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..4, steps);
    let cell_mask = constants.cell_mask.clone().into_option();
    let initial_cell = initial_cell(constants);
    let activations = Activations::<B>::like(&projected, d_hidden);
    let mut c: Option<FloatTensor<B>> = None;
    let mut outputs = Vec::<FloatTensor<B>>::new();
    let (mut last_cells, mut kept) = (Ended::<B>::new(), Vec::new());
    for t in steps.walk() {
        let n = steps.n_at(t);
        let h = carried::<B>(outputs.last().cloned(), &constants.hidden, n);
        let entering = recurrent.mask(h);
        last_cells.take(c.as_ref(), n);
        let before = carried::<B>(c, initial_cell, n);
        let (x, product) = (step::<B>(&projected, steps, t), recurrent.product(entering));
        let activated = activations.of(B::float_add(x, product));
        let [i, f, g, o] = [0, 1, 2, 3].map(|k| gate::<B>(&activated, k, d_hidden));
        let mut cell = B::float_add(B::float_mul(f, before), B::float_mul(i, g));
        if let Some(mask) = &cell_mask {
            cell = B::float_mul(cell, rows::<B>(mask, 0..n));
        }
        outputs.push(B::float_mul(o, B::float_tanh(cell.clone())));
        if keep == Keep::Trace {
            kept.push(StepTrace { gates: vec![activated], inner: cell.clone() });
        }
        c = Some(cell);
    }
    last_cells.take(c.as_ref(), 0);
    let packed = join::<B>(vec![join_walked::<B>(outputs, steps), last_cells.join()]);
    SequenceTrace { packed, gates: None, inner: None, steps: kept }
}

pub(super) fn backward<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    needs_recurrent: bool,
) -> SequenceGradients<B> {
    let mut kept = trace.steps;
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..4, steps);
    let cell_mask = constants.cell_mask.clone().into_option();

    let mut deltas = Vec::<FloatTensor<B>>::with_capacity(kept.len());
    let d_last = rows::<B>(gradient, steps.n_rows()..gradient.shape()[0]);
    let mut d_c: Option<FloatTensor<B>> = None;
    let (mut d_hidden_0, mut d_cell_0) = (Ended::<B>::new(), Ended::<B>::new());
    for t in steps.walk().rev() {
        let n = steps.n_at(t);
        let StepTrace { gates, inner: c } = kept.pop().expect("all steps are kept");
        let [i, f, g, o] = [0, 1, 2, 3].map(|k| gate::<B>(&gates[0], k, d_hidden));
        let tanh_c = B::float_tanh(c);
        let before = kept.last().map(|step| step.inner.clone());
        let before = carried::<B>(before, initial_cell(constants), n);

        let gradient = step::<B>(gradient, steps, t);
        let back = deltas.last().map(|delta| recurrent.pull_back(delta.clone()));
        d_hidden_0.take(back.as_ref(), n);
        let dh = arriving::<B>(gradient, back);
        d_cell_0.take(d_c.as_ref(), n);
        let d_c_later = carried::<B>(d_c, &d_last, n);
        let d_o = through_sigmoid::<B>(B::float_mul(dh.clone(), tanh_c.clone()), &o);
        let mut dc = B::float_add(d_c_later, through_tanh::<B>(B::float_mul(dh, o), &tanh_c));
        if let Some(mask) = &cell_mask {
            dc = B::float_mul(dc, rows::<B>(mask, 0..n));
        }
        let d_i = through_sigmoid::<B>(B::float_mul(dc.clone(), g.clone()), &i);
        let d_f = through_sigmoid::<B>(B::float_mul(dc.clone(), before), &f);
        let d_g = through_tanh::<B>(B::float_mul(dc.clone(), i), &g);
        d_c = Some(B::float_mul(dc, f));
        deltas.push(B::float_cat(vec![d_i, d_f, d_g, d_o], 1));
    }
    let back = deltas.last().map(|delta| recurrent.pull_back(delta.clone()));
    d_hidden_0.take(back.as_ref(), 0);
    d_cell_0.take(d_c.as_ref(), 0);
    let deltas = join_walked_back::<B>(deltas, steps);
    let d_recurrent = needs_recurrent
        .then(|| recurrent.recurrent_gradient(constants, &trace.packed, deltas.clone()));
    SequenceGradients {
        projected: deltas,
        recurrent: d_recurrent,
        hidden: Some(d_hidden_0.join()),
        cell: Some(d_cell_0.join()),
        candidate_bias: None,
    }
}

fn initial_cell<B: Backend>(constants: &SequenceConstants<B>) -> &FloatTensor<B> {
    match &constants.cell {
        Optional::Present(cell) => cell,
        Optional::Absent => unreachable!("an LSTM carries a cell"),
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
