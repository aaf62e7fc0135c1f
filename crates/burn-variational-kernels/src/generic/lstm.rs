//! The long short-term memory over a sequence.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::activations::tanh;
use super::steps::{
    Ended, arriving, carried, gate, join, join_walked, join_walked_back, rows, step,
    through_sigmoid, through_tanh,
};
use super::unit_masks::{OfStep, masked, through_zoneout, zoned_out};
use super::weights::{MaskedWeights, Rows};
use crate::operands::{
    Keep, Optional, SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace, StepTrace,
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
    let initial_cell = initial_cell(constants);
    let activations = Activations::<B>::like(&projected, d_hidden);
    let mut c: Option<FloatTensor<B>> = None;
    let mut outputs = Vec::<FloatTensor<B>>::new();
    let (mut last_cells, mut kept) = (Ended::<B>::new(), Vec::new());
    for t in steps.walk() {
        let n = steps.n_at(t);
        let h = carried::<B>(outputs.last().cloned(), &constants.hidden, n);
        let entering = recurrent.mask(h.clone(), Rows::OfStep(t));
        last_cells.take(c.as_ref(), n);
        let before = carried::<B>(c, initial_cell, n);
        let (x, product) = (step::<B>(&projected, steps, t), recurrent.product(entering));
        let activated = activations.of(B::float_add(x, product));
        let [i, f, g, o] = [0, 1, 2, 3].map(|k| gate::<B>(&activated, k, d_hidden));
        let masks = constants.unit_masks.at(steps, t);
        let mut cell = next_cell::<B>([i, f, g], before.clone(), &masks);
        let output = B::float_mul(o, tanh::<B>(cell.clone()));
        let mut output = masked::<B>(output, masks.hidden.as_ref());
        if let Some(share) = &masks.cell_zoneout {
            cell = zoned_out::<B>(cell, masked::<B>(before, masks.cell.as_ref()), share);
        }
        if let Some(share) = &masks.hidden_zoneout {
            output = zoned_out::<B>(output, h, share);
        }
        outputs.push(output);
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
    needs: SequenceNeeds,
) -> SequenceGradients<B> {
    let mut kept = trace.steps;
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..4, steps);

    let mut deltas = Vec::<FloatTensor<B>>::with_capacity(kept.len());
    let d_last = rows::<B>(gradient, steps.n_rows()..gradient.shape()[0]);
    let (mut d_c, mut kept_back) = (None::<FloatTensor<B>>, None);
    let (mut d_hidden_0, mut d_cell_0) = (Ended::<B>::new(), Ended::<B>::new());
    for t in steps.walk().rev() {
        let n = steps.n_at(t);
        let StepTrace { gates, inner: c } = kept.pop().expect("all steps are kept");
        let [i, f, g, o] = [0, 1, 2, 3].map(|k| gate::<B>(&gates[0], k, d_hidden));
        let masks = constants.unit_masks.at(steps, t);
        let before = kept.last().map(|step| step.inner.clone());
        let before = carried::<B>(before, initial_cell(constants), n);
        // What the output read is the cell as it was before zoneout.
        let c = match &masks.cell_zoneout {
            None => c,
            Some(_) => next_cell::<B>([i.clone(), f.clone(), g.clone()], before.clone(), &masks),
        };
        let tanh_c = tanh::<B>(c);

        let gradient = step::<B>(gradient, steps, t);
        let back = recurrent.handed_back(kept_back.take(), &deltas);
        d_hidden_0.take(back.as_ref(), n);
        let dh = arriving::<B>(gradient, back);
        let (dh, past) = through_zoneout::<B>(dh, masks.hidden_zoneout.as_ref());
        kept_back = past;
        let dh = masked::<B>(dh, masks.hidden.as_ref());
        d_cell_0.take(d_c.as_ref(), n);
        let d_c_later = carried::<B>(d_c, &d_last, n);
        let (d_c_later, past) = through_zoneout::<B>(d_c_later, masks.cell_zoneout.as_ref());
        let past = past.map(|past| masked::<B>(past, masks.cell.as_ref()));
        let d_o = through_sigmoid::<B>(B::float_mul(dh.clone(), tanh_c.clone()), &o);
        let dc = B::float_add(d_c_later, through_tanh::<B>(B::float_mul(dh, o), &tanh_c));
        let dc = masked::<B>(dc, masks.cell.as_ref());
        let candidate = masks.candidate.as_ref();
        let d_i = B::float_mul(dc.clone(), masked::<B>(g.clone(), candidate));
        let d_i = through_sigmoid::<B>(d_i, &i);
        let d_f = through_sigmoid::<B>(B::float_mul(dc.clone(), before), &f);
        let d_g = masked::<B>(B::float_mul(dc.clone(), i), candidate);
        let d_g = through_tanh::<B>(d_g, &g);
        let through_f = B::float_mul(dc, f);
        d_c = Some(match past {
            Some(past) => B::float_add(through_f, past),
            None => through_f,
        });
        deltas.push(B::float_cat(vec![d_i, d_f, d_g, d_o], 1));
    }
    let back = recurrent.handed_back(kept_back, &deltas);
    d_hidden_0.take(back.as_ref(), 0);
    d_cell_0.take(d_c.as_ref(), 0);
    let deltas = join_walked_back::<B>(deltas, steps);
    let d_recurrent = needs
        .recurrent
        .then(|| recurrent.recurrent_gradient(constants, &trace.packed, deltas.clone()));
    SequenceGradients {
        projected: deltas,
        recurrent: d_recurrent,
        hidden: Some(d_hidden_0.join()),
        cell: Some(d_cell_0.join()),
        candidate_bias: None,
    }
}

/// `z_c ∘ (f ∘ c_{t-1} + i ∘ z_g ∘ g)`.
fn next_cell<B: Backend>(
    [i, f, g]: [FloatTensor<B>; 3],
    before: FloatTensor<B>,
    masks: &OfStep<B>,
) -> FloatTensor<B> {
    let candidate = masked::<B>(g, masks.candidate.as_ref());
    let cell = B::float_add(B::float_mul(f, before), B::float_mul(i, candidate));
    masked::<B>(cell, masks.cell.as_ref())
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
        let tanh = B::float_mul(tanh::<B>(a.clone()), self.tanh.clone());
        B::float_add(B::float_mul(B::sigmoid(a), self.sigmoid.clone()), tanh)
    }
}
